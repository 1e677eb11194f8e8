import { createHmac } from 'node:crypto';
import { eventTypes, events, webhooks, type Core, type WebhookPorts } from '@agentpay/core';
import { seededRandom } from '@agentpay/primitives';
import type { ManualClock } from '@agentpay/primitives';
import { eventually } from '@agentpay/testing';
import fc from 'fast-check';
import { ownDb, signedIn, testCore, type SignedIn } from '../flows/market.js';
import { command, kindOf, playSequences } from './play.js';

type Post = WebhookPorts['receivers']['post'];
type Sent = Parameters<Post>[0];

const CLAIM_MS = 30_000;
const OVERLAP_MS = 86_400_000;
const MOST_WAIT_MS = 6 * 3_600_000;
const MOST_ATTEMPTS = 8;
const known = eventTypes.map(({ name }) => name);
const [payment, payout] = ['payment.completed', 'payout.completed'];

// ---- the model

/** What a receiver answers; `nothing`: the connection breaks. */
const answers = ['ok', 'fails', 'asks for time', 'is gone', 'nothing'] as const;
type Reply = (typeof answers)[number];
const attemptOf: Record<Reply, webhooks.Attempt> = {
  ok: { status: 204 },
  fails: { status: 500 },
  'asks for time': { status: 429, retryAfterMs: 7_200_000 },
  'is gone': { status: 410 },
  nothing: { error: 'The connection broke.' },
};

interface ModelWebhook {
  readonly id: string;
  readonly events: string;
  status: webhooks.WebhookStatus;
  secret: string;
  former?: { readonly secret: string; readonly until: number };
}
interface ModelDelivery {
  readonly webhook: ModelWebhook;
  readonly eventId: string;
  state: webhooks.DeliveryState;
  attempts: number;
  next: number | null;
  claimedUntil: number;
  /** Whether the receiver has had it. */
  received: boolean;
}
interface Model {
  now: number;
  webhooks: ModelWebhook[];
  /** Events that the outbox holds and nobody has read. */
  unread: { id: string; type: string }[];
  deliveries: ModelDelivery[];
}

const wanted = ({ events: pattern }: ModelWebhook, type: string) =>
  pattern === '*' || pattern === type || (pattern.endsWith('*') && type.startsWith(pattern.slice(0, -1)));
const isDue = (model: Model) => (each: ModelDelivery) =>
  each.state === 'pending' && (each.next as number) <= model.now && each.claimedUntil <= model.now;

function dispatched(model: Model): void {
  for (const { id: eventId, type } of model.unread.splice(0))
    for (const webhook of model.webhooks)
      if (webhook.status === 'active' && wanted(webhook, type)) deliverTo(model, webhook, eventId);
}

function deliverTo(model: Model, webhook: ModelWebhook, eventId: string): void {
  const fresh = { state: 'pending', attempts: 0, claimedUntil: 0, received: false } as const;
  model.deliveries.push({ webhook, eventId, ...fresh, next: model.now });
}

function endPending(model: Model, webhook: ModelWebhook): void {
  for (const each of model.deliveries)
    if (each.webhook === webhook && each.state === 'pending')
      Object.assign(each, { state: 'dead', next: null });
}

/** What an attempt leads to. The wait has jitter: between which bounds it must lie. */
function after(model: Model, delivery: ModelDelivery, answer: Reply): [least: number, most: number] {
  delivery.claimedUntil = 0;
  delivery.next = null;
  if (answer === 'ok') delivery.state = 'delivered';
  else if (answer === 'is gone') {
    delivery.state = 'dead';
    if (delivery.webhook.status === 'active') delivery.webhook.status = 'disabled';
    endPending(model, delivery.webhook);
  } else if (delivery.attempts >= MOST_ATTEMPTS) delivery.state = 'dead';
  else {
    const backOff = 10_000 * 2 ** (delivery.attempts - 1);
    const asked = attemptOf[answer].retryAfterMs ?? 0;
    const bound = (share: number) => Math.min(MOST_WAIT_MS, Math.max(asked, Math.round(backOff * share)));
    return [bound(0.75), bound(1.25)];
  }
  return [0, 0];
}

// ---- the real thing

