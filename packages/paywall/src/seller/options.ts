import {
  memoryStore,
  nonceSource,
  systemClock,
  systemRandom,
  type Clock,
  type Network,
  type Random,
  type Store,
} from '@agentpay/primitives';
import { base64url, mpp, type Address } from '@agentpay/protocol';
import { z } from 'zod';
import { backgroundWork, type Background } from '../paid/background.js';
import { chainNode } from '../rails/mpp/ChainNode.js';
import { functionOf, httpUrl, objectWith } from './checks.js';
import { claimsIn, type Claims } from '../paid/Claims.js';
import { extensionsSchema, type RouteExtensions } from '../offer/extensions/RouteExtensions.js';
import { signInsIn, type SignIns } from '../offer/extensions/SignIns.js';
import { facilitatorFaults } from './facilitatorCheck.js';
import { facilitatorsOf } from './facilitators.js';
import { ledgerOfEarnings, type Hooks } from './hooks.js';
import { checkKnown } from './known.js';
import { counters } from './metrics.js';
import {
  authorizeSchema,
  readPrice,
  serviceId,
  type Authorize,
  type Price,
  type RouteTerms,
} from './Price.js';
import { issuer, type Issuer } from '../rails/token/issuer.js';
import {
  acceptsSchema,
  facilitatorSchema,
  networkSchema,
  payToSchema,
  readPaymentOptions,
  type Accept,
  type PaymentOption,
} from './PaymentOption.js';
import { reportOf, type Logger, type Report } from './Report.js';
import { receiptKeyOf, type GivenKey, type ReceiptKey } from './ReceiptKey.js';
import { unpaidRunsIn, type UnpaidRuns } from '../paid/UnpaidRuns.js';
import { unsettledIn, type Unsettled } from '../paid/Unsettled.js';
import { uptoAccounts } from './uptoAccounts.js';
import { usageIn, type Usage } from '../paid/Usage.js';
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
   * Private Ed25519 key, as PEM or as a KeyObject, by which receipts, and offers of routes that say so, are signed. A list rotates: the
   * first signs, all are published; of the former ones the public key will do.
   */
  readonly receiptKey?: GivenKey | readonly GivenKey[];
  /** Pages of which origins may ask and pay; preflights for what is for sale are answered. Default: left to the application. */
  readonly cors?: Cors;
  /** Where claims and answers are kept. Default: memory of this process. Several processes need a shared one. */
  readonly store?: Store;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly fetch?: typeof globalThis.fetch;
  /** How long an offer may be paid. Default 300. */
  readonly maxTimeoutSeconds?: number;
  /** Longest request body that an MPP challenge can bind. Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /** Longest answer that is held until the payment is settled. Default 5 MiB. */
  readonly maxResponseBytes?: number;
  /** Longest answer that is kept for the same proof sent again. Default 256 KiB. */
  readonly maxStoredBytes?: number;
  /**
   * Who gets a stored response again by a proof of which everything is on the chain: whoever comes from the same address, with the same of
   * these request headers, within so many seconds. Default: nobody.
   */
  readonly repeats?: { readonly headers?: readonly string[]; readonly seconds?: number };
  /** How long a handler may take: default 60 s, at most what leaves time to settle within `maxTimeoutSeconds`. */
  readonly handlerTimeoutMs?: number;
  /** How many answers of `settle: 'optimistic'` routes a payer may have unpaid for; the next is settled before it goes out. Default 3. */
  readonly maxUnsettled?: number;
  /**
   * How many runs of handlers a payer may have that were not paid for, until their proofs expire; without a facilitator that tells balances
   * also how many at a time. Default 5.
   */
  readonly maxUnpaidRuns?: number;
  /** Default: `logger.error`, else one line on stderr. */
  readonly onError?: Report;
  /** Where faults go; pino and its likes fit. */
  readonly logger?: Logger;
}

