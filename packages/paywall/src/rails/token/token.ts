import { formatDecimal } from '@agentpay/primitives';
import { asciiJson, PAYMENT_TOKEN_FIELD, X_PAYMENT_TOKEN } from '@agentpay/protocol';
import { headerText } from '../../paid/headerText.js';
import { jsonObject } from '../../paid/RequestBody.js';
import type { RequestContext } from '../../paid/RequestContext.js';
import { perQuote } from '../perQuote.js';
import type { PaymentRail } from '../PaymentRail.js';
import {
  tokenPayment,
  tokenSaleOf,
  X_PAYMENT_TOKEN_ID,
  X_PAYMENT_TOKEN_STATUS,
  type TokenSale,
} from './payment.js';

/** AgentPay payment tokens, the offer in the body. */
export const tokenRail: PaymentRail = {
  protocol: 'agentpay',
  headers: { proofs: [X_PAYMENT_TOKEN], responses: [X_PAYMENT_TOKEN_ID, X_PAYMENT_TOKEN_STATUS] },
  sells: (paywall, { terms }) => tokenSaleOf(paywall, terms) !== undefined,
  offer: (paywall, quote) => ({ members: membersOf(quote, paywall) }),
  async find(context) {
    if (!tokenSaleOf(context, context.pricing.terms)) return [];
    return [headerText(context, X_PAYMENT_TOKEN), await tokenInBody(context)];
  },
  read: tokenPayment,
  quoted: () => undefined,
};

const membersOf = perQuote(({ terms }, paywall) => {
  const { issuer, service } = tokenSaleOf(paywall, terms) as TokenSale;
  const offer = {
    header: X_PAYMENT_TOKEN,
    service_id: service,
    price: formatDecimal(terms.amount),
    currency: 'USD',
    authorize_url: `${issuer.url}/v1/services/${service}/authorize`,
  };
  return asciiJson(JSON.stringify({ [PAYMENT_TOKEN_FIELD]: offer })).slice(1, -1);
});

async function tokenInBody(context: RequestContext): Promise<string | undefined> {
  if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(context.req.headers['content-type'] ?? ''))
    return undefined;
  const text = jsonObject(await context.body())?.[PAYMENT_TOKEN_FIELD];
  return typeof text === 'string' ? text : undefined;
}
