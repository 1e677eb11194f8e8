import { AgentPayError } from '@agentpay/primitives';
import type { Quote } from '../offer/Quote.js';
import type { PaymentRail } from '../rails/PaymentRail.js';
import type { RequestContext } from './RequestContext.js';
import { pinScope } from './scope.js';

/** A payment proof as it came. */
export interface FoundProof {
  readonly rail: PaymentRail;
  readonly text: string;
}

/** Whether the headers may hold a proof, or say that the request was paid for: only then is it worth looking closer. */
export function mayCarryProof({ req: { headers }, config }: RequestContext): boolean {
  for (const name of config.headers.searched) if (headers[name] !== undefined) return true;
  return false;
}

/** The proof a request carries, if any. @throws AgentPayError `payment_ambiguous` when there are several */
export async function findProof(
  context: RequestContext,
  rails: readonly PaymentRail[],
): Promise<FoundProof | undefined> {
  const found: FoundProof[] = [];
  for (const rail of rails) {
    for (const text of await rail.find(context)) {
      // The same text in two places is one proof.
      if (text && !found.some((proof) => proof.text === text)) found.push({ rail, text });
    }
  }
  if (found.length > 1)
    throw new AgentPayError('payment_ambiguous', 'The request carries several payment proofs.');
  return found[0];
}

/** The quote that the proof was made for, where prices are worked out request by request. */
export async function quotedBy(
  context: RequestContext,
  { rail, text }: FoundProof,
): Promise<Quote | undefined> {
  return rail.quoted(context, text, pinScope(context, await context.body()));
}
