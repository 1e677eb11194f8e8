import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createPublicKey, verify } from 'node:crypto';
import { agreements } from '@agentpay/core';
import { closeBalanced, testApi, type TestApi } from '../testApi.js';
import { agreed, type Agreed } from './bilateral.js';

/** The metered proxy against a seller on this machine. */
let api: TestApi;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const seen: IncomingMessage[] = [];
const seller = createServer((request, response) => {
  seen.push(request);
  answer(request, response);
});
let endpoint_url: string;

beforeAll(async () => {
  seller.listen(0, '127.0.0.1');
  await once(seller, 'listening');
  endpoint_url = `http://127.0.0.1:${(seller.address() as AddressInfo).port}/base`;
  api = await testApi({ OUTBOUND_LOOPBACK: 'true' });
});
afterAll(async () => {
  await closeBalanced(api);
  seller.closeAllConnections();
  await new Promise((resolve) => seller.close(resolve));
});
beforeEach(() => {
  seen.length = 0;
  answer = (_request, response) => response.end('served');
});

const TERMS = { cap: '0.10', unit_price: '0.01' };
const made = (stage: 'accepted' | 'active' = 'active', service: object = {}) =>
  agreed({ api }, stage, { terms: TERMS, service: { endpoint_url, ...service } });
const call = (of: Agreed, path = '/x', init: RequestInit & { duplex?: 'half' } = {}) =>
  fetch(`${api.url}/metered-proxy/${of.id}${path}`, {
    ...init,
    headers: { ...of.buyer.auth, ...init.headers },
  });

