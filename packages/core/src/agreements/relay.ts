import { AgentPayError } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import { attemptAll, backOffMs, CLAIM_MS } from '../attempts.js';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import { feeOn } from '../fees.js';
import { balanceOf as bookBalance, ofHolder } from '../custody/index.js';
import type { JobReport } from '../Job.js';
import { balances, escrow as escrowAccount, ESCROW_CONTRACT, movements, postIn } from '../ledger/index.js';
import { escrowOf } from './activate.js';
import { journalKey } from './Agreement.js';
import type { Agreement } from './Agreement.js';
import { isOver } from './AgreementHold.js';
import type { AgreementHold } from './AgreementHold.js';
import { forgetCapIn } from './allow.js';
import { bookFee, collectFee, returnFee } from './infraFee.js';
import { moveIn, wantsOf } from './operations.js';
import type { AgreementEscrow, EscrowStep } from './ports.js';
import * as store from './AgreementStore.js';

/** How many may be relayed side by side: as many as facilitators put in one transaction. */
export const MOST_RELAYED = 100;
/** The longest between two attempts. */
const MAX_WAIT_MS = 15_000;

/** An agreement whose step on the chain is made by this instance. */
interface Claimed {
  readonly agreement: Agreement;
  readonly hold: AgreementHold;
  readonly escrow: AgreementEscrow;
}

/**
 * Makes the steps of agreements on a chain that are due, side by side, so that the facilitator sends many in one transaction. What is sent
 * was kept before, and is the same whenever it is sent again: an instance that dies leaves it to another one.
 */
export async function relay(core: Core, { limit }: { limit: number }): Promise<JobReport> {
  const due = await store.selectRelayed(core.db, new Date(core.clock.now()), limit);
  const { done, failures } = await attemptAll(due, ({ id }) => relayOne(core, id));
  return { done: { relayed: done }, failures };
}

/** Activations that have waited for their transaction for longer than they should. */
export function countStuck(core: Core): Promise<number> {
  return store.countWaiting(core.db, new Date(core.clock.now() - core.settings.agreements.stuckMs));
}

async function relayOne(core: Core, id: string): Promise<void> {
  const claimed = await claim(core, id);
  if (!claimed) return;
  const step = await stepFor(core, claimed).catch(async (error: unknown) => {
    await write(core, claimed, { status: 'pending', transaction: null });
    throw error;
  });
  await write(core, claimed, step);
}

/** Takes the step for some time; after that another instance may. */
async function claim(core: Core, id: string): Promise<Claimed | undefined> {
  const agreement = await core.batch.run({
    wants: [[store.agreementRows, [id]]],
    lane: id,
    decide(scene) {
      const kept = scene.find(store.agreementRows, id) as Agreement;
      if (!isRelayed(kept) || kept.dueAt === null || kept.dueAt.getTime() > core.clock.now())
        return undefined;
      const dueAt = new Date(core.clock.now() + CLAIM_MS);
      return scene.update(store.agreementRows, kept, { dueAt, attempts: kept.attempts + 1 });
    },
  });
  if (!agreement) return undefined;
  const hold = await store.holds.find(core.db, { agreementId: id });
  if (!hold)
    throw new AgentPayError('internal_error', 'An agreement is on its way to the chain without a signature.');
  return { agreement, hold, escrow: escrowOf(core, agreement) };
}

function isRelayed({ status, funding }: Agreement): boolean {
  return funding === 'onchain' && ['submitting', 'activation_failed', 'settling'].includes(status);
}

function stepFor(core: Core, claimed: Claimed): Promise<EscrowStep> {
  const { status } = claimed.agreement;
  if (status === 'submitting') return lock(core, claimed);
  return status === 'settling' ? pay(core, claimed) : withdraw(core, claimed);
}

/** Only time or a refusal that the chain agrees with ends an activation. */
async function lock(core: Core, { agreement, hold, escrow }: Claimed): Promise<EscrowStep> {
  const fee = await collectFee(core, agreement, hold);
  if (fee?.status === 'failed') return fee;
  if (fee && fee.status !== 'completed') return { status: 'pending', transaction: null };
  if (fee) await bookFee(core, hold, fee.reference);
  const { offer, signature } = hold;
  const step = await escrow.lock(offer, signature);
  if (step.status !== 'failed') return step;
  const { collected, transaction } = await escrow.look(offer);
  return collected ? { status: 'done', transaction, captured: 0n } : step;
}

/** The money is the seller's on the chain before the books of a wallet here show it, and only then the agreement is settled. */
async function pay(core: Core, claimed: Claimed): Promise<EscrowStep> {
  const { agreement, hold, escrow } = claimed;
  const amount = agreement.paid as Amount;
  const step = await escrow.release(hold.offer, { amount, fee: feeOf(core, claimed, amount) });
  if (step.status === 'done') await bookSeller(core, claimed);
  return step;
}

