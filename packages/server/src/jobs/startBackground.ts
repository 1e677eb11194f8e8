import { jobs } from '@agentpay/core';
import type { Composition } from '../compose.js';
import { deliverWebhooks } from './deliverWebhooks.js';
import { startJobs, type AroundJob, type RunningJobs } from './startJobs.js';
import { workTransfers } from './workTransfers.js';
import { watchTokens } from './watchTokens.js';

/** Starts all that an instance does without being asked; what it gives stops it. */
export async function startBackground(composition: Composition): Promise<Pick<RunningJobs, 'stop'>> {
  const { core, log, metrics, traced } = composition;
  const around: AroundJob = (name, work) => metrics.job(name, () => traced.job(name, work));
  const running = await startJobs(core, { jobs, log, around });
  const watch = watchTokens(core, log);
  const deliveries = deliverWebhooks(core, { log, onAttempt: metrics.attempted });
  const transfers = workTransfers(core, { log, around: metrics.job });
  return {
    async stop() {
      await Promise.all([running.stop(), watch.stop(), deliveries.stop(), transfers.stop()]);
    },
  };
}
