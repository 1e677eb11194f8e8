import { domainSeparator, hashAuthorization, type Authorization, type TokenDomain } from '../evm/Eip3009.js';
import type { Hex } from '../evm/Hex.js';
import type { PaymentNetwork } from '@agentpay/primitives';
import type { TransferOffer } from './TransferOffer.js';

/** How far the clock of the chain may be behind, in seconds. */
const CLOCK_SKEW = 300;

/** EIP-712 domain of what is paid with on a network. */
export function tokenDomainOf({ chainId, asset }: PaymentNetwork): TokenDomain {
  return { ...asset.eip712, chainId, verifyingContract: asset.address };
}

/**
 * The authorization that pays an offer.
 * @param options.now Unix seconds; `nonce` is used unless the offer fixes one; `longest`: most seconds that it may be valid for
 */
export function authorizationFor(
  offer: Pick<TransferOffer, 'payer' | 'payTo' | 'amount' | 'nonce' | 'lifetime'>,
  { now, nonce, longest }: { now: number; nonce: Hex; longest: number },
): Authorization {
  return {
    from: offer.payer,
    to: offer.payTo,
    value: offer.amount,
    validAfter: BigInt(now - CLOCK_SKEW),
    validBefore: BigInt(now + Math.min(offer.lifetime(), longest)),
    nonce: offer.nonce ?? nonce,
  };
}

/** What the payer of an authorization signs. */
export function authorizationDigest(network: PaymentNetwork, authorization: Authorization): Uint8Array {
  return hashAuthorization(domainSeparator(tokenDomainOf(network)), authorization);
}