/** The options, checked and completed. */
export interface Settings {
  readonly paymentOptions: readonly [PaymentOption, ...PaymentOption[]];
  paymentOptionsOf(accepts: readonly Accept[]): Settings['paymentOptions'];
  /** What is wrong with the facilitators that are used, a line for each. */
  facilitatorFaults(): Promise<readonly string[]>;
  /** Tells of it soon, without anybody waiting. */
  watchFacilitators(): void;
  readonly authorize: Authorize | undefined;
  readonly extensions: RouteExtensions;
  readonly price: RouteTerms | undefined;
  readonly routes: readonly (readonly [pattern: string, terms: RouteTerms | 'free'])[] | undefined;
  readonly baseUrl: string | undefined;
  readonly realm: string;
  readonly mppSecrets: readonly [string, ...string[]];
  readonly authorizationHeader: 'Authorization' | 'Payment-Authorization';
  readonly cors: Cors | undefined;
  readonly issuer: Issuer | undefined;
  readonly service: string | undefined;
  readonly receiptKey: ReceiptKey | undefined;
  readonly claims: Claims;
  readonly clock: Clock;
  readonly random: Random;
  /** A text that comes once: 128 random bits, in base64url. */
  nonce(): string;
  /** The same, as it stands in base64url. */
  writtenNonce(): string;
  readonly maxTimeoutSeconds: number;
  readonly maxBodyBytes: number;
  readonly maxResponseBytes: number;
  readonly maxStoredBytes: number;
  readonly repeats: { readonly headers: readonly string[]; readonly seconds: number } | undefined;
  readonly handlerTimeoutMs: number;
  /** Part of an authorization's life that is kept for settling. */
  readonly settleReserveMs: number;
  readonly unsettled: Unsettled;
  readonly unpaidRuns: UnpaidRuns;
  readonly usage: Usage;
  readonly signIns: SignIns;
  /** The account that payers up to a ceiling name. */
  uptoAccount(option: PaymentOption): Promise<Address>;
  readonly background: Background;
  readonly hooks: Hooks;
  readonly earnings: ReturnType<typeof ledgerOfEarnings>;
  readonly counters: ReturnType<typeof counters>;
  readonly report: Report;
}

const MIB = 1024 * 1024;
const HANDLER_TIMEOUT_MS = 60_000;
const SEPARATORS = /["\\|]|[^\x20-\x7e]/;

const secretError = `must be one text or a list of texts, each of ${mpp.MIN_SECRET_BYTES} bytes or more`;
const secret = z.string().refine((text) => Buffer.byteLength(text) >= mpp.MIN_SECRET_BYTES, secretError);
const fn = functionOf();
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
  handlerTimeoutMs: z.number().int().min(1).optional(),
  maxUnsettled: z.number().int().min(1).max(1000).optional(),
  maxUnpaidRuns: z.number().int().min(1).max(1000).optional(),
  onError: fn.optional(),
  logger: objectWith<Logger>('error').optional(),
  onChallenge: fn.optional(),
  onVerified: fn.optional(),
  onSettled: fn.optional(),
  onUnpaid: fn.optional(),
  onRefused: fn.optional(),
};
const tokenShape = { url: httpUrl, key: z.string().min(1).max(1024), service: serviceId.optional() };

/** Checks the options of `paywall()`. @throws TypeError that names the option at fault */
export function readOptions(options: PaywallOptions): Settings {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(
      'paywall() needs one object of options: paywall({ payTo: "0x...", facilitator: "https://...", routes: { ... } }).',
    );
  check('paywall()', shape, options);
  if (options.accepts?.some(({ amount }) => amount !== undefined)) {
    throw new TypeError('paywall(): an amount belongs into the accepts of one route.');
  }
  if (options.token) check('paywall() token', tokenShape, options.token);
  const {
    clock = systemClock,
    random = systemRandom,
    fetch = globalThis.fetch,
    maxTimeoutSeconds = 300,
    baseUrl,
  } = options;
  const report = reportOf(options);
  const store = options.store ?? memoryStore(clock);
  const mppSecrets = secretsOf(options.mppSecret, random);
  const settleReserveMs = Math.min(30_000, Math.max(6_000, maxTimeoutSeconds * 250));
  const handlerLimitMs = maxTimeoutSeconds * 1000 - settleReserveMs;
  const defaults = {
    network: options.network ?? 'base-sepolia',
    payTo: options.payTo,
    facilitator: options.facilitator,
  };
  const facilitatorOf = facilitatorsOf({ clock, fetch: options.fetch, report });
  const nodeOf = (rpcUrl: string, { chainId }: Network) =>
    chainNode({ rpcUrl, chainId, clock, fetch, report });
  const used: PaymentOption[] = [];
  const paymentOptionsOf = (accepts: readonly Accept[]) => {
    checkHashes(accepts, options);
    const paymentOptions = readPaymentOptions(accepts, defaults, { facilitatorOf, nodeOf });
    used.push(...paymentOptions);
    return paymentOptions;
  };
  return {
    paymentOptions: paymentOptionsOf(options.accepts ?? [{}]),
    paymentOptionsOf,
    ...facilitatorChecks({ used, clock, report }),
    authorize: options.authorize,
    extensions: options.extensions ?? {},
    ...readPrices(options),
    baseUrl: baseUrl?.replace(/\/+$/, ''),
    realm: options.realm ?? (baseUrl ? new URL(baseUrl).host : 'paid-api'),
    mppSecrets,
    authorizationHeader: options.authorizationHeader ?? 'Authorization',
    cors: options.cors,
    issuer: options.token && issuer({ ...options.token, clock, fetch }),
    service: options.token?.service,
    receiptKey: options.receiptKey === undefined ? undefined : receiptKeyOf(options.receiptKey),
    claims: claimsIn({ store, clock, nonce: nonceSource(random), report }),
    unsettled: unsettledIn({ store, clock, report, max: options.maxUnsettled ?? 3 }),
    unpaidRuns: unpaidRunsIn({ clock, max: options.maxUnpaidRuns ?? 5 }),
    usage: usageIn(report),
    signIns: signInsIn({ store, clock, random, report, secrets: mppSecrets }),
    uptoAccount: uptoAccounts(clock),
    background: backgroundWork(),
    hooks: options,
    earnings: ledgerOfEarnings(),
    counters: counters(),
    clock,
    random,
    nonce: nonceSource(random),
    writtenNonce: nonceSource(random, base64url),
    maxTimeoutSeconds,
    maxBodyBytes: options.maxBodyBytes ?? MIB,
    maxResponseBytes: options.maxResponseBytes ?? 5 * MIB,
    maxStoredBytes: options.maxStoredBytes ?? MIB / 4,
    repeats: options.repeats && {
      headers: (options.repeats.headers ?? []).map((name) => name.toLowerCase()),
      seconds: options.repeats.seconds ?? 60,
    },
    handlerTimeoutMs: Math.min(options.handlerTimeoutMs ?? HANDLER_TIMEOUT_MS, handlerLimitMs),
    settleReserveMs,
    report,
  };
}

