import { AgentPayError } from '@agentpay/primitives';
import {
  authorizationDigest,
  fromAuthorization,
  privateKeySigner,
  sameHex,
  type Authorization,
  type ExactPayload,
} from '@agentpay/protocol';
import type { Core } from '../Core.js';
import { isAllowed } from '../spending/index.js';
import type { Allowed } from '../spending/index.js';
import { custodyWallets } from './CustodyStore.js';
import { chainOf } from './operations.js';

/**
 * Signs the one payment that the gate of spending has allowed. There is no other way to a signature of a wallet's key.
 * @throws AgentPayError `internal_error` for an authorization that pays anything else
 */
export async function sign(
  core: Core,
  { allowed, authorization }: { allowed: Allowed; authorization: Authorization },
): Promise<ExactPayload> {
  const { spending, hold } = allowed;
  if (!isAllowed(allowed)) throw refuse('no gate has allowed it');
  const wallet = await custodyWallets.find(core.db, { walletId: hold.walletId });
  if (!wallet) throw refuse('the wallet has no key');
  const { from, to, value } = authorization;
  const payees = typeof spending.payee === 'string' ? [spending.payee] : spending.payee;
  if (!sameHex(from, wallet.address)) throw refuse('another wallet pays');
  if (!payees.some((payee) => sameHex(payee, to))) throw refuse('somebody else is paid');
  if (value !== spending.amount || value > hold.amount) throw refuse('the amount is another one');
  const key = core.ports.vault.open(wallet.sealedKey, wallet.walletId);
  const digest = authorizationDigest(chainOf(core, wallet.network).network, authorization);
  return {
    signature: privateKeySigner(key).sign(digest),
    authorization: fromAuthorization(authorization),
  };
}

function refuse(why: string): AgentPayError {
  return new AgentPayError('internal_error', `Nothing is signed: ${why}.`);
}
