import type { Block, CallResult, Chain, TransactionReceipt } from '@agentpay/evm';
import type { SettlementTransfer } from '../../schemes/Scheme.js';
import type { NonceUseProof, SettlementOutcome, Settlement } from '../Settlement.js';

/** A chain, and how many blocks a transaction must have, its own included, to count. */
export interface ChainView {
  readonly chain: Chain;
  readonly confirmations: number;
}

type Proven = Extract<SettlementOutcome, { state: 'settled' | 'failed' }>;

/**
 * What the chain proves of each settlement, whoever sent the transaction; undefined while the authorization may still be used, or when
 * the node contradicts itself. Two calls of the node, and one more for each authorization that was used.
 */
export async function provenOutcomes(
  view: ChainView,
  settlements: readonly Settlement[],
): Promise<readonly (Proven | undefined)[]> {
  // The block first: an authorization that is unused after a block past its end can never be used.
  const head = await view.chain.block();
  const states = await view.chain.read(settlements.map(({ transfer }) => transfer.useQuestion));
  return Promise.all(
    settlements.map((settlement, i) => outcomeIn(view, settlement, states[i] as CallResult, head)),
  );
}

/** {@link provenOutcomes} of one. */
export async function provenOutcome(view: ChainView, settlement: Settlement): Promise<Proven | undefined> {
  return (await provenOutcomes(view, [settlement]))[0];
}

/** Those whose authorization is unused, as far as the node knows. */
export async function unusedOf(
  chain: Chain,
  settlements: readonly Settlement[],
): Promise<readonly Settlement[]> {
  const states =
    settlements.length > 0 ? await chain.read(settlements.map(({ transfer }) => transfer.useQuestion)) : [];
  return settlements.filter(({ transfer }, i) => transfer.isUsed(states[i] as CallResult) === false);
}

async function outcomeIn(
  view: ChainView,
  { transfer }: Settlement,
  result: CallResult,
  head: Block,
): Promise<Proven | undefined> {
  const used = transfer.isUsed(result);
  if (used === undefined) return undefined;
  if (used) return useOutcome(view, transfer, head);
  if (head.timestamp < transfer.endsAt) return undefined;
  return {
    state: 'failed',
    reason: transfer.endReason,
    message: 'The authorization expired before a block took it.',
  };
}

/** What the chain proves to have used the nonce of a payment that is on no record of ours; undefined when it proves nothing yet. */
export async function provenUse(
  view: ChainView,
  transfer: SettlementTransfer,
): Promise<NonceUseProof | undefined> {
  const outcome = await useOutcome(view, transfer, await view.chain.block());
  if (outcome?.state === 'settled') return { for: 'payment', hash: outcome.hash };
  return outcome?.use;
}

async function useOutcome(
  { chain, confirmations }: ChainView,
  transfer: SettlementTransfer,
  head: Block,
): Promise<Proven | undefined> {
  const use = await transfer.findUse(chain, head);
  if (!use) return undefined;
  if (use.receipt && head.number - use.receipt.blockNumber + 1n < BigInt(confirmations)) return undefined;
  if (use.paid) return { state: 'settled', hash: use.receipt.hash };
  return {
    state: 'failed',
    reason: transfer.usedReason,
    message: 'The authorization was cancelled, or its nonce used otherwise.',
    use: { for: 'other' },
  };
}

/**
 * Why a settlement failed whose transaction stands in a block without having moved its money; `alone` when the transaction carried
 * nothing else. Undefined when nothing explains it.
 */
export async function failureIn(
  chain: Chain,
  receipt: TransactionReceipt,
  { transfer }: Settlement,
  alone: boolean,
): Promise<Proven | undefined> {
  const leftOut = !receipt.success || transfer.isRefusedBy?.(receipt.logs) === true;
  // A successful transfer that left no trace: the node is lying or the block is gone. Time will tell.
  if (!leftOut && alone) return undefined;
  const refusal = await transfer.simulate(chain);
  // It was used, perhaps by this very transaction whatever its receipt says: only the use itself tells for what.
  if (refusal?.reason === transfer.usedReason) return undefined;
  if (refusal) return { state: 'failed', ...refusal };
  return leftOut
    ? {
        state: 'failed',
        reason: transfer.failReason ?? 'transactionFailed',
        message: 'The transaction was reverted.',
      }
    : undefined;
}
