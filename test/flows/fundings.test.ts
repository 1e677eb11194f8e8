import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { gateways, identity, ledger, type Core } from '@agentpay/core';
import { manualClock, systemRandom } from '@agentpay/primitives';
import { compose, createApp, createLogger, migrations, readConfig, type Composition } from '@agentpay/server';
import { scratchDb, type ScratchDb } from '@agentpay/storage';
import fc from 'fast-check';
import { Writable } from 'node:stream';

const ADMIN_KEY = 'operator-key-for-the-tests-0123456789';
const SECRET = 'whsec_0123456789abcdefghijklmnop';
const clock = manualClock(Date.UTC(2026, 4, 8, 13));
const AMOUNT = 100_000_000n;

/** Two replicas on one database. */
interface Replica {
  readonly url: string;
  readonly composition: Composition;
  close(): Promise<void>;
}

let scratch: ScratchDb;
let replicas: readonly [Replica, Replica];
let core: Core;

async function replica(): Promise<Replica> {
  const config = readConfig({
    ADMIN_KEY,
    DATABASE_URL: scratch.url,
    JWT_SECRET: 'secret-of-the-tests-that-signs-0123456789',
    STRIPE_WEBHOOK_SECRET: SECRET,
    RATE_LIMIT_PER_MINUTE: '1000000',
    RATE_LIMIT_BURST: '1000000',
  });
  const log = createLogger('silent', new Writable({ write: (_chunk, _encoding, done) => done() }));
  const composition = await compose(config, {
    log,
    baseUrl: () => 'http://api.test',
    clock,
    random: systemRandom,
  });
  const server = createApp(composition, config).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    composition,
    async close() {
      await new Promise((resolve) => server.close(resolve));
      await composition.close();
    },
  };
}

beforeAll(async () => {
  scratch = await scratchDb({ server: process.env['DATABASE_URL'] as string, migrations });
  replicas = [await replica(), await replica()];
  ({ core } = replicas[0].composition);
});
afterEach(async () => expect(await ledger.verifyLedger(core.db)).toEqual([]));
afterAll(async () => {
  await Promise.all(replicas.map((each) => each.close()));
  await scratch.close();
});

async function call(path: string, { key, body, by = 0 }: { key?: string; body?: unknown; by?: 0 | 1 } = {}) {
  const response = await fetch(replicas[by].url + path, {
    headers: { 'content-type': 'application/json', ...(key && { 'x-gateway-key': key }) },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, never> };
}

async function newGateway(): Promise<string> {
  const response = await fetch(`${replicas[0].url}/admin/gateways`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-admin-key': ADMIN_KEY },
    body: JSON.stringify({ name: 'Acme' }),
  });
  return ((await response.json()) as { gateway_key: string }).gateway_key;
}

/** A gateway that has asked for 100.00 by card. */
async function asked() {
  const key = await newGateway();
  const { body } = await call('/gateway/fund', { key, body: { amount_usdc: '100.00', source: 'stripe' } });
  const fundingId = body['funding_id'] as unknown as string;
  const balance = async () => {
    const { body: shown } = await call('/gateway/balance', { key });
    return [shown['available_usdc'], shown['pending_usdc']];
  };
  const status = async () => (await call(`/gateway/fundings/${fundingId}`, { key })).body['status'];
  return { key, fundingId, balance, status, first: body['status'] };
}

let events = 0;

function event(type: string, fundingId: string, more: object = {}) {
  const object = { amount: 10_000, currency: 'usd', metadata: { funding_id: fundingId }, ...more };
  return { id: `evt_${++events}`, type, data: { object } };
}

function sign(body: string, { secret = SECRET, ageSeconds = 0 } = {}): string {
  const time = Math.floor(clock.now() / 1000) - ageSeconds;
  return `t=${time},v1=${createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')}`;
}

async function deliver(said: object, { by = 0, header }: { by?: 0 | 1; header?: string } = {}) {
  const body = JSON.stringify(said, null, 1);
  const response = await fetch(`${replicas[by].url}/stripe/webhook`, {
    method: 'POST',
    headers: { 'stripe-signature': header ?? sign(body), 'content-type': 'application/json' },
    body,
  });
  return { status: response.status, body: (await response.json()) as { received?: boolean; code?: string } };
}

const received = { status: 200, body: { received: true } };

