import { tokens, type Core } from '@agentpay/core';
import type { Logger } from '@agentpay/http';
import { report } from './startJobs.js';

/** Watches the deadlines of payment tokens; an instance that starts tells its tracker of all open ones. */
export function watchTokens(core: Core, log: Logger): tokens.Watch {
  const stopping = new AbortController();
  const job = 'token.rebuild';
  const rebuilt = tokens.rebuildTracker(core, { signal: stopping.signal }).then(
    (taken) => log.info({ job, taken }, 'tracker told of the open tokens'),
    (error: unknown) => log.error({ job, err: error }, 'job failed'),
  );
  const watch = tokens.watchDeadlines(core, {
    onReport: (swept) => report('token.due', swept, log),
    onError: (error) => log.error({ job: 'token.due', err: error }, 'job failed'),
  });
  return {
    async stop() {
      stopping.abort();
      await Promise.all([rebuilt, watch.stop()]);
    },
  };
}
