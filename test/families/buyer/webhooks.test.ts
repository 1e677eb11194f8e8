import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { purchases, webhooks, type Core, type custody } from '@agentpay/core';
import { createApiClient } from '@agentpay/sdk';
import { Webhook } from 'standardwebhooks';
import { paperShop } from '../paperShop.js';
import { signedIn, type Browser } from '../signedIn.js';
import { testApi, type TestApi } from '../testApi.js';
import { receivedPayments } from './receivedPayments.js';

/** What an agent pays, as the receivers of its webhooks and its own program see it; and what it is paid. */
let api: TestApi;
let owner: Browser;
/** Of authorizations that no seller has settled: unused for ever, once they have ended. */
const unused: custody.AuthorizationFate = { use: 'unused', at: 10n ** 12n };

beforeAll(async () => {
  const demo = (core: Core) => {
    const shop = paperShop(core);
    const chains = [...core.ports.chains].map(([id, chain]): [string, custody.PaymentChain] => [
      id,
      {
        ...chain,
        fateOf: async (authorization, hint) => (await chain.fateOf(authorization, hint)) ?? unused,
      },
    ]);
    Object.assign(core.ports, { chains: new Map(chains) });
    return shop;
  };
  api = await testApi({ DEV_SIGN_IN: 'true', OUTBOUND_LOOPBACK: 'true' }, { demo, reachable: true });
  owner = await signedIn(api, 'owner');
});
afterAll(() => api.close());

async function asOwner(method: 'post' | 'put', path: string, body: object = {}) {
  const answer = await api.http[method](path).set(owner.writes).send(body);
  expect([path, answer.status < 300, answer.body]).toEqual([path, true, answer.body]);
  return answer.body as Record<string, string>;
}

async function newBuyer(): Promise<{ id: string; key: string }> {
  const { id } = await asOwner('post', '/api/agents', { name: 'Buyer' });
  const { key } = await asOwner('post', `/api/agents/${id}/api-keys`);
  return { id: String(id), key: String(key) };
}

/** A server of this machine with everything that it was sent. */
async function serve(
  respond: (paying: boolean) => Promise<{ status: number; headers?: object; body?: string }>,
) {
  const received: { headers: Record<string, string>; body: string }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const headers = request.headers as Record<string, string>;
      received.push({ headers, body: Buffer.concat(chunks).toString() });
      const { status, headers: fields = {}, body } = await respond('payment-signature' in headers);
      response.writeHead(status, fields as Record<string, string>).end(body);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    received,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Delivers until the receiver has heard so much; transactions of others on the same server hold the outbox back for a moment. */
async function deliverUntil(come: () => boolean): Promise<void> {
  const { core } = api.composition;
  for (const end = performance.now() + 200_000; performance.now() < end && !come();) {
    await webhooks.dispatch(core, { limit: 500 });
    await Promise.all(await webhooks.startDue(core, { limit: 64 }));
  }
}

it('webhooks hear of a payment that was confirmed, failed and rejected, each with a valid signature', async () => {
  const buyer = await newBuyer();
  const receiver = await serve(async () => ({ status: 204 }));
  const wanted = ['payment.confirmed', 'payment.failed', 'payment.rejected'];
  const hook = { url: receiver.url, events: wanted };
  const { secret } = await asOwner('post', `/api/agents/${buyer.id}/webhooks`, hook);
  const demo = `${api.url}/api/demo/seller?protocol=x402`;
  // Asks as the demo seller does, and refuses what is paid.
  const refusing = await serve(async (paying) => {
    if (paying) return { status: 402, body: '{}' };
    const asked = (await fetch(demo)).headers.get('payment-required') as string;
    return { status: 402, headers: { 'payment-required': asked }, body: '{}' };
  });
  const pay = (sellerUrl: string) =>
    api.http.post(`/api/agents/${buyer.id}/pay`).set('x-agent-key', buyer.key).send({ sellerUrl });
  expect((await pay(demo)).status).toBe(200);
  expect((await pay(refusing.url)).status).toBe(402);
  await purchases.work(api.composition.core, { limit: 100 });
  await asOwner('put', `/api/agents/${buyer.id}/limits`, { perTransaction: '0.001' });
  expect((await pay(demo)).status).toBe(403);
  await deliverUntil(() => receiver.received.length >= 3);
  const told = receiver.received.map(({ headers, body }) => {
    const signed = new Webhook(secret as string).sign(
      headers['webhook-id'] as string,
      new Date(Number(headers['webhook-timestamp']) * 1000),
      body,
    );
    expect((headers['webhook-signature'] as string).split(' ')).toContain(signed);
    return (JSON.parse(body) as { type: string; data: { object: { amount: string } } }).type;
  });
  expect(told.toSorted()).toEqual(wanted);
  await Promise.all([receiver.close(), refusing.close()]);
});

it('a program buys, waits and reads with nothing but the SDK', async () => {
  const buyer = await newBuyer();
  const client = createApiClient({ url: api.url, keys: { agentKey: buyer.key } }).buyer;
  const asked = { id: buyer.id, sellerUrl: `${api.url}/api/demo/seller` };
  expect(await client.agents.pay(asked)).toMatchObject({
    success: true,
    sellerResponse: { symbol: 'ETH/USD' },
    payment: { amount: '0.01' },
  });
  const rule = { type: 'approval_over', params: { amount: '0.001' } };
  await asOwner('post', `/api/agents/${buyer.id}/policy-rules`, rule);
  const waits = await client.agents.pay(asked);
  if (waits.success) throw new Error('It was paid at once.');
  const { approval_id: approvalId } = waits;
  const { approvals, total } = await client.approvals.list({ id: buyer.id, status: 'pending' });
  expect([total, approvals[0]]).toEqual([1, expect.objectContaining({ id: approvalId, amount: 10_000n })]);
  await asOwner('post', `/api/agents/${buyer.id}/approvals/${approvalId}/approve`);
  await purchases.work(api.composition.core, { limit: 100 });
  expect(await client.approvals.get({ id: buyer.id, approval_id: approvalId })).toMatchObject({
    outcome: 'paid',
    result: { success: true, sellerResponse: { symbol: 'ETH/USD' } },
  });
});

receivedPayments(() => ({ api, owner }));
