import type { Core } from '../Core.js';
import { get as getEvent } from '../events/index.js';
import { signatureHeaders } from './signatures.js';
import { afterAttempt } from './Webhook.js';
import type { Attempt, Delivery, DeliveryState, Webhook } from './Webhook.js';
import * as store from './WebhookStore.js';

/** Longest wait for a receiver. */
const TIMEOUT_MS = 10_000;
/** An instance that has not written the outcome of an attempt by then has died. */
const CLAIM_MS = 30_000;
const MAX_ERROR = 200;

/** What an attempt led to. */
export interface Attempted {
  readonly state: DeliveryState;
  /** Attempts made, this one included. */
  readonly attempts: number;
  /** HTTP status; undefined: no response. */
  readonly status?: number | undefined;
}

/**
 * Claims deliveries that are due and starts an attempt of each. No receiver waits for another: a slow one holds its own four at most.
 * @param options.limit most attempts to start
 * @returns an attempt under way for each. One that rejects was not written down: it is made again when its claim has lapsed
 */
export async function startDue(core: Core, { limit }: { limit: number }): Promise<Promise<Attempted>[]> {
  const nowMs = core.clock.now();
  const claimed = await store.claimDue(core.db, {
    now: new Date(nowMs),
    until: new Date(nowMs + CLAIM_MS),
    limit,
  });
  return claimed.map((delivery) => deliver(core, delivery));
}

async function deliver(core: Core, delivery: Delivery): Promise<Attempted> {
  const webhook = await store.webhooks.find(core.db, { id: delivery.webhookId });
  if (webhook?.status !== 'active')
    return settle(core, delivery, { error: 'The webhook is not active.' }, true);
  return settle(core, delivery, await attempt(core, webhook, delivery), false);
}

async function attempt(core: Core, webhook: Webhook, delivery: Delivery): Promise<Attempt> {
  const event = await getEvent(core.db, { eventId: delivery.eventId });
  const body = JSON.stringify({
    id: event.id,
    type: event.type,
    created: event.createdAt.toISOString(),
    data: { object: event.data },
  });
  const nowMs = core.clock.now();
  const { vault, receivers } = core.ports;
  const { formerSecret, formerUntil } = webhook;
  const former = formerSecret !== null && formerUntil !== null && formerUntil.getTime() > nowMs;
  const signed = { eventId: event.id, deliveryId: delivery.id, timestamp: Math.floor(nowMs / 1000), body };
  const headers = signatureHeaders(
    signed,
    vault.open(webhook.secret, webhook.id),
    former ? vault.open(formerSecret, webhook.id) : undefined,
  );
  return receivers.post({
    url: webhook.url,
    headers: { 'content-type': 'application/json', ...headers },
    body,
    timeoutMs: TIMEOUT_MS,
  });
}

/** Writes down what came of an attempt, unless the delivery was claimed anew or ended meanwhile. */
async function settle(core: Core, delivery: Delivery, made: Attempt, ended: boolean): Promise<Attempted> {
  const chance = (core.random.bytes(1)[0] as number) / 256;
  const next = ended ? { state: 'dead' as const } : afterAttempt(delivery.attempts, made, chance);
  const now = core.clock.now();
  await core.db.tx(async (tx) => {
    const own = { id: delivery.id, state: 'pending', attempts: delivery.attempts } as const;
    await store.deliveries.update(tx, own, {
      state: next.state,
      nextAt: next.state === 'pending' ? new Date(now + next.waitMs) : null,
      claimedUntil: null,
      lastStatus: made.status ?? null,
      lastError: made.error?.slice(0, MAX_ERROR) ?? null,
      deliveredAt: next.state === 'delivered' ? new Date(now) : null,
    });
    if (made.status !== 410) return;
    await store.webhooks.update(tx, { id: delivery.webhookId, status: 'active' }, { status: 'disabled' });
    await store.endPending(tx, delivery.webhookId, 'The receiver is gone (410).');
  });
  return { state: next.state, attempts: delivery.attempts, status: made.status };
}
