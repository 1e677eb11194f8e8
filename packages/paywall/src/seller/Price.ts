import type { IncomingHttpHeaders } from 'node:http';
import { isAgentPayError, parsePrice, type AgentPayError, type Amount } from '@agentpay/primitives';
import { z } from 'zod';
import { CALLER_HEADERS } from './callerHeaders.js';
import { functionOf } from './checks.js';
import { extensionsSchema, type RouteExtensions } from '../offer/extensions/RouteExtensions.js';
import { checkKnown } from './known.js';
import { acceptsSchema, type Accept } from './PaymentOption.js';
import type { RouteSchemas } from './RouteSchemas.js';

/**
 * When the money moves: `after` the handler has succeeded and before its response goes out; `before` the handler runs, for streams and
 * responses too large to hold; `optimistic`: after the response has gone out, at the seller's risk.
 */
export type SettleTiming = 'after' | 'before' | 'optimistic';

/**
 * A request, as price functions and `authorize` see it: as the handler will. What can be read in several ways refuses the request with
 * 400, 413 or 415, whatever the function makes of the error.
 */
export interface RequestView {
  readonly method: string;
  /** Decoded, without a slash at its end; its fixed parts are written as in the pattern of the route, if that is known. */
  readonly path: string;
  /** What `:name` stands for in the pattern of the route, decoded; `*` for the rest. Under Express, `req.params` of a `charge` route. */
  readonly params: Readonly<Record<string, string>>;
  /** `get` refuses a name that comes more than once, of which parsers take one or the other: `getAll` gives all. */
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /**
   * The JSON object or array in the body: what a body parser in front of the paywall has left in `req.body`, else `application/json`,
   * decoded as Content-Encoding and charset say. Undefined without a body.
   */
  json(): Promise<Readonly<Record<string, unknown>> | undefined>;
}

/** A request that a function of the seller is asked about. */
export interface CheckedView {
  readonly asked: RequestView;
  /** Set once the function has asked for something ambiguous. */
  readonly fault: AgentPayError | undefined;
}

/** Works out what a request costs. The buyer pays the price that was offered, even if the function would give another by then. */
export type PriceFunction = (asked: RequestView) => string | Promise<string>;

/** Decides before payment: `grant` serves for nothing, `refuse` gives 403, `pay` charges. */
export type Authorize = (asked: RequestView) => Verdict | Promise<Verdict>;
export type Verdict = 'grant' | 'refuse' | 'pay';

/** A price with what belongs to it. */
export interface PricedRoute {
  /** US dollars, "$0.01" or "0.01", or a function that gives such a text or "free". */
  readonly price?: string | PriceFunction;
  /**
   * In place of `price`: the most that a request may cost. Its handler tells by `used` how much of it is charged. Paid in x402 v2, scheme
   * `upto`, which needs one facilitator that settles it.
   */
  readonly upto?: string | PriceFunction;
  /**
   * Holds the price in an escrow before the handler runs, captures what `used` says (by default all of it) when it has succeeded, and gives
   * the rest back; all of it when the handler fails or the client leaves. Paid in x402 v2, scheme `auth-capture`, by one facilitator.
   */
  readonly hold?: boolean;
  /**
   * Request headers that a price function goes by. An offer that it made counts for requests with the same values only. Default:
   * `Authorization`, `Cookie` and the usual headers of API keys.
   */
  readonly vary?: readonly string[];
  /** Default `after`. */
  readonly settle?: SettleTiming;
  /** Whether a redirect (3xx but 304) is a response to be paid for. Default: it is not. */
  readonly chargeRedirects?: boolean;
  /** Shown to buyers; one line. */
  readonly description?: string;
  /** Media type of the response. */
  readonly mimeType?: string;
  /** `svc_` id under which payment tokens for this route are issued; default: the one of the `token` option. */
  readonly service?: string;
  /** Ways to pay, in the order in which they are offered; default: those of `paywall()`. */
  readonly accepts?: readonly Accept[];
  /** Free tiers and bans; default: the one of `paywall()`. */
  readonly authorize?: Authorize;
  /** What the route takes and gives, for discovery: zod or JSON schemas. */
  readonly schemas?: RouteSchemas;
  /** Extensions of x402 v2; default: those of `paywall()`. */
  readonly extensions?: RouteExtensions;
}

