import { AgentPayError, isId, newId, numberBounds, textBounds } from '@agentpay/primitives';
import type { Queryable, Tx } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { emit, oldestAfter } from '../events/index.js';
import type { Event } from '../events/index.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { newSecret } from './signatures.js';
import { testEvent } from './events.js';
import { wants } from './Webhook.js';
import type { Delivery, Webhook } from './Webhook.js';
import * as store from './WebhookStore.js';

/** A webhook with its secret in clear, which is shown this once. */
export interface NewWebhook {
  readonly webhook: Webhook;
  /** `whsec_...` */
  readonly secret: string;
}

type OfWebhook = { readonly principal: Principal; readonly webhookId: string };

/** Most webhooks that one party has. */
const MAX_OWNED = 20;
/** Deliveries that one replay of the operator makes due again. */
const MAX_REPLAYED = 1_000;
/** How long the former secret signs as well after a rotation. */
const OVERLAP_MS = 24 * 60 * 60 * 1000;
const NAME = /^(\*|[a-z_]+(\.[a-z_]+)*(\.\*)?)$/;

/**
 * Tells an address of the caller's events from now on.
 * @param request.known names of all events there are
 * @throws AgentPayError `invalid_request` for an address that deliveries must not go to, for no events, or for names that match none;
 * `conflict` beyond 20 webhooks
 */
export async function create(
  core: Core,
  request: { principal: Principal; url: string; events: readonly string[]; known: readonly string[] },
): Promise<NewWebhook> {
  const { party } = request.principal;
  core.ports.receivers.assertAllowed(checkUrl(request.url));
  const secret = newSecret(core.random.bytes(32));
  const id = newId('webhook', core);
  const webhook: Webhook = {
    id,
    ownerId: party.id,
    url: request.url,
    events: checkEvents(request.events, request.known),
    secret: core.ports.vault.seal(secret, id),
    formerSecret: null,
    formerUntil: null,
    status: 'active',
    createdAt: new Date(core.clock.now()),
  };
  await core.db.tx(async (tx) => {
    if ((await store.selectOwned(tx, party.id)).length >= MAX_OWNED)
      throw new AgentPayError('conflict', `There are ${MAX_OWNED} webhooks already.`, {
        reason: 'too_many_webhooks',
      });
    await store.webhooks.insert(tx, webhook);
  });
  return { webhook, secret };
}

/** The caller's webhooks, oldest first; 20 at most. */
export function listAll(core: Core, { principal }: { principal: Principal }): Promise<Webhook[]> {
  return store.selectOwned(core.db, principal.party.id);
}

/** A page of the caller's webhooks, oldest first. @throws AgentPayError `invalid_request` for a page outside the limits */
export async function list(
  core: Core,
  request: { principal: Principal } & PageRequest,
): Promise<{ webhooks: Webhook[] } & Counted> {
  const { rows, ...counted } = await store.pageOwned(core.db, request.principal.party.id, page(request));
  return { webhooks: rows, ...counted };
}

/** @throws AgentPayError `webhook_not_found` */
export function get(core: Core, request: OfWebhook): Promise<Webhook> {
  return owned(core.db, request);
}

/** Tells nothing more to a webhook; its deliveries stay readable. Deleting it again changes nothing. */
export async function remove(core: Core, request: OfWebhook): Promise<void> {
  await core.db.tx(async (tx) => {
    const webhook = await owned(tx, request);
    if (webhook.status === 'deleted') return;
    await store.webhooks.update(tx, { id: webhook.id }, { status: 'deleted' });
    await store.endPending(tx, webhook.id, 'The webhook was deleted.');
  });
}

/** Gives a webhook a new secret; the former one signs as well for 24 hours. Also starts a disabled one again. */
export async function rotateSecret(core: Core, request: OfWebhook): Promise<NewWebhook> {
  const secret = newSecret(core.random.bytes(32));
  const webhook = await core.db.tx(async (tx) => {
    const kept = await active(tx, request);
    const [changed] = await store.webhooks.update(
      tx,
      { id: kept.id },
      {
        secret: core.ports.vault.seal(secret, kept.id),
        formerSecret: kept.secret,
        formerUntil: new Date(core.clock.now() + OVERLAP_MS),
        status: 'active',
      },
    );
    return changed as Webhook;
  });
  return { webhook, secret };
}

/** Sends an event of type `webhook.test` to a webhook, whatever it wants otherwise. */
export async function sendTest(core: Core, request: OfWebhook): Promise<Delivery> {
  return core.db.tx(async (tx) => {
    const webhook = await active(tx, request);
    const event = await emit(core, tx, testEvent, {
      subject: webhook.id,
      audience: [],
      object: { id: webhook.id, url: webhook.url },
    });
    const delivery = newDelivery(core, webhook.id, { id: event.id, type: event.type });
    await store.deliveries.insert(tx, delivery);
    return delivery;
  });
}

/**
 * What webhooks were told of events, newest first: those of the parties that are named, null: of whoever may be told of them.
 */
