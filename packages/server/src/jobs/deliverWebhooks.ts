import { webhooks, type Core } from '@agentpay/core';
import type { Logger } from '@agentpay/http';
import { repeat } from '@agentpay/primitives';

/** Events read at a time, and attempts under way at once on one instance. */
const MOST_EVENTS = 500;
const MOST_ATTEMPTS = 64;
const EVERY_MS = 500;

/** Deliveries that this instance makes. */
export interface WebhookDeliveries {
  /** Resolves when the attempts under way have ended; no other begins. */
  stop(): Promise<void>;
}

export interface DeliveryOptions {
  readonly log: Logger;
  /** Hears what every attempt led to. */
  readonly onAttempt: (attempt: webhooks.Attempted, seconds: number) => void;
}

/**
 * Twice a second: makes deliveries of new events and starts what is due. An attempt is not waited for, so that a slow receiver delays
 * nobody else; an instance that dies leaves its attempts to be made again by another.
 */
export function deliverWebhooks(core: Core, { log, onAttempt }: DeliveryOptions): WebhookDeliveries {
  const underWay = new Set<Promise<void>>();
  const looking = repeat(core.clock, EVERY_MS, () =>
    once().catch((error: unknown) => log.error({ job: 'webhooks', err: error }, 'job failed')),
  );

  async function once(): Promise<void> {
    while ((await webhooks.dispatch(core, { limit: MOST_EVENTS })) === MOST_EVENTS);
    const started = await webhooks.startDue(core, { limit: MOST_ATTEMPTS - underWay.size });
    const startedAt = core.clock.now();
    for (const attempt of started) track(attempt, startedAt);
  }

  function track(attempt: Promise<webhooks.Attempted>, startedAt: number): void {
    const ended: Promise<void> = attempt
      .then((led) => onAttempt(led, Math.max(0, core.clock.now() - startedAt) / 1000))
      .catch((error: unknown) => log.error({ job: 'webhooks', err: error }, 'attempt not written down'))
      .finally(() => underWay.delete(ended));
    underWay.add(ended);
  }

  return {
    async stop() {
      await looking.stop();
      await Promise.all(underWay);
    },
  };
}
