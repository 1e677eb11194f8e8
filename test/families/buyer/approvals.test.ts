import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { approvals, jobs, purchases, type Job } from '@agentpay/core';
import { createApiClient } from '@agentpay/sdk';
import { createApp, eventStreams } from '@agentpay/server';
import { eventually } from '@agentpay/testing';
import { listenTo } from '../listenTo.js';
import { paperShop } from '../paperShop.js';
import { signedIn, type Browser } from '../signedIn.js';
import { testApi, type TestApi } from '../testApi.js';

/** A payment of an agent above its threshold waits for its owner, and then is exactly what was asked for. */
let api: TestApi;
let owner: Browser;
const rates = { perMinute: 1_000_000, burst: 1_000_000 };
const config = { trustProxyHops: 0, rateLimit: rates, production: false };

beforeAll(async () => {
  const settings = { DEV_SIGN_IN: 'true', OUTBOUND_LOOPBACK: 'true', APPROVAL_TTL_SECONDS: '3600' };
  api = await testApi(settings, { demo: paperShop, reachable: true });
  owner = await signedIn(api, 'owner');
});

afterAll(() => api.close());

interface Buyer {
  readonly id: string;
  readonly key: string;
}

type Body = Record<string, unknown>;

async function asOwner(
  path: string,
  body: object = {},
  who = owner,
): Promise<{ status: number; body: Body }> {
  const answer = await api.http.post(path).set(who.writes).send(body);
  return { status: answer.status, body: answer.body as Body };
}

async function newBuyer(): Promise<Buyer> {
  const { body: agent } = await asOwner('/api/agents', { name: 'Buyer' });
  const id = String(agent['id']);
  const { body } = await asOwner(`/api/agents/${id}/api-keys`);
  const rule = { type: 'approval_over', params: { amount: '0.009999' } };
  expect(await asOwner(`/api/agents/${id}/policy-rules`, rule)).toMatchObject({ status: 201 });
  return { id, key: String(body['key']) };
}

async function pay(buyer: Buyer, body: object = {}, key?: string) {
  const answer = await api.http
    .post(`/api/agents/${buyer.id}/pay`)
    .set({ 'x-agent-key': buyer.key, ...(key && { 'idempotency-key': key }) })
    .send({ sellerUrl: `${api.url}/api/demo/seller`, ...body });
  return { status: answer.status, body: answer.body as Body };
}

const pathOf = ({ id }: Buyer, { body }: { body: Body }) =>
  `/api/agents/${id}/approvals/${String(body['approval_id'])}`;
const read = async (buyer: Buyer, path: string) =>
  (await api.http.get(path).set('x-agent-key', buyer.key).expect(200)).body as Body;
const work = () => purchases.work(api.composition.core, { limit: 100 });
const job = (name: string) => jobs.find((each) => each.name === name) as Job;

