import { randomBytes } from 'node:crypto';
import { systemClock, unixSeconds } from '@agentpay/primitives';
import { EXACT_PERMIT2_PROXY, UPTO_PERMIT2_PROXY, x402v2, type Address } from '@agentpay/protocol';
import { PAYER, type Reply } from './seller.test.support.js';

export interface PermitChanges {
  readonly token?: Address;
  readonly amount?: string;
  readonly spender?: Address;
  readonly nonce?: string;
  readonly deadline?: string;
  readonly to?: Address;
  readonly validAfter?: string;
  readonly facilitator?: Address;
  readonly signature?: string;
}

/** Pays an offer by Permit2, of scheme `exact` or `upto`, the `choice`-th of those made: the headers to send the request again with. */
export function permit(offer: Reply, changes: PermitChanges = {}, choice = 0): Record<string, string> {
  const accepted = x402v2.decodePaymentRequired(offer.headers['payment-required'] as string).accepts[
    choice
  ] as x402v2.PaymentRequirements;
  const { scheme, asset: token, amount, payTo: to, extra } = accepted;
  const signed = {
    token,
    amount,
    spender: scheme === 'upto' ? UPTO_PERMIT2_PROXY : EXACT_PERMIT2_PROXY,
    nonce: BigInt(`0x${randomBytes(32).toString('hex')}`).toString(),
    deadline: String(unixSeconds(systemClock) + 300),
    to,
    validAfter: '0',
    facilitator: extra?.['facilitatorAddress'],
    signature: `0x${'ab'.repeat(65)}`,
    ...changes,
  };
  const { signature, nonce, deadline, spender, facilitator } = signed;
  const permitted = { token: signed.token, amount: signed.amount };
  const witness = { to: signed.to, validAfter: signed.validAfter, facilitator };
  const payload = {
    signature,
    permit2Authorization: { from: PAYER, permitted, spender, nonce, deadline, witness },
  };
  return { 'payment-signature': x402v2.encodePaymentPayload({ x402Version: 2, accepted, payload }) };
}
