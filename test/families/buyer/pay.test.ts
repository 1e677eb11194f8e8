import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Core, custody } from '@agentpay/core';
import { ADMIN_KEY, testApi, type TestApi } from '../testApi.js';
import { DEMO_PAY_TO, paperShop } from '../paperShop.js';
import { signedIn, type Browser } from '../signedIn.js';

/** Document 003: an agent buys within what its owner allows. */
let api: TestApi;
let owner: Browser;
/** Whether wallets have money on the chain. */
let funded = true;
/** What the chain waits for before it tells what became of a payment. */
let chainTells: Promise<void> = Promise.resolve();

beforeAll(async () => {
  const demo = (core: Core) => {
    const shop = paperShop(core);
    const chains = [...core.ports.chains].map(([id, chain]): [string, custody.PaymentChain] => [
      id,
      {
        ...chain,
        balanceOf: async (account) => (funded ? chain.balanceOf(account) : 0n),
        fateOf: (...asked) => chainTells.then(() => chain.fateOf(...asked)),
      },
    ]);
    Object.assign(core.ports, { chains: new Map(chains) });
    return shop;
  };
  api = await testApi({ DEV_SIGN_IN: 'true', OUTBOUND_LOOPBACK: 'true' }, { demo, reachable: true });
  owner = await signedIn(api, 'owner');
});

afterAll(() => api.close());

interface Buyer {
  readonly id: string;
  readonly key: string;
  readonly address: string;
}

type Body = Record<string, unknown> & { code: string; success: boolean };

async function asOwner(method: 'post' | 'put' | 'patch' | 'delete', path: string, body: object = {}) {
  const answer = await api.http[method](path).set(owner.writes).send(body);
  expect([path, answer.status, answer.body]).toEqual([path, expect.any(Number), answer.body]);
  expect(answer.status).toBeLessThan(300);
  return answer.body as Record<string, string>;
}

async function newBuyer(): Promise<Buyer> {
  const { id, address } = (await asOwner('post', '/api/agents', { name: 'Buyer' })) as unknown as Buyer;
  const { key } = await asOwner('post', `/api/agents/${id}/api-keys`);
  return { id, key: key as string, address };
}

const seller = (query = '') => `${api.url}/api/demo/seller${query}`;

async function pay({ id, key }: Pick<Buyer, 'id' | 'key'>, body: object = { sellerUrl: seller() }) {
  const answer = await api.http.post(`/api/agents/${id}/pay`).set('x-agent-key', key).send(body);
  return { status: answer.status, body: answer.body as Body };
}

async function expectRefused(buyer: Buyer, status: number, code: string, body?: object): Promise<void> {
  const answer = await pay(buyer, body);
  expect([answer.status, answer.body.code, answer.body.success]).toEqual([status, code, false]);
}

