import { AgentPayError } from '@agentpay/primitives';
import {
  authorizationDigest,
  fromAuthorization,
  sameHex,
  type Authorization,
  type ExactPayload,
} from '@agentpay/protocol';
import type { Core } from '../Core.js';
import { isAllowed } from '../spending/index.js';
import type { Allowed } from '../spending/index.js';
import type { KeptCustodyWallet } from './CustodyWallet.js';
import { chainOf } from './operations.js';

/**
 * Signs the one payment that the gate of spending has allowed, the same each time. There is no other way to a signature of a wallet's key.
 * @throws AgentPayError `internal_error` for an authorization that pays anything else
 */
export function sign(
  core: Core,
  {
    wallet,
    allowed,
    authorization,
  }: { wallet: KeptCustodyWallet; allowed: Allowed; authorization: Authorization },
): ExactPayload {
  const { spending, hold } = allowed;
  if (!isAllowed(allowed)) throw refuse('no gate has allowed it');
  if (wallet.walletId !== hold.walletId) throw refuse('the money of another wallet is reserved');
  const { from, to, value } = authorization;
  const payees = typeof spending.payee === 'string' ? [spending.payee] : spending.payee;
  if (!sameHex(from, wallet.address)) throw refuse('another wallet pays');
  if (!payees.some((payee) => sameHex(payee, to))) throw refuse('somebody else is paid');
  if (value !== spending.amount || value > hold.amount) throw refuse('the amount is another one');
  const key = core.ports.vault.open(wallet.sealedKey, wallet.walletId);
  const digest = authorizationDigest(chainOf(core, wallet.network).network, authorization);
  return {
    signature: core.ports.custodyKeys.sign(key, digest),
    authorization: fromAuthorization(authorization),
  };
}

function refuse(why: string): AgentPayError {
  return new AgentPayError('internal_error', `Nothing is signed: ${why}.`);
}
