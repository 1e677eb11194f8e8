import { agreements as family } from '@agentpay/api';
import { agreements, PERCENT_DECIMALS } from '@agentpay/core';
import { formatDecimal } from '@agentpay/primitives';
import { permitTypedData, tokenDomainOf } from '@agentpay/protocol';
import { implement } from '../../http/implement.js';

export const handlers = implement(family.nouns.direct, ({ core, baseUrl }) => ({
  async requirements({ query: { amount_cents: cents, rail, service_id, buyer_address } }) {
    const amount = BigInt(cents) * CENT;
    const asked = { amount, serviceId: service_id, buyerAddress: buyer_address };
    const found = await agreements.requirements(core, asked);
    const { network, fee, feeWallet, offer } = found;
    const terms = core.settings.fees.direct;
    return {
      amount_cents: Number(cents),
      rail,
      network: network.id,
      currency: network.asset.symbol,
      fee: {
        amount: fee,
        percent: formatDecimal(terms.ppm, PERCENT_DECIMALS),
        fixed: terms.fixed,
        minimum: terms.least,
        permit_terms: {
          domain: tokenDomainOf(network),
          spender: feeWallet.address,
          value: fee.toString(),
        },
        permit: permitOf(found),
      },
      total: amount + fee,
      gas_wallet_address: feeWallet.address,
      service_id: service_id ?? null,
      payment: offer ? paymentOf(offer, `${baseUrl()}/usage-agreements`) : null,
    };
  },
  async get({ principal, params: { agreement_id: agreementId } }) {
    const { agreement, purchase } = await agreements.getDirect(core, { principal, agreementId });
    return {
      agreement_id: agreement.id,
      status: agreement.status,
      reason: agreement.reason,
      network: purchase.network,
      amount: purchase.amount,
      fee: purchase.fee,
      buyer_address: purchase.payer,
      seller_address: purchase.payee,
      fee_tx_hash: purchase.feeHash,
      payment_tx_hash: purchase.paymentHash,
      fee_return_tx_hash: purchase.returnHash,
    };
  },
}));

const CENT = 10_000n;

type Offer = NonNullable<agreements.DirectRequirements['offer']>;

/** The offer, and the same as clients of x402 find it in a 402. */
function paymentOf(found: Offer, url: string) {
  const offer = { ...found, extra: found.extra ?? {} };
  return { ...offer, x402Version: 2 as const, resource: { url }, accepts: [offer] };
}

/** Numbers as decimal text, as wallets take them. */
function permitOf({ network, permit }: agreements.DirectRequirements) {
  if (!permit) return null;
  const { domain, types, primaryType } = permitTypedData(tokenDomainOf(network), permit);
  const { owner, spender, value, nonce, deadline } = permit;
  return {
    domain,
    types: { Permit: [...types.Permit] },
    primaryType,
    message: {
      owner,
      spender,
      value: value.toString(),
      nonce: nonce.toString(),
      deadline: deadline.toString(),
    },
  };
}
