import type { Clock, Random, Store } from '@agentpay/primitives';
import { mpp } from '@agentpay/protocol';
import { z } from 'zod';
import { functionOf, httpUrl, objectWith } from './checks.js';
import { extensionsSchema, type RouteExtensions } from '../offer/extensions/RouteExtensions.js';
import { HOOKS, type Hooks } from './hooks.js';
import { checkKnown } from './known.js';
import { authorizeSchema, serviceId, type Authorize, type Price } from './Price.js';
import {
  acceptsSchema,
  facilitatorSchema,
  networkSchema,
  payToSchema,
  type Accept,
} from './PaymentOption.js';
import type { Logger, Report } from './Report.js';
import type { GivenKey } from './ReceiptKey.js';
import { corsSchema, type Cors } from './CorsOption.js';

/** The AgentPay API that issues and settles payment tokens. */
export interface TokenOptions {
  /** Base URL of the API. */
  readonly url: string;
  /** API key of the provider. */
  readonly key: string;
  /** `svc_` id of the service; a route may name its own. */
  readonly service?: string;
}

export interface PaywallOptions extends Hooks {
  /** Address that receives the money. */
  readonly payTo: string;
  /** CAIP-2 id or x402 name. Default "base-sepolia". */
  readonly network?: string;
  /** Base URL of an x402 facilitator, or one in the same process. */
  readonly facilitator: Required<Accept>['facilitator'];
  /** Ways to pay, in the order in which they are offered. Default: one, by the three options above. */
  readonly accepts?: readonly Accept[];
  /** Free tiers and bans, for every priced request; a route may have its own. */
  readonly authorize?: Authorize;
  /** Extensions of x402 v2 that every route declares; a route may have its own. */
  readonly extensions?: RouteExtensions;
  /** Price of everything behind the place where the middleware is mounted. */
  readonly price?: Price;
  /** Prices by "METHOD /path" or "/path"; what is not listed is free. */
  readonly routes?: Readonly<Record<string, Price>>;
  /** Origin under which buyers reach the seller. Default: the Host header of each request. */
  readonly baseUrl?: string;
  /** MPP protection space. Default: the host of `baseUrl`, else "paid-api". */
  readonly realm?: string;
  /** Binds MPP challenges; at least 32 bytes. A list rotates: the first signs, all are accepted. Default: random, of this process. */
  readonly mppSecret?: string | readonly string[];
  /** Header of MPP credentials; "Payment-Authorization" where the application needs `Authorization` for itself. */
  readonly authorizationHeader?: 'Authorization' | 'Payment-Authorization';
  readonly token?: TokenOptions;
  /**
   * Private key, 0x and 64 hex digits, that signs what becomes of holds: the `receiverAuthorizer` of routes with `hold: true`. It can give
   * money back and pay `payTo`, and nothing else. Default: the facilitator signs, where it does that.
   */
  readonly holdKey?: string;
  /**
   * Private Ed25519 key, as PEM or as a KeyObject, by which receipts, and offers of routes that say so, are signed. A list rotates: the
   * first signs, all are published; of the former ones the public key will do.
   */
  readonly receiptKey?: GivenKey | readonly GivenKey[];
  /** Pages of which origins may ask and pay; preflights for what is for sale get a response. Default: left to the application. */
  readonly cors?: Cors;
  /** Where claims and responses are kept. Default: memory of this process. Several processes need a shared one. */
  readonly store?: Store;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly fetch?: typeof globalThis.fetch;
  /** How long an offer may be paid. Default 300. */
  readonly maxTimeoutSeconds?: number;
  /** Longest request body that an MPP challenge can bind. Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /** Longest response that is held until the payment is settled. Default 5 MiB. */
  readonly maxResponseBytes?: number;
  /** Longest response that is kept for the same proof sent again. Default 256 KiB. */
  readonly maxStoredBytes?: number;
  /**
   * Who else gets a stored response again by a proof that is public on the chain: callers from the same address, with the same values of
   * these request headers, within so many seconds. Default: none.
   */
  readonly repeats?: { readonly headers?: readonly string[]; readonly seconds?: number };
  /** How long a handler may take: default 60 s, at most what leaves time to settle within `maxTimeoutSeconds`. */
  readonly handlerTimeoutMs?: number;
  /** How many unpaid responses of `settle: 'optimistic'` routes a payer may have; the next is settled before it goes out. Default 3. */
  readonly maxUnsettled?: number;
  /**
   * How many unpaid handler runs a payer may have until their proofs expire. With a facilitator that tells no balances it also limits how
   * many run at a time. Default 5.
   */
  readonly maxUnpaidRuns?: number;
  /** Default: `logger.error`, else one line on stderr. */
  readonly onError?: Report;
  /**
   * Where the log goes: what is sold, once, a line for each payment that was settled, and faults; pino and its likes fit. False: there is
   * none, and faults go to `onError` alone. Default: lines on stderr.
   */
  readonly logger?: Logger | false;
}

