import { AgentPayError, unixSeconds } from '@agentpay/primitives';
import {
  allowanceDigest,
  authorizationDigest,
  EXACT_PERMIT2_PROXY,
  fromAuthorization,
  fromPermit2Authorization,
  gasSponsoringOf,
  PERMIT2,
  permitDigest,
  sameHex,
  type Address,
  type Authorization,
  type ExactPayload,
  type Permit2Authorization,
  type SignedPermits,
  type TokenPermit,
} from '@agentpay/protocol';
import type { Core } from '../Core.js';
import { isAllowed } from '../spending/index.js';
import type { Allowed } from '../spending/index.js';
import type { KeptCustodyWallet } from './CustodyWallet.js';
import { chainOf } from './operations.js';

interface ToSign {
  readonly wallet: KeptCustodyWallet;
  readonly allowed: Allowed;
}

/**
 * Signs the one payment that the gate of spending has allowed, the same each time. There is no way to a signature of a wallet's key but
 * this and {@link signPermit}.
 * @throws AgentPayError `internal_error` for an authorization that pays anything else
 */
export function sign(
  core: Core,
  { wallet, allowed, authorization }: ToSign & { authorization: Authorization },
): ExactPayload {
  requireAllowed({ wallet, allowed }, authorization);
  const digest = authorizationDigest(chainOf(core, wallet.network).network, authorization);
  return {
    signature: signerOf(core, wallet)(digest),
    authorization: fromAuthorization(authorization),
  };
}

/**
 * {@link sign} where the asset moves by Permit2: the payment, and the permit of the asset that lets Permit2 move the very same amount for
 * no longer than that.
 * @throws AgentPayError `internal_error` for a permit of anything else, or of a time that nobody has allowed
 */
export function signPermit(
  core: Core,
  { wallet, allowed, permit, allowance }: ToSign & { permit: Permit2Authorization; allowance: TokenPermit },
): SignedPermits {
  const { from, permitted, spender, deadline, witness } = permit;
  requireAllowed({ wallet, allowed }, { from, to: witness.to, value: permitted.amount });
  const { network } = chainOf(core, wallet.network);
  const asset = network.asset.address;
  if (!sameHex(permitted.token, asset)) throw refuse('another asset is paid');
  if (!sameHex(spender, EXACT_PERMIT2_PROXY)) throw refuse('somebody else may take the money');
  const latest = BigInt(unixSeconds(core.clock) + core.settings.purchases.longestSeconds);
  if (deadline > latest) throw refuse('it would be good for longer than that');
  const { owner, value } = allowance;
  if (!sameHex(owner, from) || !sameHex(allowance.spender, PERMIT2))
    throw refuse('the permit of the asset is not for Permit2');
  if (value !== permitted.amount) throw refuse('the permit of the asset is of another amount');
  if (allowance.deadline !== deadline) throw refuse('the permit of the asset ends at another time');
  const signed = signerOf(core, wallet);
  const payload = {
    signature: signed(permitDigest(network, permit)),
    permit2Authorization: fromPermit2Authorization(permit),
  };
  const signature = signed(allowanceDigest(network, allowance));
  return { payload, sponsoring: gasSponsoringOf(allowance, { asset, signature }) };
}

/** That this is the payment for which money is reserved. */
function requireAllowed(
  { wallet, allowed }: ToSign,
  { from, to, value }: { readonly from: Address; readonly to: Address; readonly value: bigint },
): void {
  const { spending, hold } = allowed;
  if (!isAllowed(allowed)) throw refuse('no gate has allowed it');
  if (wallet.walletId !== hold.walletId) throw refuse('the money of another wallet is reserved');
  const payees = typeof spending.payee === 'string' ? [spending.payee] : spending.payee;
  if (!sameHex(from, wallet.address)) throw refuse('another wallet pays');
  if (!payees.some((payee) => sameHex(payee, to))) throw refuse('somebody else is paid');
  if (value !== spending.amount || value > hold.amount) throw refuse('the amount is another one');
}

function signerOf(core: Core, { sealedKey, walletId }: KeptCustodyWallet) {
  const key = core.ports.vault.open(sealedKey, walletId);
  return (digest: Uint8Array) => core.ports.custodyKeys.sign(key, digest);
}

function refuse(why: string): AgentPayError {
  return new AgentPayError('internal_error', `Nothing is signed: ${why}.`);
}
