import { createHmac } from 'node:crypto';
import { eventTypes, events, tokens, webhooks, type Core, type WebhookPorts } from '@agentpay/core';
import type { Db, ManualClock } from '@agentpay/primitives';
import { eventually } from '@agentpay/testing';
import { Webhook } from 'standardwebhooks';
import { market, ownDb, signedIn, testCore, type SignedIn } from './market.js';

type Post = WebhookPorts['receivers']['post'];
type Sent = Parameters<Post>[0];

const known = eventTypes.map(({ name }) => name);
const url = 'https://receiver.example/hook';

let db: Db;
let core: Core;
let clock: ManualClock;
let owner: SignedIn;
let sent: Sent[];
let respond: (sent: Sent) => ReturnType<Post>;

beforeEach(async () => {
  db = await ownDb();
  sent = [];
  respond = async () => ({ status: 200 });
  const receivers = {
    assertAllowed: () => undefined,
    post: (request: Sent) => {
      sent.push(request);
      return respond(request);
    },
  };
  ({ core, clock } = await testCore(db, { receivers }));
  owner = await signedIn(core, 'Owner');
});
afterEach(() => db.close());

const register = (names: string[] = ['*'], by = owner) =>
  webhooks.create(core, { principal: by.principal, url, events: names, known });

const happen = () =>
  db.tx((tx) =>
    events.emit(
      core,
      tx,
      eventTypes.find(({ name }) => name === 'webhook.test') as (typeof eventTypes)[number],
      {
        subject: owner.agent.id,
        audience: [{ id: owner.agent.id }],
        object: { id: 'x', url },
      },
    ),
  );

/** Reads the outbox to its end. Transactions of other tests on this server may hold events back for a moment. */
async function dispatchAll(): Promise<void> {
  await eventually(async () => {
    await webhooks.dispatch(core, { limit: 100 });
    const [left] = await db.query<{ n: bigint }>(
      `select count(*) as n from events, webhook_position p
       where (events.transaction, events.sequence) > (p.transaction::xid8, p.sequence)`,
    );
    expect(left?.n).toBe(0n);
  });
}

/** Makes every attempt that is due. */
async function work(): Promise<void> {
  await dispatchAll();
  for (let started = 1; started > 0;) {
    const attempts = await webhooks.startDue(core, { limit: 100 });
    started = attempts.length;
    await Promise.all(attempts);
  }
}

const log = async (webhookId: string) =>
  (await webhooks.listDeliveries(core, { principal: owner.principal, webhookId })).deliveries;

describe('a delivery', () => {
  it('tells the parties of a payment what happened, signed three ways', async () => {
    // the official library compares the timestamp with the clock of the machine
    clock.advance(Date.now() - clock.now());
    const { seller, buyer, service } = await market(core);
    const { secret } = await register(['payment.*'], seller);
    await register(['token.reserved', 'token.settled'], buyer);
    const { signed } = await tokens.authorize(core, {
      principal: buyer.principal,
      serviceId: service.id,
      walletId: buyer.walletId,
    });
    const { token } = await tokens.verify(core, { principal: seller.principal, token: signed });
    const step = { principal: seller.principal, tokenId: token.id };
    await tokens.callStarted(core, step);
    await tokens.callAccepted(core, step);
    await tokens.callCompleted(core, step);
    await work();

    expect(sent.map(({ body }) => (JSON.parse(body) as { type: string }).type).sort()).toEqual([
      'payment.completed',
      'token.reserved',
      'token.settled',
    ]);
    const { headers, body } = sent.find((request) => request.body.includes('payment.completed')) as Sent;
    const event = JSON.parse(body) as { id: string; created: string; data: { object: { amount: string } } };
    expect(event).toMatchObject({
      created: new Date(clock.now()).toISOString(),
      data: { object: { id: expect.stringMatching(/^tx_/) } },
    });
    const hex = createHmac('sha256', secret).update(body).digest('hex');
    expect([headers['x-agentpay-signature'], headers['x-webhook-signature'], headers['webhook-id']]).toEqual([
      hex,
      hex,
      event.id,
    ]);
    expect(new Webhook(secret).verify(body, headers)).toEqual(event);
    expect(() => new Webhook(secret).verify(`${body} `, headers)).toThrow();
  });

  it('is made once per event, also when several instances read the outbox at once', async () => {
    await register();
    for (let n = 0; n < 20; n++) await happen();
    await Promise.all([1, 2, 3, 4].map(work));
    await work();
    expect(sent).toHaveLength(20);
    expect(new Set(sent.map(({ headers }) => headers['webhook-id'])).size).toBe(20);
  });

  it('is not made for events of others, from before, or of a webhook that was deleted', async () => {
    await happen();
    await dispatchAll();
    const stranger = await signedIn(core, 'Stranger');
    const { webhook } = await register();
    await register(['*'], stranger);
    await webhooks.remove(core, { principal: owner.principal, webhookId: webhook.id });
    await webhooks.remove(core, { principal: owner.principal, webhookId: webhook.id });
    await happen();
    await work();
    expect(sent).toEqual([]);
  });
});

