import { hashPermit, type TokenPermit } from '../evm/Erc2612.js';
import { domainSeparator, hashAuthorization, type Authorization, type TokenDomain } from '../evm/Eip3009.js';
import type { Hex } from '../evm/Hex.js';
import {
  EXACT_PERMIT2_PROXY,
  hashExactPermit,
  PERMIT2,
  permit2Separator,
  type Permit2Authorization,
} from '../evm/Permit2.js';
import type { PaymentNetwork } from '@agentpay/primitives';
import type { PermitOffer } from './readPermits.js';
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

/**
 * The permit that pays an offer through the x402 proxy, and nobody but its payee.
 * @param options as of {@link authorizationFor}: the permit ends in the same second as an authorization would
 */
export function permitFor(
  offer: Pick<PermitOffer, 'payer' | 'payTo' | 'amount' | 'network' | 'lifetime'>,
  { now, nonce, longest }: { now: number; nonce: Hex; longest: number },
): Permit2Authorization {
  return {
    from: offer.payer,
    permitted: { token: offer.network.asset.address, amount: offer.amount },
    spender: EXACT_PERMIT2_PROXY,
    nonce: BigInt(nonce),
    // The deadline is the last second in which a block may take it.
    deadline: BigInt(now + Math.min(offer.lifetime(), longest) - 1),
    witness: { to: offer.payTo, validAfter: BigInt(now - CLOCK_SKEW) },
  };
}

/** The first second, since the Unix epoch, in which no block can take a permit any more. */
export function permitEnd({ deadline }: Pick<Permit2Authorization, 'deadline'>): bigint {
  return deadline + 1n;
}

/** What lets Permit2 move the money of that one payment. @param nonce the payer's next at the token */
export function allowanceFor(
  { from, permitted, deadline }: Permit2Authorization,
  nonce: bigint,
): TokenPermit {
  return { owner: from, spender: PERMIT2, value: permitted.amount, nonce, deadline };
}

/** What the payer of a permit signs. */
export function permitDigest({ chainId }: PaymentNetwork, permit: Permit2Authorization): Uint8Array {
  return hashExactPermit(permit2Separator(chainId), permit);
}

/** What the owner signs so that the spender may move the network's asset. */
export function allowanceDigest(network: PaymentNetwork, permit: TokenPermit): Uint8Array {
  return hashPermit(tokenDomainOf(network), permit);
}