describe('an agent', () => {
  it.each(['x402', 'mpp'])('buys in %s and gets what the seller sells', async (protocol) => {
    const buyer = await newBuyer();
    const { status, body } = await pay(buyer, { sellerUrl: seller(`?protocol=${protocol}`) });
    expect([status, body]).toEqual([
      200,
      {
        success: true,
        sellerResponse: expect.objectContaining({ symbol: 'ETH/USD', mock: true }),
        payment: {
          protocol,
          amount: '0.01',
          txHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
          explorer: expect.stringMatching(/\/tx\/0x[0-9a-f]{64}$/),
          transactionId: expect.stringMatching(/^tx_/),
        },
        agent: { address: buyer.address },
      },
    ]);
    const { transactionId } = body['payment'] as { transactionId: string };
    const read = await api.http
      .get(`/api/agents/${buyer.id}/transactions/${transactionId}`)
      .set('cookie', owner.cookie)
      .expect(200);
    expect(read.body).toMatchObject({ amount: '0.01', rail: protocol, to: DEMO_PAY_TO.toLowerCase() });
  });

  it('has its response before the payment is proved; whoever asks next is answered once it is', async () => {
    const buyer = await newBuyer();
    const { proofs } = api.composition.core;
    const { of } = proofs;
    let tell = () => {};
    chainTells = new Promise((resolve) => (tell = resolve));
    try {
      const { status, body } = await pay(buyer);
      const { transactionId, txHash } = body['payment'] as { transactionId: string; txHash: string };
      expect([status, txHash]).toEqual([200, expect.stringMatching(/^0x[0-9a-f]{64}$/)]);
      // The chain tells once somebody waits for it.
      Object.assign(proofs, {
        of(party?: string) {
          const waiting = of(party);
          tell();
          return waiting;
        },
      });
      const read = await api.http
        .get(`/api/agents/${buyer.id}/transactions/${transactionId}`)
        .set('cookie', owner.cookie)
        .expect(200);
      expect(read.body).toMatchObject({ status: 'completed', reference: txHash });
    } finally {
      tell();
      Object.assign(proofs, { of });
    }
  });

  it('pays once under one idempotency key', async () => {
    const buyer = await newBuyer();
    const again = () =>
      api.http
        .post(`/api/agents/${buyer.id}/pay`)
        .set({ 'x-agent-key': buyer.key, 'idempotency-key': 'once' })
        .send({ sellerUrl: seller() })
        .expect(200);
    const [first, second] = [await again(), await again()];
    expect(second.body).toEqual(first.body);
  });

  it('is tried out by its owner with one button', async () => {
    const buyer = await newBuyer();
    const { body } = await api.http
      .post(`/api/agents/${buyer.id}/test-buy`)
      .set(owner.writes)
      .send({})
      .expect(200);
    expect(body).toMatchObject({ success: true, payment: { amount: '0.01' } });
  });
});

it('buys by the curl line of the document', async () => {
  const buyer = await newBuyer();
  const line = `curl -X POST https://agents.stablecoin.xyz/api/agents/YOUR_AGENT_ID/pay \\
  -H "Content-Type: application/json" \\
  -H "X-Agent-Key: ak_live_your_key_here" \\
  -d '{
    "sellerUrl": "https://api.example.com/premium-data",
    "method": "GET"
  }'`
    .replace('https://agents.stablecoin.xyz', api.url)
    .replace('YOUR_AGENT_ID', buyer.id)
    .replace('ak_live_your_key_here', buyer.key)
    .replace('https://api.example.com/premium-data', seller());
  const [, url, body] = /POST (\S+)[^]*-d '([^]*)'$/.exec(line) as unknown as [string, string, string];
  const headers = [...line.matchAll(/-H "([^:]+): ([^"]+)"/g)].map(([, name, value]): [string, string] => [
    String(name),
    String(value),
  ]);
  const response = await fetch(url, { method: 'POST', headers, body });
  expect([response.status, await response.json()]).toEqual([200, expect.objectContaining({ success: true })]);
});

