import {
  EXACT_PERMIT2_PROXY,
  PERMIT2,
  reasonCode,
  sameHex,
  UPTO_PERMIT2_PROXY,
  type ExactPermit2Payload,
  type Reason,
  type UptoPayload,
} from '@agentpay/protocol';
import type { PaywallConfig } from '../../seller/PaywallConfig.js';
import { Refusal, type ProvenPayment } from '../../paid/Payment.js';
import type { PricedOption } from '../../offer/Quote.js';
import { facilitatedPayment, type FacilitatedProof } from './facilitated.js';

/** A permit as it came; one of scheme `upto` names the facilitator. */
export interface Permit2Proof extends FacilitatedProof {
  readonly permit: ExactPermit2Payload['permit2Authorization'] | UptoPayload['permit2Authorization'];
}

/** The payment that a permit for an x402 proxy makes. @throws Refusal when the permit does not pay this offer */
export function permit2Payment(
  config: PaywallConfig,
  offer: PricedOption,
  proof: Permit2Proof,
): ProvenPayment {
  const { asset, payTo, uptoAccount = '' } = offer.option;
  const { from, permitted, spender, nonce, deadline, witness } = proof.permit;
  const proxy = offer.v2.scheme === 'upto' ? UPTO_PERMIT2_PROXY : EXACT_PERMIT2_PROXY;
  const check = (holds: boolean, reason: Reason, message: string) => {
    if (!holds) throw new Refusal(reasonCode(reason, 2), message);
  };
  check(sameHex(spender, proxy), 'permit2Spender', `The spender must be the x402 proxy at ${proxy}.`);
  check(sameHex(witness.to, payTo), 'permit2RecipientMismatch', 'The permit pays somebody else.');
  const named = !('facilitator' in witness) || sameHex(witness.facilitator, uptoAccount);
  check(named, 'uptoFacilitatorMismatch', `The permit must name ${uptoAccount} as the facilitator.`);
  check(sameHex(permitted.token, asset.address), 'permit2TokenMismatch', 'The permit is for another token.');
  check(
    permitted.amount === offer.v2.amount,
    'permit2AmountMismatch',
    `The permit is not over ${offer.v2.amount} base units.`,
  );
  const transfer = {
    payer: from,
    contract: PERMIT2,
    nonce,
    // Both bounds are inclusive.
    startsAt: BigInt(witness.validAfter),
    endsAt: BigInt(deadline) + 1n,
    reasons: { early: 'permit2NotYetValid', late: 'permit2DeadlineExpired' },
  } as const;
  return facilitatedPayment(config, offer, transfer, proof);
}