export type Price = string | PriceFunction | PricedRoute;

/** One price that has been checked; `amount` in micro-dollars, the base units of USDC. */
export interface Terms {
  /** Whether the amount is what a request costs, or the most that it may cost. */
  readonly scheme: 'exact' | 'upto' | 'auth-capture';
  readonly amount: Amount;
  readonly settle: SettleTiming;
  readonly chargeRedirects: boolean;
  readonly description: string;
  readonly mimeType: string | undefined;
  readonly service: string | undefined;
  readonly extensions: RouteExtensions;
}

/** What a route is sold for: {@link Terms} whose amount may have to be worked out for each request. */
export interface RouteTerms extends Omit<Terms, 'amount' | 'extensions'> {
  readonly amount: Amount | PriceFunction;
  readonly extensions: RouteExtensions | undefined;
  /** In lower case. */
  readonly vary: readonly string[];
  readonly accepts: readonly Accept[] | undefined;
  readonly authorize: Authorize | undefined;
  readonly schemas: RouteSchemas | undefined;
}

const line = z
  .string()
  .max(500)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must be one line without control characters');
/** Id of a service at an AgentPay API. */
export const serviceId = z.string().regex(/^svc_[0-9a-z]{1,60}$/, 'must be a svc_ id');
export const authorizeSchema = functionOf<Authorize>();

const schema = z.custom<object>(
  (value) => typeof value === 'object' && value !== null,
  'must be a zod or JSON schema',
);

const priceError = 'must be a price such as "$0.01", or a function that gives one';
const priceSchema = z.union([z.string(), functionOf<PriceFunction>()], { error: priceError });