export function deliveriesOf(
  db: Queryable,
  {
    events,
    partyIds,
    limit,
  }: { events: readonly Event[]; partyIds: readonly string[] | null; limit: number },
): Promise<(Delivery & Pick<Webhook, 'url'>)[]> {
  const ownerIds = partyIds ?? [...new Set(events.flatMap(({ audience }) => audience))];
  return store.selectOfEvents(db, { eventIds: events.map(({ id }) => id), ownerIds, limit });
}

/** What was sent to a webhook, newest first. @throws AgentPayError `webhook_not_found`, `invalid_request` for a page outside the limits */
export async function listDeliveries(
  core: Core,
  request: OfWebhook & PageRequest,
): Promise<{ deliveries: Delivery[] } & Counted> {
  const wanted = page(request);
  const { id } = await owned(core.db, request);
  const { rows, ...counted } = await store.deliveries.page(core.db, {
    where: 'webhook_id = $1',
    params: [id],
    order: { by: ['id'], descending: true },
    ...wanted,
  });
  return { deliveries: rows, ...counted };
}

/**
 * Sends again what webhooks did not take, of all owners and at most 1,000 deliveries, with the same event ids and bodies. For the operator.
 * @param request.since deliveries that were made before then stay given up
 * @throws AgentPayError `forbidden`
 */
export async function replayDead(
  core: Core,
  { principal, since }: { principal: Principal; since: Date },
): Promise<number> {
  requireParty(principal, 'platform');
  return store.reviveDead(core.db, { since, now: new Date(core.clock.now()), limit: MAX_REPLAYED });
}

/**
 * Sends a delivery again, with the same event id and body, and a full number of attempts.
 * @throws AgentPayError `webhook_not_found`, `delivery_not_found`; `conflict` when the webhook is not active
 */
export async function replay(core: Core, request: OfWebhook & { deliveryId: string }): Promise<Delivery> {
  return core.db.tx(async (tx) => {
    const webhook = await active(tx, request);
    const kept = await store.deliveries.lock(tx, { id: request.deliveryId, webhookId: webhook.id });
    if (!kept) throw new AgentPayError('delivery_not_found', 'This webhook has no delivery with this id.');
    const again = {
      state: 'pending',
      attempts: 0,
      nextAt: new Date(core.clock.now()),
      deliveredAt: null,
    } as const;
    const [delivery] = await store.deliveries.update(tx, { id: kept.id }, again);
    return delivery as Delivery;
  });
}

/** A delivery that is due at once. */
export function newDelivery(core: Core, webhookId: string, event: { id: string; type: string }): Delivery {
  const now = new Date(core.clock.now());
  return {
    id: newId('delivery', core),
    webhookId,
    eventId: event.id,
    type: event.type,
    state: 'pending',
    attempts: 0,
    nextAt: now,
    claimedUntil: null,
    lastStatus: null,
    lastError: null,
    createdAt: now,
    deliveredAt: null,
  };
}

async function owned(db: Queryable, { principal, webhookId }: OfWebhook): Promise<Webhook> {
  const webhook = isId('webhook', webhookId) ? await store.webhooks.find(db, { id: webhookId }) : undefined;
  if (webhook?.ownerId === principal.party.id) return webhook;
  throw new AgentPayError('webhook_not_found', 'You have no webhook with this id.');
}

async function active(tx: Tx, request: OfWebhook): Promise<Webhook> {
  const webhook = await owned(tx, request);
  if (webhook.status !== 'deleted') return webhook;
  throw new AgentPayError('conflict', 'The webhook was deleted.', { reason: 'webhook_deleted' });
}

function checkUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const allowed = parsed && /^https?:$/.test(parsed.protocol) && !parsed.username && !parsed.password;
  if (allowed && url.length <= textBounds.url) return url;
  throw new AgentPayError('invalid_request', 'url is not the http(s) address of a receiver.', {
    param: 'url',
  });
}

function checkEvents(names: readonly string[], known: readonly string[]): readonly string[] {
  const events = [...new Set(names)];
  if (events.length === 0 || events.length > numberBounds.webhookEvents)
    throw refuse(`events must name 1 to ${numberBounds.webhookEvents} events`);
  const unknown = events.find(
    (name) => !NAME.test(name) || !known.some((type) => wants({ events: [name] }, type)),
  );
  if (unknown !== undefined) throw refuse(`"${unknown.slice(0, 64)}" is no event`);
  return events;
}

function refuse(why: string): AgentPayError {
  return new AgentPayError('invalid_request', `${why}.`, { param: 'events' });
}

/** How long the oldest event waits that no delivery was made of yet, in ms; 0 when there is none. */
export async function lagMs(core: Core): Promise<number> {
  const position = await store.findPosition(core.db);
  const oldest = position && (await oldestAfter(core.db, { after: position }));
  return oldest ? Math.max(0, core.clock.now() - oldest.getTime()) : 0;
}

/** How many deliveries wait for an attempt. */
export async function backlog(core: Core): Promise<number> {
  const [row] = await core.db.query<{ n: number }>(
    "select count(*)::integer as n from webhook_deliveries where state = 'pending'",
  );
  return row?.n ?? 0;
}
