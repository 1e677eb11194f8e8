import {
  authorizationStateCall,
  provesTransfer,
  transferCall,
  usesAuthorization,
  type CallResult,
  type Chain,
  type Receipt,
} from '@agentpay/evm';
import type { Outcome, Settlement } from './Settlement.js';
import { transferRefusal } from './schemes/exactChecks.js';

type Proven = Exclude<Outcome, { state: 'pending' }>;

/**
 * What the chain proves of each settlement, whoever sent the transaction; undefined while the authorization may still be used, or when
 * the node contradicts itself. Two calls of the node, and one more for each authorization that was used.
 */
export async function provenOutcomes(chain: Chain, settlements: readonly Settlement[]): Promise<readonly (Proven | undefined)[]> {
  // The block first: an authorization that is unused after a block past its end can never be used.
  const { timestamp } = await chain.block();
  const states = await chain.read(settlements.map(({ asset, payer, nonce }) => authorizationStateCall(asset, payer, nonce)));
  return Promise.all(settlements.map((settlement, i) => outcomeIn(chain, settlement, states[i] as CallResult, timestamp)));
}

/** {@link provenOutcomes} of one. */
export async function provenOutcome(chain: Chain, settlement: Settlement): Promise<Proven | undefined> {
  return (await provenOutcomes(chain, [settlement]))[0];
}

async function outcomeIn(chain: Chain, settlement: Settlement, state: CallResult, timestamp: bigint): Promise<Proven | undefined> {
  const { asset, payer, nonce, authorization } = settlement;
  if (!state.success || state.data === '0x') return undefined;
  if (BigInt(state.data) !== 0n) return useOutcome(await chain.authorizationUse(asset, payer, nonce), settlement);
  if (timestamp < authorization.validBefore) return undefined;
  return { state: 'failed', reason: 'validBefore', message: 'The authorization expired before a block took it.' };
}

function useOutcome(receipt: Receipt | undefined, { asset, payer, nonce, authorization }: Settlement): Proven | undefined {
  if (!receipt || !usesAuthorization(receipt.logs, asset, payer, nonce)) return undefined;
  if (provesTransfer(receipt.logs, asset, authorization)) return { state: 'settled', hash: receipt.hash };
  return { state: 'failed', reason: 'nonceUsed', message: 'The authorization was cancelled, or its nonce used for another transfer.' };
}

/**
 * Why a settlement failed whose transaction stands in a block without having moved its money; `alone` when the transaction carried
 * nothing else. Undefined when nothing explains it.
 */
export async function failureIn(chain: Chain, receipt: Receipt, settlement: Settlement, alone: boolean): Promise<Proven | undefined> {
  // A successful transfer that left no trace: the node is lying or the block is gone. Time will tell.
  if (receipt.success && alone) return undefined;
  const { asset, authorization, signature } = settlement;
  const [transfer] = (await chain.read([transferCall(asset, authorization, signature)])) as [CallResult];
  const refusal = transferRefusal(transfer);
  if (refusal) return { state: 'failed', ...refusal };
  return receipt.success ? undefined : { state: 'failed', reason: 'transactionFailed', message: 'The transaction was reverted.' };
}
