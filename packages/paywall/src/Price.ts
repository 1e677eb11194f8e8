import { isAgentPayError, parsePrice, type Amount } from '@agentpay/primitives';
import { z } from 'zod';
import { checkKnown } from './known.js';

/** When the money moves: after the handler has succeeded, or before it runs (for streams and bodies too large to hold). */
export type SettleTiming = 'after' | 'before';

/** A price with what belongs to it. */
export interface PricedRoute {
  /** US dollars: "$0.01" or "0.01". */
  readonly price: string;
  /** Default `after`. */
  readonly settle?: SettleTiming;
  /** Shown to buyers; one line. */
  readonly description?: string;
  /** Media type of the answer. */
  readonly mimeType?: string;
  /** `svc_` id under which payment tokens for this route are issued; default: the one of the `token` option. */
  readonly service?: string;
}

export type Price = string | PricedRoute;

/** A price that has been checked; `amount` in micro-dollars, the base units of USDC. */
export interface Terms {
  readonly amount: Amount;
  readonly settle: SettleTiming;
  readonly description: string;
  readonly mimeType: string | undefined;
  readonly service: string | undefined;
}

const line = z.string().max(500).regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must be one line without control characters');
/** Id of a service at an AgentPay API. */
export const serviceId = z.string().regex(/^svc_[0-9a-z]{1,60}$/, 'must be a svc_ id');

const shape = {
  price: z.string(),
  settle: z.enum(['after', 'before']).optional(),
  description: line.optional(),
  mimeType: z.string().regex(/^[\w.+-]{1,100}\/[\w.+-]{1,100}(?:; ?[\w=."-]{1,100})?$/, 'must be a media type').optional(),
  service: serviceId.optional(),
};

/**
 * Checks a price as a seller writes it.
 * @param where names the place in error messages
 * @throws TypeError for an unknown member, an unreadable, zero or too fine price
 */
export function readPrice(price: Price, where: string): Terms {
  const given = typeof price === 'string' ? { price } : price;
  if (typeof given !== 'object' || given === null) throw new TypeError(`${where} must be a price such as "$0.01".`);
  checkKnown(given, Object.keys(shape), where);
  const parsed = z.object(shape).safeParse(given);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new TypeError(`${where}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is wrong'}.`);
  }
  const { settle = 'after', description = '', mimeType, service } = parsed.data;
  return { amount: amountOf(parsed.data.price, where), settle, description, mimeType, service };
}

function amountOf(price: string, where: string): Amount {
  try {
    return parsePrice(price);
  } catch (error) {
    if (isAgentPayError(error)) throw new TypeError(`${where}: ${error.message}`, { cause: error });
    throw error;
  }
}