/** The demo seller, with a note of everything that it was asked. */
async function listeningSeller() {
  const asked: (Pick<IncomingMessage, 'method' | 'headers'> & { body: string })[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const { method, headers } = request;
      asked.push({ method, headers, body: Buffer.concat(chunks).toString() });
      const paying = headers['payment-signature'];
      const answer = await fetch(`${api.url}/api/demo/seller?protocol=x402`, {
        headers: paying === undefined ? {} : { 'payment-signature': String(paying) },
      });
      const fields = ['content-type', 'payment-required', 'payment-response'].flatMap((name) => {
        const value = answer.headers.get(name);
        return value === null ? [] : [[name, value] as const];
      });
      response.writeHead(answer.status, Object.fromEntries(fields));
      response.end(Buffer.from(await answer.arrayBuffer()));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/report`,
    asked,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('a payment above the threshold', () => {
  it('waits with 202, and once approved goes on by itself with exactly the call that was asked for', async () => {
    const [buyer, seller] = [await newBuyer(), await listeningSeller()];
    const call = { sellerUrl: seller.url, method: 'POST', headers: { 'x-trace': 'abc' }, body: '{"q":1}' };
    const waits = await pay(buyer, call);
    expect(waits).toEqual({
      status: 202,
      body: {
        success: false,
        status: 'pending_approval',
        approval_id: expect.stringMatching(/^apr_/),
        amount: '0.01',
        expiresAt: '2026-05-08T14:00:00Z',
      },
    });
    const path = pathOf(buyer, waits);
    expect(await read(buyer, path)).toMatchObject({
      status: 'pending',
      outcome: 'waiting',
      amount: '0.01',
      method: 'POST',
      sellerUrl: seller.url,
      result: null,
    });
    await work();
    expect(await read(buyer, path)).toMatchObject({ outcome: 'waiting' });
    expect(await asOwner(`${path}/approve`, { note: 'Go on.' })).toMatchObject({
      status: 200,
      body: { status: 'approved', note: 'Go on.' },
    });
    await work();
    expect(await read(buyer, path)).toMatchObject({
      status: 'approved',
      outcome: 'paid',
      reason: null,
      result: {
        success: true,
        sellerResponse: { symbol: 'ETH/USD' },
        payment: { protocol: 'x402', amount: '0.01', transactionId: expect.stringMatching(/^tx_/) },
      },
    });
    expect(seller.asked.length).toBe(3);
    for (const { method, headers, body } of seller.asked)
      expect([method, headers['x-trace'], body]).toEqual(['POST', 'abc', '{"q":1}']);
    expect(seller.asked.filter(({ headers }) => headers['payment-signature'] !== undefined).length).toBe(1);
    // Once: neither the decision nor the work makes another payment of it.
    await asOwner(`${path}/approve`);
    await work();
    expect(seller.asked.length).toBe(3);
    await seller.close();
  });

  it('is asked for again under its key: it waits, and then is the response', async () => {
    const buyer = await newBuyer();
    const [first, second] = [await pay(buyer, {}, 'once'), await pay(buyer, {}, 'once')];
    expect(second).toEqual(first);
    await asOwner(`${pathOf(buyer, first)}/approve`);
    const paid = await pay(buyer, {}, 'once');
    expect(paid).toMatchObject({ status: 200, body: { success: true } });
    await work();
    expect((await read(buyer, pathOf(buyer, first)))['result']).toEqual(paid.body);
  });

  it('ends when its owner rejects it', async () => {
    const buyer = await newBuyer();
    const waits = await pay(buyer, {}, 'k');
    const path = pathOf(buyer, waits);
    expect(await asOwner(`${path}/reject`, { note: 'Too dear.' })).toMatchObject({
      status: 200,
      body: { status: 'rejected' },
    });
    expect(await asOwner(`${path}/approve`)).toMatchObject({
      status: 409,
      body: { code: 'approval_wrong_state' },
    });
    await work();
    expect(await read(buyer, path)).toMatchObject({ outcome: 'failed', reason: 'approval_rejected' });
    expect(await pay(buyer, {}, 'k')).toMatchObject({ status: 403, body: { success: false } });
  });

  it('ends when nobody decides in time', async () => {
    const buyer = await newBuyer();
    const path = pathOf(buyer, await pay(buyer));
    api.clock.advance(3_600_000);
    await job('purchases.wake').run(api.composition.core);
    await work();
    expect(await read(buyer, path)).toMatchObject({ outcome: 'failed', reason: 'approval_expired' });
    expect((await asOwner(`${path}/approve`)).status).toBe(409);
  });

  it('ends when the seller asks for something else meanwhile: nothing is signed', async () => {
    const buyer = await newBuyer();
    const { composition } = api;
    const seller = await listeningSeller();
    const path = pathOf(buyer, await pay(buyer, { sellerUrl: `${seller.url}` }));
    await seller.close();
    await asOwner(`${path}/approve`);
    await work();
    // Not reachable: tried again for a while, and then it is over.
    expect(await read(buyer, path)).toMatchObject({ outcome: 'in_progress' });
    api.clock.advance(15 * 60_000);
    await work();
    expect(await read(buyer, path)).toMatchObject({ outcome: 'failed', reason: 'connection_failed' });
    expect(
      await composition.core.db.query(
        `select 1 from purchases where sealed_proof is not null and party_id = $1`,
        [buyer.id],
      ),
    ).toEqual([]);
  });

  it('goes on although whoever decided told nobody: the operator, or another instance that died', async () => {
    const buyer = await newBuyer();
    const waits = await pay(buyer);
    const party = { id: 'platform', kind: 'platform' } as const;
    const principal = { party, scopes: [], credentialId: 'operator' };
    const approvalId = String(waits.body['approval_id']);
    await approvals.approve(api.composition.core, { principal, approvalId });
    await job('purchases.wake').run(api.composition.core);
    await work();
    expect(await read(buyer, pathOf(buyer, waits))).toMatchObject({ outcome: 'paid' });
  });

  it('is decided by the owner alone: neither by the agent, nor by somebody else, nor under another agent', async () => {
    const [buyer, other] = [await newBuyer(), await newBuyer()];
    const waits = await pay(buyer);
    const path = pathOf(buyer, waits);
    const byAgent = await api.http.post(`${path}/approve`).set('x-agent-key', buyer.key).send({});
    expect(byAgent.status).toBe(401);
    const stranger = await signedIn(api, 'stranger');
    expect((await asOwner(`${path}/approve`, {}, stranger)).status).toBe(404);
    expect((await asOwner(pathOf(other, waits) + '/approve')).status).toBe(404);
    expect(await read(buyer, path)).toMatchObject({ status: 'pending' });
  });
});

describe('the events of an agent', () => {
  it('are read as a stream, on from the last one, by its key, its owner, and the SDK', async () => {
    const buyer = await newBuyer();
    const path = `/api/agents/${buyer.id}/events`;
    await asOwner(`/api/agents/${buyer.id}/policy-rules`, {
      type: 'max_amount',
      params: { amount: '0.001' },
    });
    await pay(buyer);
    const [first] = await api.composition.core.db.query<{ id: string }>(
      'select id from events where $1 = any(audience) order by sequence limit 1',
      [buyer.id],
    );
    const waits = await newBuyer();
    await pay(waits);
    await pay(buyer);
    const read = () =>
      api.http
        .get(path)
        .query({ seconds: '0' })
        .set({ 'x-agent-key': buyer.key, 'last-event-id': String(first?.id) })
        .expect(200);
    // Transactions of others on the same server hold the outbox back for a moment.
    const seen = await eventually(async () => {
      const response = await read();
      expect(response.text).toContain('event:');
      return response;
    });
    expect(seen.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(seen.text.match(/^event: .*$/gm)).toEqual(['event: payment.rejected']);
    const client = createApiClient({ url: api.url, keys: { agentKey: buyer.key } });
    const { events } = await client.buyer.events.stream({ id: buyer.id, after: first?.id, seconds: 0 });
    expect(events).toEqual([
      expect.objectContaining({
        type: 'payment.rejected',
        data: { object: expect.objectContaining({ reason: 'max_amount', amount: '0.01' }) },
      }),
    ]);
    await api.http
      .get(path)
      .query({ seconds: '0', after: String(first?.id) })
      .set('cookie', owner.cookie)
      .expect(200);
    const unknown = 'evt_01kb3x9v7f5m2q8r4t6w0y1z3h';
    await api.http.get(path).query({ after: unknown }).set('x-agent-key', buyer.key).expect(400);
    await api.http.get(path).query({ seconds: '3601' }).set('x-agent-key', buyer.key).expect(400);
  });

  it('come as they happen, on whichever instance, with signs of life, until the key is revoked or the process ends', async () => {
    const buyer = await newBuyer();
    const { composition, clock } = api;
    const streams = eventStreams(composition.core, composition.log);
    const another = createApp({ ...composition, streams }, config).listen(0, '127.0.0.1');
    await once(another, 'listening');
    const url = `http://127.0.0.1:${(another.address() as AddressInfo).port}`;
    const listen = (headers: Record<string, string>, on = url) =>
      listenTo(`${on}/api/agents/${buyer.id}/events?seconds=3600`, headers);
    const first = await pay(buyer);
    const [last] = await composition.core.db.query<{ id: string }>(
      'select id from events where $1 = any(audience) order by sequence desc limit 1',
      [buyer.id],
    );
    const after = { 'last-event-id': String(last?.id) };
    const byKey = await listen({ 'x-agent-key': buyer.key, ...after });
    const bySession = await listen({ cookie: owner.cookie, ...after }, api.url);
    await asOwner(`${pathOf(buyer, first)}/reject`);
    await work();
    for (const heard of [byKey, bySession]) {
      await heard.until(() => clock.advance(250), /event: approval.rejected/);
      await heard.until(() => clock.advance(250), /event: payment.rejected/);
      await heard.until(() => clock.advance(1_000), /^:$/m);
    }
    const nine = await Promise.all(Array.from({ length: 9 }, () => listen({ 'x-agent-key': buyer.key })));
    const eleventh = await fetch(`${url}/api/agents/${buyer.id}/events`, {
      headers: { 'x-agent-key': buyer.key },
    });
    expect([eleventh.status, ((await eleventh.json()) as Body)['code']]).toEqual([429, 'rate_limited']);
    const { body: keys } = await api.http
      .get(`/api/agents/${buyer.id}/api-keys`)
      .set('cookie', owner.cookie)
      .expect(200);
    await api.http
      .delete(`/api/agents/${buyer.id}/api-keys/${String(keys.apiKeys[0].id)}`)
      .set(owner.writes)
      .expect(200);
    for (const heard of [byKey, ...nine]) await heard.ended(() => clock.advance(1_000));
    const left = await listen({ cookie: owner.cookie });
    streams.stop();
    await left.ended(() => undefined);
    composition.streams.stop();
    await bySession.ended(() => undefined);
    await new Promise((resolve) => another.close(resolve));
  });

  it('are told from the opening of a stream on, not from its first reading', async () => {
    const buyer = await newBuyer();
    const { composition, clock } = api;
    const streams = eventStreams(composition.core, composition.log);
    const told = (await streams.open({ partyId: buyer.id, seconds: 3600 }))[Symbol.asyncIterator]();
    await pay(buyer);
    let first: unknown;
    void told.next().then(({ value }) => (first = value));
    await eventually(() => {
      clock.advance(250);
      expect(first).toMatchObject({ type: 'approval.requested' });
    });
    await told.return?.();
    streams.stop();
  });
});
