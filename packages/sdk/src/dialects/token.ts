import { formatDecimal, isId, parseDecimal } from '@agentpay/primitives';
import { PAYMENT_TOKEN_FIELD, X_PAYMENT_TOKEN, paymentTokenKid } from '@agentpay/protocol';
import { checkAsset } from '../checkAsset.js';
import { refuse, type Demand, type ReadOffer } from '../Offer.js';
import type { ClientSettings } from '../options.js';

/** The network of payment tokens: AgentPay's own ledger. */
export const LEDGER = 'agentpay';

/** States of a token in which its price went back to the buyer, or never left. */
const VOID: readonly string[] = ['cancelled', 'expired', 'failed', 'refunded', 'sla_breached'];

/** The offer in the member `payment_token` of a 402 body. The token is bought at the client's own API, wherever the offer points. */
export function tokenOffers({ body }: Demand, settings: ClientSettings): ReadOffer[] {
  const offer = (body as Record<string, unknown> | null | undefined)?.[PAYMENT_TOKEN_FIELD];
  if (typeof offer !== 'object' || offer === null) return [];
  const { header, service_id: service, price, currency } = offer as Record<string, unknown>;

  return [
    () => {
      const { wallet } = settings;
      if (!wallet) throw refuse('no_wallet', 'The client has no wallet to buy payment tokens from.');
      const known = String(header).toLowerCase() === X_PAYMENT_TOKEN.toLowerCase();
      if (!known) throw refuse('unknown_header', 'The token is asked for in an unknown header.');
      if (typeof service !== 'string' || !isId('service', service))
        throw refuse('recipient', 'The offer names no service.');
      if (currency !== 'USD') throw refuse('unknown_asset', 'Payment tokens are paid in USD.');
      checkAsset(settings, currency);
      const amount = parseDecimal(String(price));
      if (amount === 0n) throw refuse('amount', 'The price is zero.');
      return {
        dialect: 'token',
        network: LEDGER,
        asset: currency,
        amount,
        payTo: service,
        prove: () => buyToken(wallet, service, amount),
      };
    },
  ];
}

type Wallet = NonNullable<ClientSettings['wallet']>;

// A token that fails to arrive cannot be spent: what the API may have reserved for it is released when the token expires.
async function buyToken({ api, id }: Wallet, service: string, amount: bigint) {
  try {
    const bought = await api.services.authorize({
      service_id: service,
      from_wallet_id: id,
      max_amount: formatDecimal(amount),
    });
    if (bought.reserved_amount > amount) throw new RangeError('The API reserved more than the price.');
    paymentTokenKid(bought.token);
    return {
      header: X_PAYMENT_TOKEN,
      value: bought.token,
      validUntil: bought.expires_at.getTime(),
      tokenId: bought.token_id,
    };
  } catch (cause) {
    throw refuse('token_not_issued', `No payment token was issued: ${(cause as Error).message}`, cause);
  }
}

/**
 * Whether the ledger says that the token will never be paid for: unused and now cancelled, or ended without payment.
 * False also when the ledger gives no response.
 */
export async function isVoidToken({ api }: Wallet, tokenId: string): Promise<boolean> {
  try {
    await api.tokens.cancel({ token_id: tokenId });
    return true;
  } catch {
    const token = await api.tokens.get({ token_id: tokenId }).catch(() => undefined);
    return token !== undefined && VOID.includes(token.status);
  }
}