async function counted({ id, buyer }: Agreed) {
  const { body } = await api.http.get(`/usage-agreements/${id}`).set(buyer.auth).expect(200);
  const { used, reserved, units, status } = body as Record<string, unknown>;
  return { used, reserved, units, status };
}
/** Once the call under way has been ended. */
async function ended(of: Agreed) {
  for (;;) {
    const state = await counted(of);
    if (state.reserved === '0.00') return state;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('a metered call', () => {
  it('passes method, path, query and body on, without what opens something here', async () => {
    const of = await made();
    let body = '';
    answer = (request, response) => {
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () =>
        response.writeHead(201, { 'x-seller': 'yes', 'set-cookie': 'a=b' }).end('made'),
      );
    };
    const response = await call(of, '/a/b?c=d', {
      method: 'PATCH',
      body: 'hello',
      headers: {
        'x-mine': '1',
        'x-admin-key': 'secret',
        cookie: 'agentpay_session=x',
        'agentpay-agreement': 'forged',
      },
    });
    expect([response.status, await response.text(), body]).toEqual([201, 'made', 'hello']);
    expect(response.headers.get('x-seller')).toBe('yes');
    expect(response.headers.get('set-cookie')).toBeNull();
    const [{ method, url, headers }] = seen as [IncomingMessage];
    expect([method, url]).toEqual(['PATCH', '/base/a/b?c=d']);
    expect(headers).toMatchObject({ 'x-mine': '1', 'agentpay-agreement': of.id });
    for (const name of ['authorization', 'x-admin-key', 'cookie']) expect(headers[name]).toBeUndefined();
    expect(await ended(of)).toEqual({ used: '0.01', reserved: '0.00', units: 1, status: 'active' });
  });

  it('carries a token that the published key verifies', async () => {
    const of = await made();
    await (await call(of)).text();
    const token = seen[0]?.headers['agentpay-usage-token'] as string;
    const [head = '', payload = '', signature = ''] = token.split('.');
    const [jwk] = api.composition.tokenKeys;
    const key = createPublicKey({ key: { ...jwk }, format: 'jwk' });
    expect(verify(null, Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, 'base64url'))).toBe(
      true,
    );
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
      sub: of.buyer.id,
      agreement: of.id,
      jti: seen[0]?.headers['agentpay-usage-id'],
    });
  });

  it.each([
    ['units=3', '0.03'],
    ['units=0', '0.00'],
    ['units=1000', '0.10'],
    ['nonsense', '0.01'],
  ])('is charged as the seller says: %s', async (said, used) => {
    const of = await made();
    answer = (_request, response) => response.setHeader('AgentPay-Usage', said).end();
    await (await call(of)).text();
    expect((await ended(of)).used).toBe(used);
  });

  it('is charged by what a trailer says when the whole was streamed', async () => {
    const of = await made();
    answer = (_request, response) => {
      response.writeHead(200, { trailer: 'AgentPay-Usage' });
      response.write('a');
      response.addTrailers({ 'AgentPay-Usage': 'units=4' });
      response.end('b');
    };
    expect(await (await call(of)).text()).toBe('ab');
    expect((await ended(of)).used).toBe('0.04');
  });

  it.each([302, 404, 500])('is not charged for %i', async (status) => {
    const of = await made();
    answer = (_request, response) => response.writeHead(status, { location: '/elsewhere' }).end('no');
    expect((await call(of, '/x', { redirect: 'manual' })).status).toBe(status);
    expect((await ended(of)).used).toBe('0.00');
  });

  it('is not charged when the seller breaks off, or is away', async () => {
    const of = await made();
    let breakOff = (): void => {};
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      breakOff = () => void response.destroy();
    };
    const begun = await call(of);
    breakOff();
    await expect(begun.text()).rejects.toThrow();
    expect((await ended(of)).used).toBe('0.00');
    const gone = await made('active', { endpoint_url: 'http://127.0.0.1:1/' });
    const refused = await call(gone);
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
      502,
      'seller_unavailable',
    ]);
    expect((await ended(gone)).used).toBe('0.00');
  });

  it('is charged when the buyer leaves while it is served', async () => {
    const of = await made();
    answer = (_request, response) => void response.writeHead(200).write('first');
    const leaving = new AbortController();
    const response = await call(of, '/x', { signal: leaving.signal });
    await response.body?.getReader().read();
    leaving.abort();
    expect((await ended(of)).used).toBe('0.01');
  });

  it('reads no more of the seller than the buyer takes', async () => {
    const of = await made();
    let written = 0;
    const chunk = Buffer.alloc(1 << 20);
    answer = (_request, response) => {
      const more = () => {
        while (!response.destroyed && written < 256 && response.write(chunk)) written++;
      };
      response.on('drain', more);
      more();
    };
    const leaving = new AbortController();
    const response = await call(of, '/x', { signal: leaving.signal });
    const reader = response.body?.getReader();
    await reader?.read();
    const settledAt = async (): Promise<number> => {
      const before = written;
      await new Promise((resolve) => setTimeout(resolve, 200));
      return before === written ? written : settledAt();
    };
    expect(await settledAt()).toBeLessThan(128);
    leaving.abort();
    await ended(of);
  });

  it('is refused before the seller is asked when nothing is agreed, nothing is left, or somebody else asks', async () => {
    const accepted = await made('accepted');
    const codeOf = async (response: globalThis.Response) =>
      ((await response.json()) as { code: string }).code;
    expect(await codeOf(await call(accepted))).toBe('agreement_wrong_state');
    const of = await made();
    const as = (auth: object) => call(of, '/x', { headers: auth as Record<string, string> });
    expect(await codeOf(await as(of.seller.auth))).toBe('forbidden');
    expect(await codeOf(await as(accepted.buyer.auth))).toBe('agreement_not_found');
    expect(await codeOf(await as({ authorization: 'Bearer pk_test_nobody' }))).toBe('unauthorized');
    for (const path of ['/../admin', '/%2e%2e/admin', '/..%5cadmin/../../x'])
      expect((await call(of, path)).status).toBeGreaterThanOrEqual(400);
    expect(seen.map(({ url }) => url)).toEqual([]);
    expect(await codeOf(await fetch(`${api.url}/metered-proxy/nonsense/x`, { headers: of.buyer.auth }))).toBe(
      'invalid_request',
    );
  });

  it('serves exactly what is left of the cap to many at once', async () => {
    const of = await made();
    answer = (_request, response) => void setTimeout(() => response.end('served'), 20);
    const statuses = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const response = await call(of);
        await response.text();
        return response.status;
      }),
    );
    expect(statuses.filter((status) => status === 200)).toHaveLength(10);
    expect(seen).toHaveLength(10);
    expect(await ended(of)).toMatchObject({ used: '0.10', units: 10, status: 'challenge_window' });
  });

  it('that a process left behind is released, and cannot be charged afterwards', async () => {
    const of = await made();
    const { core } = api.composition;
    const principal = { party: { id: of.buyer.id, kind: 'agent' as const }, scopes: [], credentialId: 'x' };
    const begun = await agreements.beginCall(core, { principal, agreementId: of.id });
    expect(await counted(of)).toMatchObject({ reserved: '0.01', used: '0.00' });
    api.clock.advance(700_000);
    await agreements.releaseLeft(core, { limit: 100 });
    await agreements.endCall(core, { ...begun, units: 1n });
    expect(await counted(of)).toMatchObject({ reserved: '0.00', used: '0.00' });
  });
});