const MIB = 1024 * 1024;
const SEPARATORS = /["\\|]|[^\x20-\x7e]/;

const secretError = `must be one text or a list of texts, each of ${mpp.MIN_SECRET_BYTES} bytes or more`;
const secret = z.string().refine((text) => Buffer.byteLength(text) >= mpp.MIN_SECRET_BYTES, secretError);
const fn = functionOf();
const loggerError = 'must have the method error, or be false';
const bytes = z
  .number()
  .int()
  .min(0)
  .max(1024 * MIB)
  .optional();

const shape = {
  payTo: payToSchema,
  network: networkSchema.optional(),
  facilitator: facilitatorSchema,
  accepts: acceptsSchema.optional(),
  authorize: authorizeSchema.optional(),
  extensions: extensionsSchema.optional(),
  price: z.unknown().optional(),
  routes: z.record(z.string(), z.unknown()).optional(),
  baseUrl: httpUrl.optional(),
  realm: z
    .string()
    .min(1)
    .max(255)
    .refine((text) => !SEPARATORS.test(text), 'must be printable ASCII without quotes and "|"')
    .optional(),
  mppSecret: z.union([secret, z.array(secret).min(1)], { error: secretError }).optional(),
  authorizationHeader: z.enum(['Authorization', 'Payment-Authorization']).optional(),
  cors: corsSchema.optional(),
  token: z.unknown().optional(),
  receiptKey: z.unknown().optional(),
  store: objectWith<Store>('get', 'put', 'delete').optional(),
  clock: objectWith<Clock>('now', 'timer').optional(),
  random: objectWith<Random>('bytes').optional(),
  fetch: fn.optional(),
  maxTimeoutSeconds: z.number().int().min(10).max(86_400).optional(),
  maxBodyBytes: bytes,
  maxResponseBytes: bytes,
  maxStoredBytes: bytes,
  repeats: z
    .strictObject({
      headers: z.array(z.string().min(1).max(100)).max(20).optional(),
      seconds: z.number().int().min(1).max(3600).optional(),
    })
    .optional(),
  holdKey: z
    .string()
    .regex(/^0x[0-9a-fA-F]{64}$/, 'must be a private key, 0x and 64 hex digits')
    .optional(),
  handlerTimeoutMs: z.number().int().min(1).optional(),
  maxUnsettled: z.number().int().min(1).max(1000).optional(),
  maxUnpaidRuns: z.number().int().min(1).max(1000).optional(),
  onError: fn.optional(),
  logger: z.union([z.literal(false), objectWith<Logger>('error')], { error: loggerError }).optional(),
  ...Object.fromEntries(HOOKS.map((name) => [name, fn.optional()])),
};
const tokenShape = { url: httpUrl, key: z.string().min(1).max(1024), service: serviceId.optional() };

/** @throws TypeError that names the option at fault */
export function checkOptions(options: PaywallOptions): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(
      'paywall() needs one object of options: paywall({ payTo: "0x...", facilitator: "https://...", routes: { ... } }).',
    );
  check('paywall()', shape, options);
  if (options.accepts?.some(({ amount }) => amount !== undefined)) {
    throw new TypeError('paywall(): an amount belongs into the accepts of one route.');
  }
  if (options.token) check('paywall() token', tokenShape, options.token);
}

function check(where: string, fields: z.ZodRawShape, given: object): void {
  checkKnown(given, Object.keys(fields), where);
  const issue = z.object(fields).safeParse(given).error?.issues[0];
  if (issue) throw new TypeError(`${where}: option ${issue.path.join('.')} is wrong: ${issue.message}.`);
}
