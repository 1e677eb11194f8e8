import { sleep, type Amount, type Clock } from '@agentpay/primitives';
import type { Payment, Settlement } from './Payment.js';

/** Waits between attempts, in ms. */
const WAITS = [250, 500, 1000];
/** No attempt begins later than this after the first. */
const BUDGET_MS = 60_000;
/** How long the owner of a settlement is left alone: its attempts and the last one's own time limit. */
export const SETTLE_LEASE_MS = 2 * BUDGET_MS;

interface Attempt {
  /** An earlier attempt may have taken the money. */
  readonly again: boolean;
  /** What is taken of a payment up to a ceiling. */
  readonly used: Amount | undefined;
}

/** Asks for the money until the outcome is certain, within bounds. */
export async function settleFirmly(
  payment: Payment,
  clock: Clock,
  { again, used }: Attempt,
): Promise<Settlement> {
  const giveUpAt = clock.now() + BUDGET_MS;
  let maybeTaken = again;
  for (const wait of WAITS) {
    const settlement = await payment.settle(maybeTaken, used);
    if (settlement.state === 'settled' || settlement.state === 'refused') return settlement;
    maybeTaken ||= settlement.state === 'unknown';
    await sleep(clock, wait);
    if (clock.now() >= giveUpAt) return settlement;
  }
  return payment.settle(maybeTaken, used);
}