const shape = {
  price: priceSchema.optional(),
  upto: priceSchema.optional(),
  hold: z.boolean().optional(),
  vary: z
    .array(z.string().regex(/^[\w!#$%&'*+.^`|~-]{1,100}$/, 'must list names of request headers'))
    .max(20)
    .optional(),
  settle: z.enum(['after', 'before', 'optimistic']).optional(),
  chargeRedirects: z.boolean().optional(),
  description: line.optional(),
  mimeType: z
    .string()
    .regex(/^[\w.+-]{1,100}\/[\w.+-]{1,100}(?:; ?[\w=."-]{1,100})?$/, 'must be a media type')
    .optional(),
  service: serviceId.optional(),
  accepts: acceptsSchema.optional(),
  authorize: authorizeSchema.optional(),
  extensions: extensionsSchema.optional(),
  schemas: z
    .strictObject({ query: schema.optional(), body: schema.optional(), response: schema.optional() })
    .optional(),
};

/**
 * Checks a price as a seller writes it.
 * @param where names the place in error messages
 * @throws TypeError for an unknown member, an unreadable, zero or too fine price
 */
export function readPrice(price: Price, where: string): RouteTerms {
  if (typeof price === 'number' || typeof price === 'bigint')
    throw new TypeError(`${where} must be a price in dollars as text, such as "$0.01", and no number.`);
  const given = typeof price === 'string' || typeof price === 'function' ? { price } : price;
  if (typeof given !== 'object' || given === null)
    throw new TypeError(`${where} must be a price such as "$0.01".`);
  checkKnown(given, Object.keys(shape), where);
  const parsed = z.object(shape).safeParse(given);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new TypeError(`${where}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is wrong'}.`);
  }
  const {
    settle = 'after',
    chargeRedirects = false,
    description = '',
    mimeType,
    service,
    authorize,
  } = parsed.data;
  const { scheme, value } = valueOf(parsed.data, where);
  const amount = typeof value === 'function' ? value : amountOf(value, where);
  const { accepts, schemas, extensions } = given;
  if (given.vary && typeof value !== 'function')
    throw new TypeError(`${where}: vary belongs to a price that is a function.`);
  const vary = given.vary?.map((name) => name.toLowerCase()) ?? CALLER_HEADERS;
  const hasAmounts = accepts?.some((accept) => accept.amount !== undefined);
  if (hasAmounts && (typeof value === 'function' || scheme !== 'exact')) {
    throw new TypeError(`${where}: an amount in accepts needs a fixed price.`);
  }
  return {
    scheme,
    amount,
    settle,
    chargeRedirects,
    description,
    mimeType,
    service,
    vary,
    accepts,
    authorize,
    schemas,
    extensions,
  };
}

type Valued = {
  readonly [Member in 'price' | 'upto' | 'hold' | 'settle' | 'service']?: PricedRoute[Member] | undefined;
};

/** The price or the ceiling. */
function valueOf(
  { price, upto, hold = false, settle, service }: Valued,
  where: string,
): Pick<Terms, 'scheme'> & { value: string | PriceFunction } {
  if (hold && (price === undefined || upto !== undefined))
    throw new TypeError(`${where}: a hold needs a price, of which used() may take less.`);
  if (hold && settle !== undefined)
    throw new TypeError(`${where}: a hold is made before and captured after the handler; leave settle out.`);
  if (hold && service !== undefined)
    throw new TypeError(`${where}: payment tokens are no holds; leave service out.`);
  if (upto === undefined && price !== undefined)
    return { scheme: hold ? 'auth-capture' : 'exact', value: price };
  if (upto === undefined || price !== undefined) throw new TypeError(`${where}: give price or upto.`);
  if (settle === 'before')
    throw new TypeError(`${where}: with upto the money cannot be taken before it is known how much it is.`);
  if (service !== undefined)
    throw new TypeError(`${where}: payment tokens do not pay up to a ceiling; leave service out.`);
  return { scheme: 'upto', value: upto };
}

/** Micro-dollars of a price. @throws TypeError for one that is unreadable, zero or too fine */
export function amountOf(price: string, where: string): Amount {
  try {
    return parsePrice(price);
  } catch (error) {
    if (isAgentPayError(error)) throw new TypeError(`${where}: ${error.message}`, { cause: error });
    throw error;
  }
}

/**
 * A price by volume: `tiers` maps the volume from which a price counts to that price, such as `{ 0: '$0.01', 1000: '$0.008' }`.
 * `volumeOf` tells the volume, such as the units in the request or the caller's purchases of this month.
 * @throws TypeError for an unreadable price or a volume that is no whole number, and without a price from 0 on
 * @example
 * ```ts
 * import { byVolume, paywall } from '@agentpay/paywall';
 *
 * const pay = paywall({ payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC', facilitator: 'http://127.0.0.1:3102' });
 * const callsOf = (key: unknown) => (key === 'regular' ? 5_000 : 0);
 * const price = byVolume({ 0: '$0.01', 1000: '$0.008' }, ({ headers }) => callsOf(headers['x-api-key']));
 * pay.charge(price);
 * ```
 */
export function byVolume(
  tiers: Readonly<Record<number, string>>,
  volumeOf: (asked: RequestView) => number | Promise<number>,
): PriceFunction {
  const steps = Object.entries(tiers)
    .map(([from, price]) => ({ from: Number(from), price }))
    .sort((a, b) => b.from - a.from);
  for (const { from, price } of steps) {
    if (!Number.isSafeInteger(from) || from < 0) throw new TypeError(`byVolume(): ${from} is no volume.`);
    if (price !== 'free') amountOf(price, `byVolume() from ${from}`);
  }
  if (steps.at(-1)?.from !== 0) throw new TypeError('byVolume() needs a price from 0 on.');
  return async (asked) => {
    const volume = await volumeOf(asked);
    const step = steps.find(({ from }) => volume >= from);
    if (!step) throw new RangeError(`byVolume(): ${volume} is no volume.`);
    return step.price;
  };
}
