import { repeat } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import type { JobReport } from '../Job.js';
import { inBatches, sweepTracked } from './sweep.js';

/** How often the tracker is asked: a deadline is acted on within a second. */
const PERIOD_MS = 500;

/** A watch over the deadlines of tokens. */
export interface Watch {
  /** No other look begins; resolves when the one under way has ended. */
  stop(): Promise<void>;
}

/**
 * Returns the money of tokens as they run out: asks the tracker twice a second which are due. Every instance watches; each token is
 * released by one of them.
 */
export function watchDeadlines(
  core: Core,
  told: { onReport: (report: JobReport) => void; onError: (error: unknown) => void },
): Watch {
  return repeat(core.clock, PERIOD_MS, () => inBatches(core, sweepTracked).then(told.onReport, told.onError));
}