describe('a receiver', () => {
  it('that fails is asked eight times with growing pauses, with the same id and body, and then no more', async () => {
    const { webhook } = await register();
    await happen();
    respond = async () => ({ status: 500 });
    const pauses: number[] = [];
    let last = clock.now();
    for (let minutes = 0; minutes < 120 && sent.length < 8; minutes++) {
      const before = sent.length;
      await work();
      if (sent.length > before && before > 0) pauses.push(clock.now() - last);
      if (sent.length > before) last = clock.now();
      clock.advance(5_000);
    }
    for (let n = 0; n < 100; n++) {
      clock.advance(600_000);
      await work();
    }
    expect(sent).toHaveLength(8);
    expect(pauses[0]).toBeLessThanOrEqual(30_000);
    expect(pauses.every((pause, n) => n === 0 || pause > (pauses[n - 1] as number))).toBe(true);
    expect(new Set(sent.map(({ headers, body }) => headers['webhook-id'] + body)).size).toBe(1);
    expect(await log(webhook.id)).toMatchObject([
      { state: 'dead', attempts: 8, lastStatus: 500, nextAt: null },
    ]);
  });

  it('that asks for time gets it', async () => {
    await register();
    await happen();
    respond = async () => ({ status: 429, retryAfterMs: 120_000 });
    await work();
    clock.advance(119_000);
    await work();
    expect(sent).toHaveLength(1);
    clock.advance(1_000);
    await work();
    expect(sent).toHaveLength(2);
  });

  it('that is gone (410) is told nothing more until its owner starts it again', async () => {
    const { webhook } = await register();
    await happen();
    respond = async () => ({ status: 410 });
    await work();
    await happen();
    await work();
    expect(sent).toHaveLength(1);
    const principal = owner.principal;
    expect(await webhooks.get(core, { principal, webhookId: webhook.id })).toMatchObject({
      status: 'disabled',
    });
    await webhooks.rotateSecret(core, { principal, webhookId: webhook.id });
    respond = async () => ({ status: 200 });
    await happen();
    await work();
    expect(sent).toHaveLength(2);
  });

  it('that is slow holds four of its own, and delays no other', async () => {
    const release: (() => void)[] = [];
    const slow = await register();
    for (let n = 0; n < 10; n++) await happen();
    await dispatchAll();
    respond = () => new Promise((resolve) => release.push(() => resolve({ status: 200 })));
    const first = await webhooks.startDue(core, { limit: 100 });
    expect(first).toHaveLength(4);
    expect(await webhooks.startDue(core, { limit: 100 })).toHaveLength(0);
    await eventually(() => expect(sent).toHaveLength(4));
    respond = async () => ({ status: 200 });
    await register(['webhook.test']);
    await happen();
    await dispatchAll();
    const second = await webhooks.startDue(core, { limit: 100 });
    await Promise.all(second);
    expect(second).toHaveLength(1);
    for (const open of release) open();
    await Promise.all(first);
    expect((await log(slow.webhook.id)).filter(({ state }) => state === 'delivered')).toHaveLength(4);
  });

  it('is asked again by another instance when the first one died over it', async () => {
    await register();
    await happen();
    respond = () => new Promise(() => undefined);
    await dispatchAll();
    await webhooks.startDue(core, { limit: 100 });
    await eventually(() => expect(sent).toHaveLength(1));
    respond = async () => ({ status: 200 });
    await work();
    expect(sent).toHaveLength(1);
    clock.advance(30_001);
    await work();
    expect(sent.map(({ headers }) => headers['webhook-id'])).toEqual([
      sent[0]?.headers['webhook-id'],
      sent[0]?.headers['webhook-id'],
    ]);
  });
});

describe('the owner', () => {
  it('sees what was sent and sends it again', async () => {
    const { webhook } = await register();
    const principal = owner.principal;
    const test = await webhooks.sendTest(core, { principal, webhookId: webhook.id });
    respond = async () => ({ error: 'There is no connection to receiver.example (ECONNREFUSED).' });
    await work();
    const [failed] = await log(webhook.id);
    expect(failed).toMatchObject({
      id: test.id,
      state: 'pending',
      attempts: 1,
      lastError: expect.stringContaining('no connection'),
    });
    respond = async () => ({ status: 204 });
    await webhooks.replay(core, { principal, webhookId: webhook.id, deliveryId: test.id });
    await work();
    expect(await log(webhook.id)).toMatchObject([{ state: 'delivered', attempts: 1, lastStatus: 204 }]);
  });

  it('rotates the secret: for a day both sign the standard header', async () => {
    const { webhook, secret } = await register();
    const rotated = await webhooks.rotateSecret(core, { principal: owner.principal, webhookId: webhook.id });
    const signatures = async () => {
      await happen();
      await work();
      return (sent.at(-1) as Sent).headers['webhook-signature']?.split(' ').length;
    };
    expect(rotated.secret).not.toBe(secret);
    expect(await signatures()).toBe(2);
    clock.advance(24 * 60 * 60 * 1000);
    expect(await signatures()).toBe(1);
  });

  it('keeps secrets sealed in the database', async () => {
    const { secret } = await register();
    const rows = await db.query<{ secret: string }>('select secret from webhooks');
    expect(rows[0]?.secret).not.toContain(secret.slice('whsec_'.length));
  });

  it.each([
    ['no events', []],
    ['an event that does not exist', ['payment.exploded']],
    ['a pattern that matches nothing', ['nothing.*']],
    ['a pattern in the middle', ['*.completed']],
  ])('is refused %s', async (_, names) => {
    await expect(register(names)).rejects.toMatchObject({ kind: 'invalid_request', param: 'events' });
  });

  it('has at most twenty webhooks', async () => {
    for (let n = 0; n < 20; n++) await register();
    await expect(register()).rejects.toMatchObject({ kind: 'conflict', reason: 'too_many_webhooks' });
  });
});