function feeOf(core: Core, { hold: { offer } }: Pick<Claimed, 'hold'>, amount: Amount): Amount {
  const fee = feeOn(amount, core.settings.fees.agreement);
  const most = (amount * BigInt(offer.paymentInfo.maxFeeBps)) / 10_000n;
  return fee < most ? fee : most;
}

async function bookSeller(core: Core, { agreement, hold }: Claimed): Promise<void> {
  const { receiver } = hold.offer.paymentInfo;
  const own = await ofHolder(core.db, { holder: agreement.sellerId });
  const wallet = own.find(
    ({ network, address }) =>
      network === agreement.network && address.toLowerCase() === receiver.toLowerCase(),
  );
  if (wallet) await bookBalance(core, wallet);
}

/** An activation that failed ends when its signature can do nothing more: what came into the escrow all the same goes back. */
async function withdraw(core: Core, { agreement, hold, escrow }: Claimed): Promise<EscrowStep> {
  const { offer } = hold;
  const { collected, capturable, transaction, at } = await escrow.look(offer);
  if (capturable > 0n) {
    const step = await escrow.release(offer, { amount: 0n, fee: 0n });
    // The fee goes back when the hold has: at the next look.
    return hold.feeTx === null || step.status !== 'done' ? step : { status: 'pending', transaction: null };
  }
  const isPast = isOver(offer, core.clock.now()) && at > offer.paymentInfo.preApprovalExpiry;
  const isEnd = collected || isPast;
  if (!isEnd || !(await returnFee(core, agreement, hold))) return { status: 'pending', transaction: null };
  return { status: 'done', transaction: collected ? transaction : null, captured: 0n };
}

function write(core: Core, claimed: Claimed, step: EscrowStep): Promise<void> {
  const { id, attempts, status } = claimed.agreement;
  return core.batch.run({
    wants: [...wantsOf(claimed.agreement), [balances, [escrowAccount(id), claimed.escrow.asset]]],
    lane: id,
    decide(scene) {
      const agreement = scene.find(store.agreementRows, id) as Agreement;
      if (agreement.attempts !== attempts || agreement.status !== status) return;
      if (step.status === 'done') return doneIn(core, scene, { ...claimed, agreement }, step);
      if (step.status === 'failed' && status === 'submitting')
        return failIn(core, scene, agreement, step.reason);
      const wait = backOffMs(agreement.attempts, MAX_WAIT_MS);
      const seen = step.status === 'pending' ? step.transaction : null;
      const hash =
        seen === null ? {} : status === 'settling' ? { settlementTx: seen } : { activationTx: seen };
      scene.update(store.agreementRows, agreement, { ...hash, dueAt: new Date(core.clock.now() + wait) });
    },
  });
}

/** It may be tried again until the agreement would have expired; then a last look at the chain ends it. */
function failIn(core: Core, scene: Scene, agreement: Agreement, reason: string): void {
  const { acceptedAt, endsAt } = agreement;
  const until = (acceptedAt as Date).getTime() + core.settings.agreements.proposalMs;
  const dueAt = new Date(Math.min(until, endsAt.getTime()));
  moveIn(core, scene, agreement, 'fail', { reason, dueAt, attempts: 0 });
}

function doneIn(
  core: Core,
  scene: Scene,
  claimed: Claimed,
  { transaction, captured }: Extract<EscrowStep, { status: 'done' }>,
): void {
  const { agreement, escrow } = claimed;
  const { id, cap, status } = agreement;
  const of = { agreementId: id, asset: escrow.asset, amount: cap };
  if (status === 'submitting') {
    const postings = movements.escrowLocked({ ...of, from: ESCROW_CONTRACT });
    postIn(core, scene, { key: journalKey(id, 'lock'), kind: 'agreement.lock', postings });
    const activatedAt = new Date(core.clock.now());
    const active = {
      activatedAt,
      dueAt: agreement.endsAt,
      activationTx: transaction ?? agreement.activationTx,
      attempts: 0,
    };
    return void moveIn(core, scene, agreement, 'activate', active);
  }
  if (status === 'activation_failed') {
    moveIn(core, scene, agreement, 'expire');
    return forgetCapIn(scene, agreement, cap);
  }
  postIn(core, scene, {
    key: journalKey(id, 'settle'),
    kind: 'agreement.settle',
    postings: movements.escrowSettledOnChain(of),
  });
  forgetCapIn(scene, agreement, cap - captured);
  const settlementTx = transaction ?? agreement.settlementTx;
  moveIn(core, scene, agreement, 'pay', { paid: captured, settlementTx });
}
