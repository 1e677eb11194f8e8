import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fetchPaid, fetchPaidByKey, toolsOf } from '@agentpay/api';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { DEMO_PAY_TO, paperShop } from '../paperShop.js';
import { signedIn, type Browser } from '../signedIn.js';
import { newAgent, testApi, type TestApi } from '../testApi.js';

/** `fetch_paid` of `/mcp`: whoever has a wallet on a chain buys from sellers of anybody, within what was allowed. */
let api: TestApi;
let owner: Browser;
let shop: string;
/** What the seller was asked, and whether it answers those who pay. */
const asked: { readonly method: string | undefined; readonly body: string; readonly proof: unknown }[] = [];
let answering = true;
const clients: Client[] = [];

/** The demo seller at /paid, with notes; other paths cost nothing. */
const seller = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', async () => {
    const { method, url, headers } = request;
    const proof = headers['payment-signature'];
    asked.push({ method, body: Buffer.concat(chunks).toString(), proof });
    if (url === '/free') return response.setHeader('content-type', 'text/plain').end('for everybody');
    if (url === '/long') return response.end('x'.repeat(300_000));
    if (proof !== undefined && !answering) return response.writeHead(503, { 'retry-after': '60' }).end();
    const sale = await fetch(`${api.url}/api/demo/seller?protocol=x402`, {
      headers: proof === undefined ? {} : { 'payment-signature': String(proof) },
    });
    for (const name of ['content-type', 'payment-required', 'payment-response'])
      if (sale.headers.has(name)) response.setHeader(name, sale.headers.get(name) as string);
    return response.writeHead(sale.status).end(Buffer.from(await sale.arrayBuffer()));
  });
});

beforeAll(async () => {
  const settings = { DEV_SIGN_IN: 'true', OUTBOUND_LOOPBACK: 'true' };
  api = await testApi(settings, {
    demo: paperShop,
    reachable: true,
    provoked: /payment_unresolved/,
  });
  owner = await signedIn(api, 'owner');
  seller.listen(0, '127.0.0.1');
  await once(seller, 'listening');
  shop = `http://127.0.0.1:${(seller.address() as AddressInfo).port}`;
});
beforeEach(() => {
  asked.length = 0;
  answering = true;
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  seller.closeAllConnections();
  await new Promise((resolve) => seller.close(resolve));
  await api.close();
});

type Content = Record<string, unknown> & { readonly details?: Record<string, string> };

async function connect(auth: Record<string, string>): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  // A server that shares our event loop cannot say in time that it has closed a connection.
  const headers = { ...auth, connection: 'close' };
  const transport = new StreamableHTTPClientTransport(new URL(`${api.url}/mcp`), {
    requestInit: { headers },
  });
  await client.connect(transport as Parameters<Client['connect']>[0]);
  await client.listTools();
  clients.push(client);
  return client;
}

async function call(client: Client, input: Record<string, unknown>, name = 'fetch_paid') {
  const result = await client.callTool({ name, arguments: input });
  const [first] = result.content as { text: string }[];
  const content = JSON.parse(first?.text as string) as Content;
  return { isError: result.isError === true, content };
}

async function asOwner(method: 'post' | 'put', path: string, body: object = {}) {
  const answer = await api.http[method](path).set(owner.writes).send(body);
  expect([path, answer.status < 300, answer.body]).toEqual([path, true, answer.body]);
  return answer.body as Record<string, string>;
}

async function newBuyer() {
  const { id = '' } = await asOwner('post', '/api/agents', { name: 'Buyer' });
  const { key = '' } = await asOwner('post', `/api/agents/${id}/api-keys`);
  return { id, client: await connect({ 'x-agent-key': key }) };
}

const proofs = () => asked.flatMap(({ proof }) => proof ?? []);

