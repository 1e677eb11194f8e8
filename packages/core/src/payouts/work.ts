import { isAgentPayError } from '@agentpay/primitives';
import { attemptAll, backOffMs, CLAIM_MS } from '../attempts.js';
import type { Scene, Want } from '../batch/index.js';
import { DAY_MS } from '../calendar.js';
import type { Core } from '../Core.js';
import type { JobReport } from '../Job.js';
import { available, balances, holds, movements, postIn } from '../ledger/index.js';
import { allowWants, forgetIn, giveBackIn } from '../spending/index.js';
import { payoutCompleted, payoutFailed, payoutReturned, tell } from './events.js';
import { end, handOver, spentOn } from './operations.js';
import { journalKey, stepOf } from './Payout.js';
import type { Destination, Payout } from './Payout.js';
import * as store from './PayoutStore.js';
import type { PayoutOutcome, PayoutConnector, PayoutFate } from './ports.js';

const MAX_WAIT_MS = 10 * 60 * 1000;
/** What has arrived is looked at again when it has been there for twice as long, at least this and at most a day later. */
const FIRST_LOOK_MS = 60_000;

/**
 * Works payouts that are due, one attempt each. What is handed to a connector stands in the clearing account until the connector says that
 * it arrived or that it never will; what has arrived is looked at as long as it may come back. An instance that dies leaves its payouts to
 * another, which asks the connector under the same id.
 */
export async function work(core: Core, { limit }: { limit: number }): Promise<JobReport> {
  const nowMs = core.clock.now();
  const claimed = await store.claimDue(core.db, {
    now: new Date(nowMs),
    until: new Date(nowMs + CLAIM_MS),
    limit,
  });
  const { done, failures } = await attemptAll(claimed, (payout) => attempt(core, payout));
  return { done: { payouts: done }, failures };
}

async function attempt(core: Core, claimed: Payout): Promise<void> {
  const connector = core.ports.payouts[claimed.destinationType];
  // Whoever takes a way out of the configuration may put it back.
  if (!connector) return change(core, claimed, (scene, payout) => wait(core, scene, payout));
  const destination = JSON.parse(core.ports.vault.open(claimed.destination, claimed.id)) as Destination;
  if (claimed.status === 'completed') return look(core, claimed, { connector, destination });
  const payout =
    claimed.status === 'pending' ? await begin(core, claimed, { connector, destination }) : claimed;
  if (!payout) return;
  const answer = await connector
    .submit(payout, destination)
    .catch((): PayoutOutcome => ({ status: 'unknown' }));
  await change(core, payout, (scene, kept) => settle(core, scene, kept, { answer, connector }));
}

interface Way {
  readonly connector: PayoutConnector;
  readonly destination: Destination;
}

/** Changes a payout that nobody else took over or ended since it was claimed. */
function change<T = void>(
  core: Core,
  worked: Payout,
  decide: (scene: Scene, payout: Payout) => T,
): Promise<T | undefined> {
  const { id, holdId, walletId, currency } = worked;
  const wants: Want[] = [
    [store.payoutRows, [id]],
    [holds, [holdId]],
    [balances, [available(walletId), currency]],
  ];
  return core.batch.run({
    wants: [...wants, ...allowWants(worked.ownerId)],
    lane: id,
    decide(scene) {
      const payout = scene.find(store.payoutRows, id) as Payout;
      const isOurs = payout.attempts === worked.attempts && payout.status === worked.status;
      return isOurs ? decide(scene, payout) : undefined;
    },
  });
}

