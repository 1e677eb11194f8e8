import { AgentPayError, unixSeconds } from '@agentpay/primitives';
import { allowanceFor, authorizationFor, bytesToHex, permitEnd, permitFor } from '@agentpay/protocol';
import type { Core } from '../Core.js';
import { sign, signPermit } from '../custody/index.js';
import type { Allowed } from '../spending/index.js';
import type { Candidate } from './offers.js';
import type { Authorized } from './Purchase.js';

/** The one payment of a purchase before it is signed. */
export interface PaymentDraft {
  /** The first second, since the Unix epoch, in which no block can take it. */
  readonly end: bigint;
  /** The same each time: one payment has one signature. `value` is that of the header that pays. */
  sign(allowed: Allowed): { readonly authorized: Authorized; readonly value: string };
}

/** Draws the nonce of a payment and sets its time. @param permitNonce of the wallet's next permit, where the asset moves by Permit2 */
export function draftOf(core: Core, { offer, wallet }: Candidate, permitNonce?: bigint): PaymentDraft {
  const options = {
    now: unixSeconds(core.clock),
    nonce: bytesToHex(core.random.bytes(32)),
    longest: core.settings.purchases.longestSeconds,
  };
  if (offer.method === undefined) {
    const authorization = authorizationFor(offer, options);
    return {
      end: authorization.validBefore,
      sign(allowed) {
        const signed = sign(core, { wallet, allowed, authorization });
        return { authorized: signed.authorization, value: offer.seal(signed) };
      },
    };
  }
  if (permitNonce === undefined) throw new AgentPayError('internal_error', 'The permit has no nonce.');
  const permit = permitFor(offer, options);
  const allowance = allowanceFor(permit, permitNonce);
  return {
    end: permitEnd(permit),
    sign(allowed) {
      const signed = signPermit(core, { wallet, allowed, permit, allowance });
      return { authorized: signed.payload.permit2Authorization, value: offer.seal(signed) };
    },
  };
}