describe('a funding by card', () => {
  it('is pending until Stripe says that it came, and available then', async () => {
    const { fundingId, first, balance, status } = await asked();
    expect([first, await balance()]).toEqual(['processing', ['0.00', '100.00']]);
    expect(await deliver(event('charge.succeeded', fundingId))).toEqual(received);
    expect([await status(), await balance()]).toEqual(['settled', ['100.00', '0.00']]);
  });

  it('is credited once when one event comes 20 times on two replicas', async () => {
    const { fundingId, balance } = await asked();
    const said = event('charge.succeeded', fundingId);
    const responses = await Promise.all(
      Array.from({ length: 20 }, (_, i) => deliver(said, { by: (i % 2) as 0 | 1 })),
    );
    expect(responses).toEqual(Array.from({ length: 20 }, () => received));
    expect(await balance()).toEqual(['100.00', '0.00']);
  });

  it('ends the same in whatever order and however often news of it come', async () => {
    const kinds = ['charge.succeeded', 'payment_intent.succeeded', 'charge.failed', 'charge.updated'];
    const histories = fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(histories, fc.boolean(), async (types, atOnce) => {
        const { fundingId, balance, status } = await asked();
        const send = (type: string, i: number) => deliver(event(type, fundingId), { by: (i % 2) as 0 | 1 });
        if (atOnce) await Promise.all(types.map(send));
        else for (const [i, type] of types.entries()) await send(type, i);
        const came = types.some((type) => type.endsWith('succeeded'));
        const failed = !came && types.includes('charge.failed');
        expect(await status()).toBe(came ? 'settled' : failed ? 'failed' : 'processing');
        expect(await balance()).toEqual([came ? '100.00' : '0.00', came || failed ? '0.00' : '100.00']);
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    ['another amount', { amount: 9_999 }],
    ['another currency', { currency: 'eur' }],
    ['a funding that nobody has', { metadata: { funding_id: 'fund_01kb3x9v7f5m2q8r4t6w0y1z3x' } }],
    ['no funding', { metadata: {} }],
  ])('is not credited by an event about %s, which is received all the same', async (_, more) => {
    const { fundingId, balance } = await asked();
    expect(await deliver(event('charge.succeeded', fundingId, more))).toEqual(received);
    expect(await balance()).toEqual(['0.00', '100.00']);
  });

  it('is not credited by an event that is not signed, signed by another, changed or older than 300 seconds', async () => {
    const { fundingId, balance } = await asked();
    const said = event('charge.succeeded', fundingId);
    const body = JSON.stringify(said, null, 1);
    const headers = [
      '',
      't=1,v1=00',
      sign(body, { secret: 'whsec_another0000000000000' }),
      sign(`${body} `),
      sign(body, { ageSeconds: 301 }),
      sign(body, { ageSeconds: -301 }),
      sign(body).replace('v1=', 'v0='),
    ];
    for (const header of headers)
      expect(await deliver(said, { header })).toMatchObject({ status: 401, body: { code: 'AUTH_FAILED' } });
    expect(await balance()).toEqual(['0.00', '100.00']);
    expect(await deliver(said, { header: sign(body, { ageSeconds: 299 }) })).toEqual(received);
    expect(await balance()).toEqual(['100.00', '0.00']);
  });

  it('takes the event that the documents show, which is about nothing', async () => {
    expect(await deliver({ id: 'evt_123', type: 'charge.succeeded' })).toEqual(received);
    const body = '{"id":';
    const response = await fetch(`${replicas[0].url}/stripe/webhook`, {
      method: 'POST',
      headers: { 'stripe-signature': sign(body) },
      body,
    });
    expect(response.status).toBe(400);
  });

  it('of a processor that refuses it fails, and one that says nothing is asked again', async () => {
    const key = await newGateway();
    const principal = await gatewayOf(key);
    const said: gateways.CollectionOutcome[] = [
      { status: 'refused', reason: 'card_declined' },
      { status: 'unknown' },
      { status: 'open', reference: 'pi_1', clientSecret: 'pi_1_secret' },
    ];
    const ids: string[] = [];
    const cards: gateways.CardCollector = {
      accepts: () => undefined,
      async collect({ id, gatewayId }) {
        // Fundings of other tests wait, too.
        if (gatewayId !== principal.party.id) return { status: 'unknown' };
        ids.push(id);
        return said.shift() as gateways.CollectionOutcome;
      },
    };
    const withCards: Core = { ...core, ports: { ...core.ports, cards } };
    const fund = () => gateways.fund(withCards, { principal, amount: AMOUNT, source: 'stripe' });
    expect(await fund()).toMatchObject({ status: 'failed', failure: 'card_declined' });
    const silent = await fund();
    expect(silent).toMatchObject({ status: 'processing', reference: null });
    clock.advance(60_000);
    await gateways.collectDue(withCards, { limit: 100 });
    expect(ids.slice(1)).toEqual([silent.id, silent.id]);
    const { reference } = await gateways.getFunding(core, { principal, fundingId: silent.id });
    expect(reference).toBe('pi_1');
    const charge = { metadata: {}, payment_intent: 'pi_1' };
    await deliver(event('charge.succeeded', silent.id, charge));
    expect(await gateways.balance(core, principal)).toEqual({ available: AMOUNT, held: 0n, pending: 0n });
  });
});

function gatewayOf(secret: string): Promise<identity.Principal> {
  return identity.authenticate(core, { accepts: ['gateway'], secret });
}