interface Real {
  readonly owner: SignedIn;
}

const seen = new Set<string>();
let core: Core;
let clock: ManualClock;
let sent: Sent[];
let respond: Post;

const idsOf = ({ headers }: Sent) =>
  [headers['webhook-id'], headers['x-agentpay-delivery']] as [string, string];
const mac = (secret: string | Buffer, text: string, encoding: 'hex' | 'base64') =>
  createHmac('sha256', secret).update(text).digest(encoding);

/** Every attempt of an event has its id and body, and the signatures of the secrets that are good now. */
function expectSigned(model: Model, { webhook, eventId }: ModelDelivery, { headers, body }: Sent): void {
  const { secret, former } = webhook;
  expect(JSON.parse(body)).toMatchObject({ id: eventId, data: { object: {} } });
  expect(headers['x-agentpay-signature']).toBe(mac(secret, body, 'hex'));
  expect(headers['x-webhook-signature']).toBe(mac(secret, body, 'hex'));
  const signing = [secret, ...(former && former.until > model.now ? [former.secret] : [])];
  const text = `${eventId}.${headers['webhook-timestamp']}.${body}`;
  const keyOf = (each: string) => Buffer.from(each.replace('whsec_', ''), 'base64');
  const expected = signing.map((each) => `v1,${mac(keyOf(each), text, 'base64')}`);
  expect(headers['webhook-signature']).toBe(expected.join(' '));
}

interface Kept {
  readonly id: string;
  readonly webhookId: string;
  readonly eventId: string;
  readonly state: string;
  readonly attempts: number;
  readonly next: Date | null;
}
const kept = ({ owner }: Real) =>
  core.db.query<Kept>(
    `select d.id, webhook_id as "webhookId", event_id as "eventId", state, attempts, next_at as next
     from webhook_deliveries d join webhooks w on w.id = d.webhook_id where w.owner_id = $1`,
    [owner.agent.id],
  );
const find = (model: Model, { webhookId, eventId }: Kept) =>
  model.deliveries.find((each) => each.webhook.id === webhookId && each.eventId === eventId);

async function expectSame(model: Model, real: Real): Promise<void> {
  const rows = await kept(real);
  expect(rows).toHaveLength(model.deliveries.length);
  for (const row of rows) {
    const { state, attempts, next } = find(model, row) as ModelDelivery;
    expect([row.state, row.attempts, row.next?.getTime() ?? null]).toEqual([state, attempts, next]);
    seen.add(state);
  }
  const statuses = await core.db.query<{ id: string; status: string }>(
    'select id, status from webhooks where owner_id = $1',
    [real.owner.agent.id],
  );
  const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
  expect(statuses.sort(byId)).toEqual(model.webhooks.map(({ id, status }) => ({ id, status })).sort(byId));
  model.webhooks.forEach(({ status }) => seen.add(status));
}

const happen = (name: string) =>
  command<Model, Real>(name, async (model, { owner }) => {
    const { id: subject } = owner.agent;
    const type = eventTypes.find((each) => each.name === name) as (typeof eventTypes)[number];
    const event = { subject, audience: [{ id: subject }], object: {} as never };
    const emitted = await core.db.tx((tx) => events.emit(core, tx, type, event));
    model.unread.push({ id: emitted.id, type: name });
  });

const create = (pattern: string) =>
  command<Model, Real>(
    `webhook for ${pattern}`,
    async (model, real) => {
      const { principal } = real.owner;
      const request = { principal, url: 'https://receiver.example/hook', events: [pattern], known };
      const { webhook, secret } = await webhooks.create(core, request);
      model.webhooks.push({ id: webhook.id, events: pattern, status: 'active', secret });
      await expectSame(model, real);
    },
    (model) => model.webhooks.length < 4,
  );

function onWebhook(
  name: string,
  pick: number,
  run: (
    webhook: ModelWebhook,
    of: { principal: SignedIn['principal']; webhookId: string },
    model: Model,
  ) => Promise<void>,
) {
  return command<Model, Real>(
    `${name} ${pick}`,
    async (model, real) => {
      const webhook = model.webhooks[pick % model.webhooks.length] as ModelWebhook;
      await run(webhook, { principal: real.owner.principal, webhookId: webhook.id }, model);
      await expectSame(model, real);
    },
    (model) => model.webhooks.length > 0,
  );
}

