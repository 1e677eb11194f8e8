import { PAYMENT_IDENTIFIER, paymentIdentifierDeclaration, SIGN_IN_WITH_X } from '@agentpay/protocol';
import type { Exchange } from '../Exchange.js';

/** Member `extensions` of a 402; undefined when the route declares none. */
export function declarations({ quote, settings }: Exchange, url: string): Readonly<Record<string, unknown>> | undefined {
  const { paymentIdentifier, signIn } = quote.terms.extensions;
  const chains = [...new Set(quote.offers.map(({ v2 }) => v2.network))];
  const declared = {
    ...(paymentIdentifier && { [PAYMENT_IDENTIFIER]: paymentIdentifierDeclaration(paymentIdentifier === 'required') }),
    ...(signIn && { [SIGN_IN_WITH_X]: settings.signIns.offer(url, { chains, statement: signIn.statement }) }),
  };
  return Object.keys(declared).length > 0 ? declared : undefined;
}
