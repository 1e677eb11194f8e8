import { PAYMENT_IDENTIFIER, paymentIdentifierDeclaration } from '@agentpay/protocol';
import type { Exchange } from '../Exchange.js';

/** Member `extensions` of a 402; undefined when the route declares none. */
export function declarations({ quote }: Exchange): Readonly<Record<string, unknown>> | undefined {
  const { paymentIdentifier } = quote.terms.extensions;
  const declared = {
    ...(paymentIdentifier && { [PAYMENT_IDENTIFIER]: paymentIdentifierDeclaration(paymentIdentifier === 'required') }),
  };
  return Object.keys(declared).length > 0 ? declared : undefined;
}