const remove = (pick: number) =>
  onWebhook('delete', pick, async (webhook, of, model) => {
    await webhooks.remove(core, of);
    webhook.status = 'deleted';
    endPending(model, webhook);
  });

const rotate = (pick: number) =>
  onWebhook('rotate', pick, async (webhook, of, model) => {
    const rotating = webhooks.rotateSecret(core, of);
    expect(await kindOf(rotating)).toBe(webhook.status === 'deleted' ? 'conflict' : undefined);
    if (webhook.status === 'deleted') return;
    webhook.former = { secret: webhook.secret, until: model.now + OVERLAP_MS };
    webhook.secret = (await rotating).secret;
    webhook.status = 'active';
  });

const sendTest = (pick: number) =>
  onWebhook('test', pick, async (webhook, of, model) => {
    const testing = webhooks.sendTest(core, of);
    expect(await kindOf(testing)).toBe(webhook.status === 'deleted' ? 'conflict' : undefined);
    if (webhook.status === 'deleted') return;
    deliverTo(model, webhook, (await testing).eventId);
    dispatched(model);
    await dispatch();
  });

const replay = (pick: number) =>
  command<Model, Real>(
    `replay ${pick}`,
    async (model, real) => {
      const rows = (await kept(real)).sort((a, b) => (a.id < b.id ? -1 : 1));
      const row = rows[pick % rows.length] as Kept;
      const delivery = find(model, row) as ModelDelivery;
      const { principal } = real.owner;
      const replaying = webhooks.replay(core, { principal, webhookId: row.webhookId, deliveryId: row.id });
      const deleted = delivery.webhook.status === 'deleted';
      expect(await kindOf(replaying)).toBe(deleted ? 'conflict' : undefined);
      if (!deleted) Object.assign(delivery, { state: 'pending', attempts: 0, next: model.now });
      await expectSame(model, real);
    },
    (model) => model.deliveries.length > 0,
  );

async function dispatch(): Promise<void> {
  while ((await webhooks.dispatch(core, { limit: 100 })) > 0);
}

/** One attempt of each delivery that is due, in the order in which they are made. */
async function attemptAll(model: Model, real: Real, script: readonly Reply[]): Promise<void> {
  for (let n = 0; ; n++) {
    const answer = script[n % script.length] as Reply;
    sent = [];
    respond = async () => attemptOf[answer];
    const before = await kept(real);
    const due = model.deliveries.filter(isDue(model)).length;
    const [attempt] = await webhooks.startDue(core, { limit: 1 });
    expect(attempt !== undefined).toBe(due > 0);
    if (!attempt) return;
    await attempt;
    const changed = (await kept(real)).filter(
      (row) => row.attempts > (before.find(({ id }) => id === row.id)?.attempts as number),
    );
    expect(changed).toHaveLength(1);
    const [row] = changed as [Kept];
    const delivery = find(model, row) as ModelDelivery;
    expect(isDue(model)(delivery)).toBe(true);
    delivery.attempts++;
    if (delivery.webhook.status !== 'active') {
      expect(sent).toEqual([]);
      Object.assign(delivery, { state: 'dead', next: null, claimedUntil: 0 });
      continue;
    }
    expect(sent.map(idsOf)).toEqual([[delivery.eventId, row.id]]);
    expectSigned(model, delivery, sent[0] as Sent);
    delivery.received ||= answer !== 'nothing';
    const [least, most] = after(model, delivery, answer);
    if (delivery.state !== 'pending') continue;
    const wait = (row.next as Date).getTime() - model.now;
    expect(wait).toBeGreaterThanOrEqual(least);
    expect(wait).toBeLessThanOrEqual(most);
    delivery.next = model.now + wait;
  }
}

const work = (script: readonly Reply[]) =>
  command<Model, Real>(`work: ${script.join()}`, async (model, real) => {
    dispatched(model);
    await dispatch();
    await attemptAll(model, real, script);
    await expectSame(model, real);
  });

