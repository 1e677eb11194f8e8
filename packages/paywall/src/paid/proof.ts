import { AgentPayError, type Amount } from '@agentpay/primitives';
import {
  fromBase64,
  hasSignedIntent,
  mpp,
  PAYMENT_TOKEN_FIELD,
  readSignedIntent,
  SIGN_IN_HEADER,
  x402v1,
  x402v2,
  X_PAYMENT_TOKEN,
} from '@agentpay/protocol';
import type { PricedContext, RequestContext } from './RequestContext.js';
import type { Payment } from './Payment.js';
import type { Pricing } from '../seller/Pricing.js';
import { PIN, type Quote } from '../offer/Quote.js';
import { mppPayment, offeredCharge } from '../rails/mpp/mpp.js';
import { tokenPayment } from '../rails/token/token.js';
import { readExact, x402v1Payment, x402v2Payment } from '../rails/x402/x402.js';
import { hasBody, jsonObject } from './RequestBody.js';
import { pinScope } from './scope.js';

type Reader = (context: PricedContext, text: string) => Payment | Promise<Payment>;

interface Rail {
  /** Checks a proof against the quote. */
  readonly read: Reader;
  /** The quote that a proof says it was made for, if that was pinned for this request. */
  readonly quoted: (context: RequestContext, scope: string, text: string) => Quote | undefined;
}

const rails = {
  x402v2: {
    read: x402v2Payment,
    quoted({ pricing }, scope, text) {
      const { amount, asset, extra } = x402v2.decodePaymentPayload(text.trim()).accepted;
      return pinnedIn(pricing, scope, {
        prices: pricing.pricesOf(BigInt(amount), asset),
        pin: String(extra?.[PIN] ?? ''),
      });
    },
  },
  x402v1: {
    read: x402v1Payment,
    quoted({ pricing }, scope, text) {
      const { payload } = x402v1.decodePaymentPayload(text.trim());
      return pinnedIn(pricing, scope, {
        prices: pricing.pricesOf(BigInt(readExact(payload).authorization.value)),
      });
    },
  },
  mpp: {
    read: mppPayment,
    // A challenge of ours is its own pin.
    quoted(context, _, text) {
      const { pricing } = context;
      const charge = offeredCharge(context, text);
      const price = charge && pricing.pricesOf(BigInt(charge.amount), charge.currency)[0];
      return price === undefined ? undefined : pricing.at(price);
    },
  },
  token: { read: tokenPayment, quoted: () => undefined },
} as const satisfies Record<string, Rail>;

/** The first of these prices that was offered for the request. */
function pinnedIn(
  pricing: Pricing,
  scope: string,
  { prices, pin }: { prices: readonly Amount[]; pin?: string },
): Quote | undefined {
  for (const price of prices) {
    const quote = pricing.pinned(scope, price, pin);
    if (quote) return quote;
  }
  return undefined;
}

const SIGN_IN = SIGN_IN_HEADER.toLowerCase();

/** A payment proof as it came. */
export interface Proof extends Rail {
  readonly text: string;
}

/** Whether a request may carry a proof, or say that it was paid for: only then is it worth looking closer. */
export function mayCarryProof({ req, settings, pricing }: RequestContext): boolean {
  const { headers } = req;
  return (
    headers['payment-signature'] !== undefined ||
    headers['x-payment'] !== undefined ||
    headers[SIGN_IN] !== undefined ||
    headers[
      settings.authorizationHeader === mpp.AUTHORIZATION ? 'authorization' : 'payment-authorization'
    ] !== undefined ||
    (pricing.token !== undefined && (headers['x-payment-token'] !== undefined || hasBody(req)))
  );
}

/** The proof a request carries, if any. @throws AgentPayError `payment_ambiguous` when there are several */
export async function findProof(context: RequestContext): Promise<Proof | undefined> {
  const { settings, pricing } = context;
  const found: Proof[] = [];
  // The same text in two places is one proof.
  const add = (text: string | undefined, { read, quoted }: Rail) => {
    if (text && !found.some((proof) => proof.text === text)) found.push({ text, read, quoted });
  };
  for (const version of [2, 1] as const) {
    const text = headerOf(context, version === 2 ? x402v2.PAYMENT_SIGNATURE : x402v1.X_PAYMENT);
    if (text) add(text, railOf(versionOf(text) ?? version));
  }
  const credentials = headerOf(context, settings.authorizationHeader) ?? '';
  if (mpp.hasCredential(credentials)) add(credentials, rails.mpp);
  if (hasSignedIntent(credentials)) {
    // An x402 payment among the credentials is the payment that the headers of x402 would carry.
    const { x402Version, payload } = readSignedIntent(credentials);
    add(payload, railOf(x402Version));
  }
  if (pricing.token) {
    add(headerOf(context, X_PAYMENT_TOKEN), rails.token);
    add(await tokenInBody(context), rails.token);
  }
  if (found.length > 1)
    throw new AgentPayError('payment_ambiguous', 'The request carries several payment proofs.');
  return found[0];
}

const railOf = (version: 1 | 2): Rail => (version === 1 ? rails.x402v1 : rails.x402v2);

/** The version that an x402 payload names, whichever header it came in; undefined where it names none. */
function versionOf(text: string): 1 | 2 | undefined {
  try {
    const { x402Version } = fromBase64(text) as { x402Version?: unknown };
    return x402Version === 1 || x402Version === 2 ? x402Version : undefined;
  } catch {
    // What cannot be read is refused in the dialect of its header.
    return undefined;
  }
}

/** The quote that the proof was made for, where prices are worked out request by request. */
export async function quotedBy(context: RequestContext, proof: Proof): Promise<Quote | undefined> {
  return proof.quoted(context, pinScope(context, await context.body()), proof.text);
}

/** What a header holds; an empty one is as good as none. */
function headerOf({ req }: RequestContext, name: string): string | undefined {
  const values = req.headersDistinct[name.toLowerCase()];
  // Several Authorization lines are one list, in which other schemes may stand beside the credential.
  if (name === mpp.AUTHORIZATION) return values?.join(', ');
  const texts = new Set(values?.map((value) => value.trim()).filter(Boolean));
  if (texts.size > 1) throw new AgentPayError('payment_ambiguous', `The request repeats the header ${name}.`);
  return [...texts][0];
}

async function tokenInBody(context: RequestContext): Promise<string | undefined> {
  if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(context.req.headers['content-type'] ?? ''))
    return undefined;
  const text = jsonObject(await context.body())?.[PAYMENT_TOKEN_FIELD];
  return typeof text === 'string' ? text : undefined;
}