/** Facilitators in this process answer for themselves; those elsewhere are asked once everything is set up. */
function facilitatorChecks({ used, clock, report }: { used: PaymentOption[]; clock: Clock; report: Report }) {
  const remote = () => used.filter(({ facilitatorName }) => /^https?:/.test(facilitatorName));
  return {
    facilitatorFaults: () => facilitatorFaults(used),
    watchFacilitators() {
      const tell = async () => {
        for (const what of await facilitatorFaults(remote())) report({ what });
      };
      if (remote().length > 0) clock.timer(0, () => void tell(), { background: true });
    },
  };
}

function check(where: string, fields: z.ZodRawShape, given: object): void {
  checkKnown(given, Object.keys(fields), where);
  const issue = z.object(fields).safeParse(given).error?.issues[0];
  if (issue) throw new TypeError(`${where}: option ${issue.path.join('.')} is wrong: ${issue.message}.`);
}

/** A hash pays as long as a challenge is good that was issued before its transfer: what it has bought must be known as long. */
function checkHashes(accepts: readonly Accept[], { mppSecret, store }: PaywallOptions): void {
  if (mppSecret === undefined || store || !accepts.some(({ transfers }) => transfers?.hashes)) return;
  throw new TypeError('accepts: transfers by hashes need a store that lasts as long as mppSecret.');
}

function readPrices({ price, routes, token }: PaywallOptions): Pick<Settings, 'price' | 'routes'> {
  if (price !== undefined && routes) throw new TypeError('paywall(): give price or routes, not both.');
  if (routes && Object.keys(routes).length === 0)
    throw new TypeError(
      'paywall(): routes names nothing that is for sale; leave it out to charge by charge().',
    );
  const read = (value: Price, where: string) => readServiced(value, where, token);
  return {
    price: price === undefined ? undefined : read(price, 'paywall() price'),
    routes:
      routes &&
      Object.entries(routes).map(([key, value]) => [
        key,
        value === 'free' ? value : read(value, `route "${key}"`),
      ]),
  };
}

function readServiced(price: Price, where: string, token: TokenOptions | undefined): RouteTerms {
  const terms = readPrice(price, where);
  if (terms.service && !token)
    throw new TypeError(`${where}: a service needs the option token of paywall().`);
  return terms;
}

function secretsOf(given: PaywallOptions['mppSecret'], random: Random): readonly [string, ...string[]] {
  if (given === undefined) return [Buffer.from(random.bytes(mpp.MIN_SECRET_BYTES)).toString('base64url')];
  return typeof given === 'string' ? [given] : (given as [string, ...string[]]);
}
