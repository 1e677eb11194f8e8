import { AgentPayError, type Amount } from '@agentpay/primitives';
import { isSuccess, markUnpaid } from '../outgoing/responses.js';
import type { Gate, Outcome } from './Gate.js';
import { clientLeft, type PricedContext } from './RequestContext.js';

export function runHandler(context: PricedContext, gate: Gate): void {
  try {
    const returned = context.next();
    // A bare handler may be an async function.
    if (returned instanceof Promise) returned.catch((error: unknown) => gate.fail(error));
  } catch (error) {
    gate.fail(error);
  }
}

/** Ends a handler's run that costs nothing. */
export function letOut(context: PricedContext, gate: Gate, outcome: Outcome): void {
  switch (outcome.kind) {
    case 'answer':
      return gate.release(() => markUnpaid(context));
    case 'left':
      return gate.replace(() => context.res.end());
    case 'timeout':
      throw new AgentPayError('handler_timeout', 'The seller took too long. Nothing was charged.');
    case 'too_large':
      throw new AgentPayError(
        'response_too_large',
        'The response is too long to be held until it is paid for.',
      );
    case 'failed':
      throw outcome.error;
  }
}

export function whyUnpaid(context: PricedContext, outcome: Outcome): string {
  if (outcome.kind !== 'answer') return outcome.kind;
  return clientLeft(context) ? 'left' : `status_${outcome.answer.status}`;
}

export function isCharged({ quote }: PricedContext, status: number): boolean {
  return (
    isSuccess(status) || (quote.terms.chargeRedirects && status >= 300 && status < 400 && status !== 304)
  );
}

/** What is due of a payment up to a ceiling, or of a hold; undefined for any other. */
export function usedIn({ req, quote: { terms }, state }: PricedContext): Amount | undefined {
  if (terms.scheme === 'exact') return undefined;
  return state.usage.due(req, terms.amount, terms.scheme === 'auth-capture' ? terms.amount : undefined);
}
