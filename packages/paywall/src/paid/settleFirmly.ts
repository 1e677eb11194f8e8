import { sleep, type Clock } from '@agentpay/primitives';
import type { SettleAttempt, ProvenPayment, SettleOutcome } from './Payment.js';

/** Waits between attempts, in ms. */
const WAITS = [250, 500, 1000];
/** No attempt begins later than this after the first. */
const BUDGET_MS = 60_000;
/** How long the owner of a settlement is left alone: its attempts and the last one's own time limit. */
export const SETTLE_LEASE_MS = 2 * BUDGET_MS;

/** Asks for the money until the outcome is certain, within bounds. */
export async function settleFirmly(
  payment: Pick<ProvenPayment, 'settle'>,
  clock: Clock,
  attempt: SettleAttempt,
): Promise<SettleOutcome> {
  const giveUpAt = clock.now() + BUDGET_MS;
  let { again } = attempt;
  for (const wait of WAITS) {
    const settlement = await payment.settle({ ...attempt, again });
    if (settlement.state === 'settled' || settlement.state === 'refused') return settlement;
    again ||= settlement.state === 'unknown';
    await sleep(clock, wait);
    if (clock.now() >= giveUpAt) return settlement;
  }
  return payment.settle({ ...attempt, again });
}