describe('fetch_paid of /mcp', () => {
  it('is offered to those whose wallets pay on chains, in the shape of agentpay-mcp, beside what their key opens', async () => {
    const { client } = await newBuyer();
    const { tools } = await client.listTools();
    const tool = tools.find(({ name }) => name === 'fetch_paid');
    expect(tool?.annotations).toEqual({
      readOnlyHint: false,
      destructiveHint: true,
      idempotentHint: false,
      openWorldHint: true,
    });
    const [ours, theirs] = toolsOf([fetchPaidByKey, fetchPaid]).map(({ input }) => input['properties']);
    expect(tool?.inputSchema.properties).toEqual(ours);
    const { idempotency_key: _, ...shared } = ours as Record<string, unknown>;
    expect(shared).toEqual(theirs);
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['buyer_agents_pay']));
    expect(tools.map(({ name }) => name)).not.toContain('wallets_balance');
    const ofAgent = await connect((await newAgent(api)).auth);
    expect((await ofAgent.listTools()).tools.map(({ name }) => name)).not.toContain('fetch_paid');
  });

  it('buys what a 402 asks for with the wallet of the agent, and gives what costs nothing as it is', async () => {
    const { id, client } = await newBuyer();
    const request = { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'which?' };
    const bought = await call(client, { url: `${shop}/paid`, ...request, max_amount: 0.01 });
    expect(bought).toEqual({
      isError: false,
      content: {
        status: 200,
        content_type: expect.stringContaining('application/json'),
        body: expect.stringContaining('"symbol":"ETH/USD"'),
        payment: {
          dialect: 'x402v2',
          amount: '10000',
          asset: expect.stringMatching(/^0x/),
          network: 'eip155:84532',
          pay_to: DEMO_PAY_TO.toLowerCase(),
          transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/),
          transaction_id: expect.stringMatching(/^tx_/),
        },
      },
    });
    expect(asked.map(({ method, body }) => [method, body])).toEqual([
      ['POST', 'which?'],
      ['POST', 'which?'],
    ]);
    expect(proofs()).toHaveLength(1);
    const { transaction_id } = bought.content['payment'] as { transaction_id: string };
    const path = `/api/agents/${id}/transactions/${transaction_id}`;
    const read = await api.http.get(path).set('cookie', owner.cookie).expect(200);
    expect(read.body).toMatchObject({ amount: '0.01', to: DEMO_PAY_TO.toLowerCase() });
    const { core, requestLog } = api.composition;
    await requestLog.written();
    const noted = await core.db.query(
      'select endpoint, status from kept_requests where party_id = $1 and $2 = any(made)',
      [id, transaction_id],
    );
    expect(noted).toEqual([{ endpoint: 'runtime.fetch.paid', status: 200 }]);

    const given = await call(client, { url: `${shop}/free` });
    expect(given).toEqual({
      isError: false,
      content: { status: 200, content_type: 'text/plain', body: 'for everybody', payment: null },
    });
    const long = await call(client, { url: `${shop}/long` });
    expect(long.content).toMatchObject({
      body: null,
      note: expect.stringContaining('longer'),
      payment: null,
    });
  });

  it('signs nothing above max_amount, above a limit of the owner, or for an address that is not public', async () => {
    const { id, client } = await newBuyer();
    const refusals = [
      [{ url: `${shop}/paid`, max_amount: '$0.009' }, 'budget_exceeded', 'per_request'],
      [{ url: 'http://169.254.169.254/latest' }, 'bad_request', 'address_refused'],
      [{ url: `${shop}/paid`, headers: { 'payment-signature': 'mine' } }, 'bad_request', 'invalid_request'],
      [{ url: 'file:///etc/passwd' }, 'bad_request', 'invalid_request'],
    ] as const;
    for (const [input, code, reason] of refusals)
      expect(await call(client, input)).toMatchObject({
        isError: true,
        content: {
          code,
          reason,
          message: expect.any(String),
          hint: expect.any(String),
          request_id: expect.any(String),
        },
      });
    await asOwner('put', `/api/agents/${id}/limits`, { perTransaction: '0.005' });
    expect(await call(client, { url: `${shop}/paid` })).toMatchObject({
      isError: true,
      content: { code: 'per_tx_limit_exceeded', hint: expect.stringContaining('owner') },
    });
    expect(proofs()).toEqual([]);
  });

  it('pays once however often a call is repeated: the key that an error names leads to the same proof', async () => {
    const { client } = await newBuyer();
    answering = false;
    const lost = await call(client, { url: `${shop}/paid` });
    expect(lost).toMatchObject({
      isError: true,
      content: {
        code: 'payment_unresolved',
        hint: expect.stringContaining('idempotency key'),
        details: {
          idempotency_key: expect.stringMatching(/^pur_/),
          transaction_id: expect.stringMatching(/^tx_/),
        },
      },
    });
    answering = true;
    api.clock.advance(2_000);
    const again = { url: `${shop}/paid`, idempotency_key: lost.content.details?.['idempotency_key'] };
    const got = await call(client, again);
    expect(got).toMatchObject({ isError: false, content: { status: 200, payment: { amount: '10000' } } });
    expect(await call(client, again)).toEqual(got);
    const sent = proofs();
    expect([sent.length, new Set(sent).size]).toEqual([2, 1]);
    expect(await call(client, { ...again, url: `${shop}/other` })).toMatchObject({
      isError: true,
      content: { code: 'conflict' },
    });
  });

  it('waits for the owner where a rule says so, and goes on under the same key', async () => {
    const { id, client } = await newBuyer();
    const rule = { type: 'approval_over', params: { amount: '0.009999' } };
    await asOwner('post', `/api/agents/${id}/policy-rules`, rule);
    const waits = await call(client, { url: `${shop}/paid` });
    expect(waits).toMatchObject({
      isError: true,
      content: { reason: 'approval_required', details: { approval_id: expect.stringMatching(/^apr_/) } },
    });
    const { approval_id, idempotency_key } = waits.content.details as Record<string, string>;
    const again = { url: `${shop}/paid`, idempotency_key };
    expect(await call(client, again)).toMatchObject({ content: { details: { approval_id } } });
    expect(proofs()).toEqual([]);
    await asOwner('post', `/api/agents/${id}/approvals/${approval_id}/approve`);
    expect(await call(client, again)).toMatchObject({
      isError: false,
      content: { payment: { amount: '10000' } },
    });
    expect(proofs()).toHaveLength(1);
  });

  it('pays from the wallets of a key of a dashboard user', async () => {
    const { api_key = '' } = await asOwner('post', '/v1/keys', { name: 'ci' });
    const client = await connect({ 'x-api-key': api_key });
    expect(await call(client, { url: `${shop}/paid` })).toMatchObject({
      isError: true,
      content: { reason: 'no_wallet' },
    });
    await api.http.post('/v1/wallets').set('x-api-key', api_key).send({}).expect(201);
    expect(await call(client, { url: `${shop}/paid` })).toMatchObject({
      isError: false,
      content: { payment: { amount: '10000' } },
    });
    const { body } = await api.http.get('/v1/spend-events').set('x-api-key', api_key).expect(200);
    expect(body).toMatchObject({ total: 1, spend_events: [{ amount: '0.01' }] });
  });
});