/** From here on it cannot be cancelled; undefined when it was, or when the way out takes it no longer. */
function begin(core: Core, claimed: Payout, way: Way): Promise<Payout | undefined> {
  const refused = refusalOf(claimed, way);
  return change(core, claimed, (scene, payout) => {
    const step = refused === undefined ? 'process' : 'fail';
    const status = stepOf(payout.status, step) as Payout['status'];
    if (refused === undefined) {
      handOver(core, scene, payout);
      return scene.update(store.payoutRows, payout, { status });
    }
    giveBackIn(core, scene, { holdId: payout.holdId, reason: 'fail', spent: spentOn(payout) });
    tell(core, scene, payoutFailed, end(core, scene, payout, { status, failure: refused }));
    return undefined;
  });
}

/** Why the connector would not take it; undefined when it does. */
function refusalOf({ amount }: Payout, { connector, destination }: Way): string | undefined {
  try {
    connector.accepts(destination, amount);
    return undefined;
  } catch (error) {
    if (isAgentPayError(error)) return error.reason ?? error.kind;
    throw error;
  }
}

function settle(
  core: Core,
  scene: Scene,
  payout: Payout,
  { answer, connector }: { answer: PayoutOutcome; connector: PayoutConnector },
): void {
  const { id, walletId, currency: asset, amount } = payout;
  if (answer.status === 'completed') {
    const { account, returns } = connector;
    const postings = movements.payoutConfirmed({ from: account, asset, amount });
    postIn(core, scene, { key: journalKey(id, 'confirm'), kind: 'payout.confirm', postings });
    const nextAt = returns ? new Date(core.clock.now() + FIRST_LOOK_MS) : null;
    const arrived = { status: 'completed', reference: answer.reference, account, nextAt } as const;
    return tell(core, scene, payoutCompleted, end(core, scene, payout, arrived));
  }
  if (answer.status === 'failed') {
    const postings = movements.payoutFailed({ walletId, asset, amount });
    postIn(core, scene, { key: journalKey(id, 'fail'), kind: 'payout.fail', postings });
    forgetIn(scene, spentOn(payout));
    const failed = { status: 'failed', failure: answer.reason } as const;
    return tell(core, scene, payoutFailed, end(core, scene, payout, failed));
  }
  wait(core, scene, payout, 'reference' in answer ? answer.reference : payout.reference);
}

/** Leaves it to a later attempt. */
function wait(core: Core, scene: Scene, payout: Payout, reference = payout.reference): void {
  const nextAt = new Date(core.clock.now() + backOffMs(payout.attempts, MAX_WAIT_MS));
  scene.update(store.payoutRows, payout, { reference, nextAt, claimedUntil: null });
}

/** Asks whether what had arrived has come back. */
async function look(core: Core, claimed: Payout, { connector, destination }: Way): Promise<void> {
  const { returns } = connector;
  const fate = await returns?.ask(claimed, destination).catch((): PayoutFate => ({ status: 'unknown' }));
  await change(core, claimed, (scene, payout) => {
    if (fate?.status === 'returned') return takeBack(core, scene, payout, fate.reason);
    const { endedAt } = payout as { endedAt: Date };
    const lookedMs = core.clock.now() - endedAt.getTime();
    // One who does not say is asked again; after the time it is said to have arrived for good.
    const isOver = !returns || (fate?.status === 'arrived' && lookedMs >= returns.days * DAY_MS);
    const nextMs = core.clock.now() + Math.min(Math.max(lookedMs, FIRST_LOOK_MS), DAY_MS);
    scene.update(store.payoutRows, payout, {
      nextAt: isOver ? null : new Date(nextMs),
      claimedUntil: null,
    });
  });
}

/** The owner has it again. */
function takeBack(core: Core, scene: Scene, payout: Payout, failure: string): void {
  const { id, walletId, currency: asset, amount, account } = payout;
  const status = stepOf(payout.status, 'return') as Payout['status'];
  const postings = movements.payoutReturned({ from: account as string, walletId, asset, amount });
  postIn(core, scene, { key: journalKey(id, 'return'), kind: 'payout.return', postings });
  forgetIn(scene, spentOn(payout));
  tell(core, scene, payoutReturned, end(core, scene, payout, { status, failure }));
}
