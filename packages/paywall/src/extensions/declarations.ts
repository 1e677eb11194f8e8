import { PAYMENT_IDENTIFIER, paymentIdentifierDeclaration, SIGN_IN_WITH_X } from '@agentpay/protocol';
import type { Exchange } from '../Exchange.js';
import { routeOf } from '../hooks.js';
import { BAZAAR } from './bazaar.js';

/** The listing that the route of a request asks for; undefined when it asks for none. */
export function bazaarOf(exchange: Exchange): object | undefined {
  return exchange.pricing.bazaar?.(exchange.req.method, routeOf(exchange));
}

/** Member `extensions` of a 402; undefined when the route declares none. */
export function declarations(exchange: Exchange, url: string): Readonly<Record<string, unknown>> | undefined {
  const { paymentIdentifier, bazaar, signIn } = exchange.quote.terms.extensions;
  if (!paymentIdentifier && !bazaar && !signIn) return undefined;
  return {
    ...(paymentIdentifier && { [PAYMENT_IDENTIFIER]: paymentIdentifierDeclaration(paymentIdentifier === 'required') }),
    ...(bazaar && { [BAZAAR]: bazaarOf(exchange) }),
    ...(signIn && { [SIGN_IN_WITH_X]: exchange.settings.signIns.offer(url, { chains: chainsOf(exchange), statement: signIn.statement }) }),
  };
}

function chainsOf({ quote }: Exchange): readonly string[] {
  return [...new Set(quote.offers.map(({ v2 }) => v2.network))];
}
