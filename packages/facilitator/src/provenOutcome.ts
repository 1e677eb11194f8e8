import type { CallResult, Chain, Receipt } from '@agentpay/evm';
import type { Transfer } from './schemes/Scheme.js';
import type { Outcome, Settlement } from './Settlement.js';

type Proven = Extract<Outcome, { state: 'settled' | 'failed' }>;

/**
 * What the chain proves of each settlement, whoever sent the transaction; undefined while the authorization may still be used, or when
 * the node contradicts itself. Two calls of the node, and one more for each authorization that was used.
 */
export async function provenOutcomes(chain: Chain, settlements: readonly Settlement[]): Promise<readonly (Proven | undefined)[]> {
  // The block first: an authorization that is unused after a block past its end can never be used.
  const { timestamp } = await chain.block();
  const states = await chain.read(settlements.map(({ transfer }) => transfer.useQuestion));
  return Promise.all(settlements.map((settlement, i) => outcomeIn(chain, settlement, states[i] as CallResult, timestamp)));
}

/** {@link provenOutcomes} of one. */
export async function provenOutcome(chain: Chain, settlement: Settlement): Promise<Proven | undefined> {
  return (await provenOutcomes(chain, [settlement]))[0];
}

async function outcomeIn(chain: Chain, { transfer }: Settlement, answer: CallResult, timestamp: bigint): Promise<Proven | undefined> {
  const used = transfer.isUsed(answer);
  if (used === undefined) return undefined;
  if (used) return useOutcome(chain, transfer);
  if (timestamp < transfer.endsAt) return undefined;
  return { state: 'failed', reason: transfer.endReason, message: 'The authorization expired before a block took it.' };
}

async function useOutcome(chain: Chain, transfer: Transfer): Promise<Proven | undefined> {
  const use = await transfer.findUse(chain);
  if (!use) return undefined;
  if (use.paid) return { state: 'settled', hash: use.receipt.hash };
  return { state: 'failed', reason: transfer.usedReason, message: 'The authorization was cancelled, or its nonce used otherwise.' };
}

/**
 * Why a settlement failed whose transaction stands in a block without having moved its money; `alone` when the transaction carried
 * nothing else. Undefined when nothing explains it.
 */
export async function failureIn(chain: Chain, receipt: Receipt, { transfer }: Settlement, alone: boolean): Promise<Proven | undefined> {
  // A successful transfer that left no trace: the node is lying or the block is gone. Time will tell.
  if (receipt.success && alone) return undefined;
  const refusal = await transfer.simulate(chain);
  // It was used, perhaps by this very transaction whatever its receipt says: only the use itself tells for what.
  if (refusal?.reason === transfer.usedReason) return undefined;
  if (refusal) return { state: 'failed', ...refusal };
  return receipt.success ? undefined : { state: 'failed', reason: 'transactionFailed', message: 'The transaction was reverted.' };
}