/** The receiver fails until a delivery is given up. */
const giveUp = command<Model, Real>('fail until given up', async (model, real) => {
  for (let n = 0; n < MOST_ATTEMPTS; n++) {
    await work(['fails']).run(model, real);
    await wait(MOST_WAIT_MS).run(model, real);
  }
});

/** An instance sends what is due and hangs before it writes down what came of it. */
const hang = command<Model, Real>('hang in an attempt', async (model, real) => {
  dispatched(model);
  await dispatch();
  const due = model.deliveries.filter(isDue(model));
  if (due.length === 0 || due.some(({ webhook }) => webhook.status !== 'active')) return;
  let hear = () => {};
  sent = [];
  respond = () => new Promise((resolve) => (hear = () => resolve({ status: 200 })));
  const [attempt] = (await webhooks.startDue(core, { limit: 1 })) as [Promise<unknown>];
  await eventually(() => expect(sent).toHaveLength(1));
  const [eventId, id] = idsOf(sent[0] as Sent);
  const row = (await kept(real)).find((each) => each.id === id) as Kept;
  const delivery = find(model, row) as ModelDelivery;
  expect([delivery.eventId, isDue(model)(delivery)]).toEqual([eventId, true]);
  delivery.attempts++;
  delivery.claimedUntil = model.now + CLAIM_MS;
  delivery.received = true;
  await expectSame(model, real);
  // Its claim lapses before it hears: another attempt is made, whose outcome stands.
  await wait(CLAIM_MS).run(model, real);
  await attemptAll(model, real, ['fails']);
  hear();
  await attempt;
  await expectSame(model, real);
});

const wait = (ms: number) =>
  command<Model, Real>(`wait ${ms}`, async (model) => {
    model.now += ms;
    clock.advance(ms);
  });

/** What a sequence that failed left behind is nobody's any more. */
async function setUp(): Promise<{ model: Model; real: Real }> {
  await core.db.query(`update webhooks set status = 'deleted'`);
  await core.db.query(`update webhook_deliveries set state = 'dead', next_at = null`);
  await dispatch();
  const owner = await signedIn(core, 'Owner');
  return { model: { now: clock.now(), webhooks: [], unread: [], deliveries: [] }, real: { owner } };
}

/** Whatever happened: receivers that live have had every event that was for them, in the end. */
async function finish(model: Model, real: Real): Promise<void> {
  await wait(MOST_WAIT_MS).run(model, real);
  await work(['ok']).run(model, real);
  for (const { state, received } of model.deliveries)
    if (state === 'delivered') expect(received).toBe(true);
    else expect(state).toBe('dead');
}

it('webhooks agree with the model, whatever happens, fails, ends, dies and is sent again, in whatever order', async () => {
  // The embedded database holds back no event for the sake of other suites.
  const db = await ownDb();
  try {
    const receivers = {
      assertAllowed: () => undefined,
      post: (request: Sent) => {
        sent.push(request);
        return respond(request);
      },
    };
    ({ core, clock } = await testCore(db, { random: seededRandom(1), receivers }));
    const pick = fc.nat(5);
    const script = fc.array(fc.constantFrom(...answers), { minLength: 1, maxLength: 4 });
    const name = fc.constantFrom(payment, payout);
    const commands = [
      name.map(happen),
      name.map(happen),
      fc.constantFrom('*', 'payment.*', payment, payout).map(create),
      fc.constant(create('*')),
      pick.map(remove),
      pick.map(rotate),
      pick.map(sendTest),
      pick.map(replay),
      script.map(work),
      script.map(work),
      fc.constant(work(['is gone'])),
      fc.constant(giveUp),
      fc.constant(hang),
      fc.constant(hang),
      fc.constantFrom(10_000, CLAIM_MS, 900_000, MOST_WAIT_MS, OVERLAP_MS).map(wait),
    ];
    await playSequences(commands, { setUp, finish, runs: 8, length: 30 });
    // Chance may leave it out that a receiver which lives says it is gone.
    const { model, real } = await setUp();
    for (const step of [create('*'), happen(payment), work(['is gone'])]) await step.run(model, real);
    await finish(model, real);
    expect([...seen].sort()).toEqual(['active', 'dead', 'deleted', 'delivered', 'disabled', 'pending']);
  } finally {
    await db.close();
  }
});
