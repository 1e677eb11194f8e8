import { jobs } from '@agentpay/core';
import type { Composition } from '../compose.js';
import { deliverWebhooks } from './deliverWebhooks.js';
import { startJobs, type RunningJobs } from './startJobs.js';
import { workTransfers } from './workTransfers.js';
import { watchTokens } from './watchTokens.js';

/** Starts all that an instance does without being asked; what it gives stops it. */
export async function startBackground({ core, log }: Composition): Promise<Pick<RunningJobs, 'stop'>> {
  const running = await startJobs(core, { jobs, log });
  const watch = watchTokens(core, log);
  const deliveries = deliverWebhooks(core, log);
  const transfers = workTransfers(core, log);
  return {
    async stop() {
      await Promise.all([running.stop(), watch.stop(), deliveries.stop(), transfers.stop()]);
    },
  };
}