describe('every code of the document', () => {
  it('401 unauthorized: no key, an unknown one, one that was revoked, and the key of another agent', async () => {
    const [buyer, other] = [await newBuyer(), await newBuyer()];
    await expectRefused({ ...buyer, key: `ak_live_${'0'.repeat(48)}` }, 401, 'unauthorized');
    await expectRefused({ ...buyer, key: other.key }, 401, 'unauthorized');
    const { body } = await api.http.post(`/api/agents/${buyer.id}/pay`).send({}).expect(401);
    expect(body).toMatchObject({ success: false, code: 'unauthorized' });
    const { body: keys } = await api.http
      .get(`/api/agents/${buyer.id}/api-keys`)
      .set('cookie', owner.cookie)
      .expect(200);
    await asOwner('delete', `/api/agents/${buyer.id}/api-keys/${keys.apiKeys[0].id}`);
    await expectRefused(buyer, 401, 'unauthorized');
  });

  it('403 agent_archived', async () => {
    const buyer = await newBuyer();
    await asOwner('post', `/api/agents/${buyer.id}/archive`);
    await expectRefused(buyer, 403, 'agent_archived');
  });

  it.each([{}, { sellerUrl: 'not a URL' }, { sellerUrl: 5 }, { sellerUrl: 'ftp://x.example/' }])(
    '400 bad_request: %j',
    async (body) => expectRefused(await newBuyer(), 400, 'bad_request', body),
  );

  it('400 bad_request: a host that is not public', async () => {
    await expectRefused(await newBuyer(), 400, 'bad_request', { sellerUrl: 'http://169.254.169.254/latest' });
  });

  it('502 seller_not_402 and no_payment_header', async () => {
    const server = createServer((request, response) => {
      response.statusCode = request.url === '/free' ? 200 : 402;
      response.end('{}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const buyer = await newBuyer();
    await expectRefused(buyer, 502, 'seller_not_402', { sellerUrl: `${url}/free` });
    await expectRefused(buyer, 502, 'no_payment_header', { sellerUrl: `${url}/paid` });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it.each([
    ['perTransaction', 'per_tx_limit_exceeded', '0.009999'],
    ['daily', 'daily_limit_exceeded', '0.015'],
    ['monthly', 'monthly_limit_exceeded', '0.015'],
  ])('403 by the limit %s: %s; 0 is no limit', async (name, code, value) => {
    const buyer = await newBuyer();
    if (name !== 'perTransaction') expect((await pay(buyer)).status).toBe(200);
    const path = `/api/agents/${buyer.id}/limits`;
    expect(await asOwner('put', path, { [name]: value })).toMatchObject({ [name]: value });
    await expectRefused(buyer, 403, code);
    expect(await asOwner('put', path, { [name]: '0' })).toMatchObject({ [name]: '0' });
    expect((await pay(buyer)).status).toBe(200);
  });

  it('403 seller_not_in_allowlist; addresses are the same in whatever case', async () => {
    const buyer = await newBuyer();
    const path = `/api/agents/${buyer.id}/allowlist`;
    await asOwner('put', path, { sellers: [`0x${'11'.repeat(20)}`] });
    await expectRefused(buyer, 403, 'seller_not_in_allowlist');
    await asOwner('put', path, { sellers: [DEMO_PAY_TO.toUpperCase().replace('0X', '0x')] });
    expect((await pay(buyer)).status).toBe(200);
    await asOwner('put', path, { sellers: [`0x${'11'.repeat(20)}`] });
    await asOwner('put', path, { sellers: [] });
    expect((await pay(buyer)).status).toBe(200);
  });

  it.each([
    ['max_amount', { amount: '0.009' }, 'policy_max_amount_exceeded'],
    ['time_restriction', { hours: { from: '20:00', to: '06:00' } }, 'policy_time_restricted'],
    ['time_restriction', { days: ['sun'], timeZone: 'Europe/Berlin' }, 'policy_time_restricted'],
    ['per_seller_cap', { amount: '0.005', seller: DEMO_PAY_TO }, 'policy_seller_cap_exceeded'],
    ['per_seller_cap', { amount: '0.005', period: 'day' }, 'policy_seller_cap_exceeded'],
  ])('403 by a rule %s %j; switched off it is kept and not enforced', async (type, params, code) => {
    const buyer = await newBuyer();
    const path = `/api/agents/${buyer.id}/policy-rules`;
    const rule = await asOwner('post', path, { type, params });
    await expectRefused(buyer, 403, code);
    expect(await asOwner('patch', `${path}/${rule['id']}`, { active: false })).toMatchObject({
      id: rule['id'],
      active: false,
    });
    expect((await pay(buyer)).status).toBe(200);
    await asOwner('patch', `${path}/${rule['id']}`, { active: true });
    await expectRefused(buyer, 403, code);
    await asOwner('delete', `${path}/${rule['id']}`);
    expect((await pay(buyer)).status).toBe(200);
  });

  it('500 insufficient_balance, which is logged as no fault of ours', async () => {
    const buyer = await newBuyer();
    funded = false;
    try {
      await expectRefused(buyer, 500, 'insufficient_balance');
    } finally {
      funded = true;
    }
    expect(api.logged.join('')).not.toContain('request failed');
  });

  it('429 rate_limited', async () => {
    const limited = await testApi({ RATE_LIMIT_PER_MINUTE: '1', RATE_LIMIT_BURST: '1' });
    const attempts = await Promise.all(
      Array.from({ length: 4 }, () => limited.http.post('/api/agents/agent_x/pay').send({})),
    );
    const refused = attempts.find(({ status }) => status === 429);
    expect(refused?.body).toMatchObject({ success: false, code: 'rate_limited' });
    await limited.close();
  });
});

describe('what an owner has', () => {
  it('is nothing to anybody else, whoever signs in', async () => {
    const buyer = await newBuyer();
    const { cookie, writes } = await signedIn(api, 'stranger');
    const path = `/api/agents/${buyer.id}`;
    for (const part of ['', '/api-keys', '/policy-rules', '/webhooks', '/transactions'])
      expect((await api.http.get(path + part).set({ cookie })).status).toBe(404);
    expect((await api.http.get(`/dashboard/agents/${buyer.id}`).set({ cookie })).status).toBe(404);
    const bodies: Record<string, object> = {
      '/api-keys': {},
      '/policy-rules': { type: 'max_amount', params: { amount: '1' } },
      '/webhooks': { url: 'https://example.com/hook', events: ['payment.confirmed'] },
      '/archive': {},
      '/test-buy': {},
    };
    for (const [part, body] of Object.entries(bodies))
      expect(
        (
          await api.http
            .post(path + part)
            .set(writes)
            .send(body)
        ).status,
      ).toBe(404);
    expect((await api.http.put(`${path}/limits`).set(writes).send({ daily: '1' })).status).toBe(404);
    expect((await api.http.get('/api/agents').set({ cookie }).expect(200)).body).toEqual({
      agents: [],
      total: 0,
    });
    expect((await pay(buyer)).status).toBe(200);
  });

  it('do not stand in the page of the agent, which holds no data', async () => {
    const buyer = await newBuyer();
    await asOwner('post', `/api/agents/${buyer.id}/policy-rules`, {
      type: 'max_amount',
      params: { amount: '7.5' },
    });
    const page = await api.http
      .get(`/dashboard/agents/${buyer.id}`)
      .set({ cookie: owner.cookie, accept: 'text/html' })
      .expect(200);
    for (const secret of [buyer.address, owner.writes['x-csrf-token'], owner.cookie.split('=')[1] as string])
      expect(page.text).not.toContain(secret);
  });

  it('needs a session: browsers are led to sign in', async () => {
    const { id } = await newBuyer();
    const answer = await api.http.get(`/dashboard/agents/${id}`).set({ accept: 'text/html' }).expect(303);
    expect(answer.headers['location']).toBe(
      `/signin?callbackUrl=%2Fdashboard%2Fagents%2F${id}&error=SessionRequired`,
    );
  });

  it('cannot be loosened by the owner where the operator has set it', async () => {
    const buyer = await newBuyer();
    const { body } = await api.http
      .post('/v1/policies')
      .set('x-admin-key', ADMIN_KEY)
      .send({ agent_id: buyer.id, kind: 'max_amount', amount: 0.001 })
      .expect(201);
    const path = `/api/agents/${buyer.id}/policy-rules`;
    expect((await api.http.get(path).set('cookie', owner.cookie)).body).toEqual({ rules: [], total: 0 });
    const gone = await api.http.delete(`${path}/${body.id}`).set(owner.writes);
    expect([gone.status, gone.body.code]).toEqual([404, 'rule_not_found']);
    await expectRefused(buyer, 403, 'policy_max_amount_exceeded');
  });
});

describe('events', () => {
  it('tell of a payment that was confirmed and of one that the limits refused', async () => {
    const buyer = await newBuyer();
    await pay(buyer);
    await asOwner('put', `/api/agents/${buyer.id}/limits`, { perTransaction: '0.001' });
    await pay(buyer);
    const told = await api.composition.core.db.query<{ type: string }>(
      `select type from events where $1 = any(audience) and type like 'payment.%' order by sequence`,
      [buyer.id],
    );
    expect(told.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['payment.confirmed', 'payment.rejected']),
    );
  });
});
