import { attemptAll, backOffMs, CLAIM_MS } from '../attempts.js';
import type { Core } from '../Core.js';
import type { JobReport } from '../Job.js';
import { holds, movements, postIn } from '../ledger/index.js';
import { allowWants, captureIn, giveBackIn } from '../spending/index.js';
import { payoutCompleted, payoutFailed, tell } from './events.js';
import { end, spentOn } from './operations.js';
import { confirmKey, stepOf } from './Payout.js';
import type { Destination, Payout } from './Payout.js';
import * as store from './PayoutStore.js';
import type { PayoutAnswer } from './ports.js';

const MAX_WAIT_MS = 10 * 60 * 1000;

/**
 * Works payouts that are due, one attempt each. The money stays reserved until the connector says that it arrived or that it never
 * will; an instance that dies leaves its payouts to another, which asks the connector under the same id.
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
  const payout = claimed.status === 'pending' ? await begin(core, claimed) : claimed;
  if (!payout) return;
  const connector = core.ports.payouts[payout.destinationType];
  const destination = JSON.parse(core.ports.vault.open(payout.destination, payout.id)) as Destination;
  const answer: PayoutAnswer = connector
    ? await connector.submit(payout, destination).catch((): PayoutAnswer => ({ status: 'unknown' }))
    : { status: 'unknown' };
  await settle(core, payout, answer, connector?.account);
}

/** From here on it cannot be cancelled; undefined when it was. */
function begin(core: Core, claimed: Payout): Promise<Payout | undefined> {
  return core.batch.run({
    wants: [[store.payoutRows, [claimed.id]]],
    lane: claimed.id,
    decide(scene) {
      const payout = scene.find(store.payoutRows, claimed.id) as Payout;
      const status = stepOf(payout.status, 'process');
      return status && scene.update(store.payoutRows, payout, { status });
    },
  });
}

function settle(
  core: Core,
  worked: Payout,
  answer: PayoutAnswer,
  account: string | undefined,
): Promise<void> {
  return core.batch.run({
    wants: [[store.payoutRows, [worked.id]], [holds, [worked.holdId]], ...allowWants(worked.ownerId)],
    lane: worked.id,
    decide(scene) {
      const payout = scene.find(store.payoutRows, worked.id) as Payout;
      // Another instance took it over meanwhile, or it has ended.
      if (payout.attempts !== worked.attempts || payout.status !== 'processing') return;
      const { id, holdId, walletId, currency: asset, amount } = payout;
      if (answer.status === 'completed' && account !== undefined) {
        const postings = () => movements.payoutSubmitted({ walletId, asset, amount });
        captureIn(core, scene, { holdId, reason: 'submit', postings });
        const confirmed = movements.payoutConfirmed({ from: account, asset, amount });
        postIn(core, scene, { key: confirmKey(id), kind: 'payout.confirm', postings: confirmed });
        const { reference } = answer;
        tell(core, scene, payoutCompleted, end(core, scene, payout, { status: 'completed', reference }));
        return;
      }
      if (answer.status === 'failed') {
        giveBackIn(core, scene, { holdId, reason: 'fail', spent: spentOn(payout) });
        tell(
          core,
          scene,
          payoutFailed,
          end(core, scene, payout, { status: 'failed', failure: answer.reason }),
        );
        return;
      }
      const waitMs = backOffMs(payout.attempts, MAX_WAIT_MS);
      scene.update(store.payoutRows, payout, {
        reference: 'reference' in answer ? answer.reference : payout.reference,
        nextAt: new Date(core.clock.now() + waitMs),
        claimedUntil: null,
      });
    },
  });
}
