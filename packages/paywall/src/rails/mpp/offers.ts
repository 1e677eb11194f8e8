import { base64url, jcs, mpp } from '@agentpay/protocol';
import { isByPermit2, type PricedOption } from '../../offer/Quote.js';
import { definedOnly } from '../../offer/templates.js';
import type { PaywallConfig } from '../../seller/PaywallConfig.js';
import { dueIn, type PaymentOption } from '../../seller/PaymentOption.js';
import type { Terms } from '../../seller/Price.js';
import { perQuote } from '../perQuote.js';

/** An offer that MPP can make as well: an EIP-3009 authorization pays it, or a transfer by the buyer's own transaction. */
export interface MppOffer extends PricedOption {
  /** The parts of a challenge that are the same for every request. */
  readonly mpp: Parameters<typeof mpp.challengeTemplate>[0];
  readonly challenge: mpp.ChallengeTemplate;
}

export const mppOffersOf = perQuote(({ terms, offers }, { config }): readonly MppOffer[] =>
  offers.flatMap((offer) => {
    if (terms.scheme === 'auth-capture') return [];
    const payable = !isByPermit2(terms, offer.option) || (terms.scheme === 'exact' && offer.option.transfers);
    return payable ? [{ ...offer, ...challengeOf(config, terms, offer.option) }] : [];
  }),
);

function challengeOf(
  { realm, authorizationHeader }: PaywallConfig,
  terms: Terms,
  option: PaymentOption,
): Omit<MppOffer, keyof PricedOption> {
  const fixed = definedOnly({
    realm,
    method: mpp.EVM_METHOD,
    intent: mpp.CHARGE_INTENT,
    request: requestOf(terms, option),
    description: terms.description || undefined,
    header: authorizationHeader === mpp.PAYMENT_AUTHORIZATION ? authorizationHeader : undefined,
  });
  return { mpp: fixed, challenge: mpp.challengeTemplate(fixed) };
}

function requestOf(terms: Terms, option: PaymentOption): string {
  const { network, asset, payTo } = option;
  const amount = dueIn(option, terms.amount);
  const charge = {
    amount,
    currency: asset.address,
    recipient: payTo,
    chainId: network.chainId,
    decimals: asset.decimals,
  };
  return base64url(jcs(mpp.evmChargeRequest({ ...charge, credentialTypes: credentialTypesOf(option) })));
}

/** Types of MPP credentials that pay a payment option, the preferred one first. */
export function credentialTypesOf({
  transferMethod,
  transfers,
}: PaymentOption): readonly mpp.CredentialType[] {
  const types: mpp.CredentialType[] = transferMethod === 'eip3009' ? ['authorization'] : [];
  if (transfers) types.push('transaction');
  if (transfers?.hashes) types.push('hash');
  return types;
}
