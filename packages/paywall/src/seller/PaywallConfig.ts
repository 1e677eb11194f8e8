import { systemClock, systemRandom, type Clock, type Random, type Store } from '@agentpay/primitives';
import { mpp, privateKeySigner, type DigestSigner } from '@agentpay/protocol';
import type { RouteExtensions } from '../offer/extensions/RouteExtensions.js';
import type { HeaderLists } from '../rails/RailHeaders.js';
import type { Cors } from './CorsOption.js';
import { hooksOf, type Hooks } from './hooks.js';
import { checkOptions, type PaywallOptions, type TokenOptions } from './options.js';
import type { Accept } from './PaymentOption.js';
import { readPrice, type Authorize, type Price, type RouteTerms } from './Price.js';
import { receiptKeyOf, type ReceiptKey } from './ReceiptKey.js';
import { lineOf, reportOf, type LogLine, type Report } from './Report.js';

/** What a seller has configured, checked and completed. It never changes; what does is in `PaywallState`. */
export interface PaywallConfig {
  readonly accepts: readonly Accept[];
  /** What an entry of `accepts` leaves out. */
  readonly defaults: Required<Pick<Accept, 'network' | 'payTo' | 'facilitator'>>;
  /** Whether transfers by hash may be taken: what they have bought must be known as long as their challenges are good. */
  readonly takesHashes: boolean;
  readonly authorize: Authorize | undefined;
  readonly extensions: RouteExtensions;
  readonly price: RouteTerms | undefined;
  readonly routes: readonly (readonly [pattern: string, terms: RouteTerms | 'free'])[] | undefined;
  /** Without a slash at its end. */
  readonly baseUrl: string | undefined;
  readonly realm: string;
  /** The first signs, all are accepted. */
  readonly mppSecrets: readonly [string, ...string[]];
  readonly authorizationHeader: 'Authorization' | 'Payment-Authorization';
  readonly cors: Cors | undefined;
  readonly token: TokenOptions | undefined;
  readonly receiptKey: ReceiptKey | undefined;
  /** Signs what becomes of holds; undefined: the facilitator does. */
  readonly holdSigner: DigestSigner | undefined;
  /** Undefined: memory of this process. */
  readonly store: Store | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly fetch: typeof globalThis.fetch | undefined;
  readonly maxTimeoutSeconds: number;
  readonly maxBodyBytes: number;
  readonly maxResponseBytes: number;
  readonly maxStoredBytes: number;
  readonly repeats: { readonly headers: readonly string[]; readonly seconds: number } | undefined;
  readonly handlerTimeoutMs: number;
  /** Part of an authorization's life that is kept for settling. */
  readonly settleReserveMs: number;
  readonly maxUnsettled: number;
  readonly maxUnpaidRuns: number;
  readonly hooks: Hooks;
  readonly report: Report;
  /** Undefined: there is no log. */
  readonly line: LogLine | undefined;
  /** Headers of the dialects. */
  readonly headers: HeaderLists;
}

const MIB = 1024 * 1024;
const HANDLER_TIMEOUT_MS = 60_000;

/**
 * Reads the options of `paywall()`.
 * @param listHeaders the header lists of the dialects, for the header of MPP credentials
 * @throws TypeError that names the option at fault
 */
export function readConfig(
  options: PaywallOptions,
  listHeaders: (authorizationHeader: PaywallConfig['authorizationHeader']) => HeaderLists,
): PaywallConfig {
  checkOptions(options);
  const { clock = systemClock, random = systemRandom, baseUrl, repeats } = options;
  const { mppSecret, authorizationHeader = 'Authorization' } = options;
  const report = reportOf(options);
  return Object.freeze({
    accepts: options.accepts ?? [{}],
    defaults: {
      network: options.network ?? 'base-sepolia',
      payTo: options.payTo,
      facilitator: options.facilitator,
    },
    takesHashes: mppSecret === undefined || options.store !== undefined,
    authorize: options.authorize,
    extensions: options.extensions ?? {},
    ...readPrices(options),
    baseUrl: baseUrl?.replace(/\/+$/, ''),
    realm: options.realm ?? (baseUrl ? new URL(baseUrl).host : 'paid-api'),
    mppSecrets: secretsOf(mppSecret, random),
    authorizationHeader,
    cors: options.cors,
    token: options.token,
    receiptKey: options.receiptKey === undefined ? undefined : receiptKeyOf(options.receiptKey),
    holdSigner: options.holdKey === undefined ? undefined : privateKeySigner(options.holdKey),
    store: options.store,
    clock,
    random,
    fetch: options.fetch,
    maxBodyBytes: options.maxBodyBytes ?? MIB,
    maxResponseBytes: options.maxResponseBytes ?? 5 * MIB,
    maxStoredBytes: options.maxStoredBytes ?? MIB / 4,
    repeats: repeats && {
      headers: (repeats.headers ?? []).map((name) => name.toLowerCase()),
      seconds: repeats.seconds ?? 60,
    },
    ...timesOf(options),
    maxUnsettled: options.maxUnsettled ?? 3,
    maxUnpaidRuns: options.maxUnpaidRuns ?? 5,
    hooks: hooksOf(options),
    report,
    line: lineOf(options, report),
    headers: listHeaders(authorizationHeader),
  });
}

function timesOf({ maxTimeoutSeconds = 300, handlerTimeoutMs = HANDLER_TIMEOUT_MS }: PaywallOptions) {
  const settleReserveMs = Math.min(30_000, Math.max(6_000, maxTimeoutSeconds * 250));
  const handlerLimitMs = maxTimeoutSeconds * 1000 - settleReserveMs;
  return {
    maxTimeoutSeconds,
    settleReserveMs,
    handlerTimeoutMs: Math.min(handlerTimeoutMs, handlerLimitMs),
  };
}

function readPrices({ price, routes, token }: PaywallOptions): Pick<PaywallConfig, 'price' | 'routes'> {
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
