import type { Queryable, Tx } from '@agentpay/primitives';
import type { EventPosition } from '../events/index.js';
import { column } from '../columns.js';
import type { Counted, Page } from '../Page.js';
import { table } from '../table.js';
import type { Delivery, Webhook } from './Webhook.js';

export const webhooks = table<Webhook>('webhooks', {
  id: 'text',
  ownerId: 'text',
  url: 'text',
  events: 'text[]',
  secret: 'text',
  formerSecret: 'text',
  formerUntil: 'timestamptz',
  status: 'text',
  createdAt: 'timestamptz',
});

export const deliveries = table<Delivery>('webhook_deliveries', {
  id: 'text',
  webhookId: 'text',
  eventId: 'text',
  type: 'text',
  state: 'text',
  attempts: 'integer',
  nextAt: 'timestamptz',
  claimedUntil: 'timestamptz',
  lastStatus: 'integer',
  lastError: 'text',
  createdAt: 'timestamptz',
  deliveredAt: 'timestamptz',
});

/** The last deliveries of these events to webhooks of these owners, newest first. */
export function selectOfEvents(
  db: Queryable,
  { eventIds, ownerIds, limit }: { eventIds: readonly string[]; ownerIds: readonly string[]; limit: number },
): Promise<(Delivery & Pick<Webhook, 'url'>)[]> {
  const columns = Object.keys(deliveries.fields).map((field) => `delivery.${column(field)} as "${field}"`);
  return db.query(
    `select ${columns.join(', ')}, webhook.url from webhooks as webhook
     join webhook_deliveries as delivery on delivery.webhook_id = webhook.id
     where webhook.owner_id in (select * from unnest($1::text[])) and delivery.event_id in (select * from unnest($2::text[]))
     order by delivery.created_at desc, delivery.id desc limit $3`,
    [[...ownerIds], [...eventIds], limit],
  );
}

/** How far the outbox has been read; undefined when another instance is reading it. */
export async function lockPosition(tx: Tx): Promise<EventPosition | undefined> {
  const [position] = await tx.query<EventPosition>(
    'select transaction, sequence from webhook_position for update skip locked',
  );
  return position;
}

export async function findPosition(db: Queryable): Promise<EventPosition | undefined> {
  const [position] = await db.query<EventPosition>('select transaction, sequence from webhook_position');
  return position;
}

export async function savePosition(tx: Tx, { transaction, sequence }: EventPosition): Promise<void> {
  await tx.query('update webhook_position set transaction = $1, sequence = $2', [transaction, sequence]);
}

export function selectOfOwners(db: Queryable, ownerIds: readonly string[]): Promise<Webhook[]> {
  return webhooks.select(db, `where owner_id = any($1::text[]) and status = 'active'`, [[...ownerIds]]);
}

const OWNED = `owner_id = $1 and status <> 'deleted'`;

export function selectOwned(db: Queryable, ownerId: string): Promise<Webhook[]> {
  return webhooks.select(db, `where ${OWNED} order by created_at, id`, [ownerId]);
}

/** Oldest first. */
export function pageOwned(
  db: Queryable,
  ownerId: string,
  wanted: Page,
): Promise<{ rows: Webhook[] } & Counted> {
  const order = { by: ['createdAt', 'id'] } as const;
  return webhooks.page(db, { where: OWNED, params: [ownerId], order, ...wanted });
}

/** A webhook that has failed for long must not take the place of those that work: so many of each are under way at once. */
const MOST_OF_ONE = 4;

/**
 * Claims deliveries that are due for one attempt, at most {@link MOST_OF_ONE} of each webhook, those counted that others have claimed.
 * @param until when somebody else may claim them again
 */
export function claimDue(
  db: Queryable,
  { now, until, limit }: { now: Date; until: Date; limit: number },
): Promise<Delivery[]> {
  return db.query<Delivery>(
    `with busy as (
       select webhook_id, count(*) as n from webhook_deliveries
       where state = 'pending' and claimed_until > $1 group by webhook_id
     ), ranked as (
       select d.id, row_number() over (partition by d.webhook_id order by d.next_at) + coalesce(busy.n, 0) as place
       from webhook_deliveries d left join busy on busy.webhook_id = d.webhook_id
       where d.state = 'pending' and d.next_at <= $1 and (d.claimed_until is null or d.claimed_until <= $1)
     ), due as (
       select d.id from webhook_deliveries d join ranked on ranked.id = d.id and ranked.place <= ${MOST_OF_ONE}
       order by d.next_at limit $3 for update of d skip locked
     )
     update webhook_deliveries set claimed_until = $2, attempts = attempts + 1
     where id in (select id from due)
       and state = 'pending' and next_at <= $1 and (claimed_until is null or claimed_until <= $1)
     returning ${deliveries.columns}`,
    [now, until, limit],
  );
}

/** Ends the deliveries of a webhook that is told no more. */
export async function endPending(db: Queryable, webhookId: string, why: string): Promise<void> {
  await db.query(
    `update webhook_deliveries set state = 'dead', next_at = null, last_error = $2
     where webhook_id = $1 and state = 'pending'`,
    [webhookId, why],
  );
}

/** Makes deliveries that were given up since a moment due again, of webhooks that are active; says how many. */
export async function reviveDead(
  db: Queryable,
  { since, now, limit }: { since: Date; now: Date; limit: number },
): Promise<number> {
  const revived = await db.query(
    `update webhook_deliveries set state = 'pending', attempts = 0, next_at = $2 where id in (
       select delivery.id from webhook_deliveries as delivery join webhooks as webhook on webhook.id = delivery.webhook_id
       where delivery.state = 'dead' and delivery.created_at >= $1 and webhook.status = 'active'
       order by delivery.created_at, delivery.id limit $3 for update of delivery skip locked
     ) returning 1`,
    [since, now, limit],
  );
  return revived.length;
}
