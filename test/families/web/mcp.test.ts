import { callName, endpoints } from '@agentpay/api';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { destructiveTools, harmlessTools } from '../destructiveTools.js';
import { authorize, newAgent, newService, testApi, type TestAgent, type TestApi } from '../testApi.js';

/** The official client against the server: what an agent platform sees. */
let api: TestApi;
let agent: TestAgent;
let client: Client;

beforeAll(async () => {
  api = await testApi();
  agent = await newAgent(api, { funds: 5 });
  client = await connect(agent);
});

afterAll(async () => {
  await client.close();
  await api.close();
  expect(api.logged.join('')).not.toContain(agent.key);
});

async function connect(who: TestAgent): Promise<Client> {
  const connecting = new Client({ name: 'test', version: '1' });
  const transport = new StreamableHTTPClientTransport(new URL(`${api.url}/mcp`), {
    // A server that shares our event loop cannot say in time that it has closed a connection.
    requestInit: { headers: { ...who.auth, connection: 'close' } },
  });
  await connecting.connect(transport as Parameters<Client['connect']>[0]);
  return connecting;
}

async function call(name: string, input: Record<string, unknown>, by: Client = client) {
  const result = await by.callTool({ name, arguments: input });
  const [first] = result.content as { type: string; text: string }[];
  const content = JSON.parse(first?.text as string) as Record<string, unknown>;
  const isError = result.isError === true;
  expect(result.structuredContent).toEqual(isError ? undefined : content);
  return { isError, content };
}

describe('/mcp', () => {
  it('lists the endpoints that are tools, with schemas and hints', async () => {
    const { tools } = await client.listTools();
    const offered = endpoints.filter(
      ({ tool, auth }) => tool && (auth.length === 0 || auth.includes('agent')),
    );
    expect(tools.map(({ name }) => name)).toEqual(offered.map(callName));
    const balance = tools.find(({ name }) => name === 'wallets_balance');
    expect(balance).toMatchObject({
      inputSchema: { type: 'object', required: ['wallet_id'] },
      outputSchema: { type: 'object' },
      annotations: { readOnlyHint: true, destructiveHint: false },
    });
    expect(tools.find(({ name }) => name === 'wallets_fund')?.annotations).toMatchObject({
      readOnlyHint: false,
      idempotentHint: true,
    });
    expect(client.getInstructions()).toContain('hint');
  });

  it('marks whatever moves or commits money or takes something away for good, and nothing else', async () => {
    const { tools } = await client.listTools();
    const offered = new Set(tools.map(({ name }) => name));
    const marked = tools.filter(({ annotations }) => annotations?.destructiveHint);
    expect(marked.map(({ name }) => name)).toEqual(destructiveTools.filter((name) => offered.has(name)));
    expect(marked.length).toBeGreaterThan(10);
    const reading = tools.filter(({ annotations }) => annotations?.readOnlyHint);
    expect(
      [...marked, ...reading].map(({ name }) => name).filter((name) => harmlessTools.includes(name)),
    ).toEqual([]);
    expect(tools.length).toBe(
      marked.length + reading.length + harmlessTools.filter((name) => offered.has(name)).length,
    );
  });

  it('carries calls out for the agent whose key it is', async () => {
    expect(await call('wallets_balance', { wallet_id: agent.wallet })).toEqual({
      isError: false,
      content: { wallet_id: agent.wallet, balance: 5, available: 5, held: 0, currency: 'USD' },
    });
    const provider = await newAgent(api);
    const service = await newService(api, provider);
    const { content } = await call('services_authorize', {
      service_id: service,
      from_wallet_id: agent.wallet,
    });
    expect(content['token']).toMatch(/^x402_tok_/);
    const list = await call('services_list', { limit: 1, verified: false });
    expect(list.isError).toBe(false);
  });

  it('repeats a call under one idempotency key once', async () => {
    const other = await newAgent(api);
    const own = await connect(other);
    const input = { wallet_id: other.wallet, amount: 7, source: 'test_faucet', idempotency_key: 'k' };
    const first = await call('wallets_fund', input, own);
    expect(await call('wallets_fund', input, own)).toEqual(first);
    expect(first.content).toMatchObject({ balance: 7 });
    await own.close();
  });

  it('tells a refusal as a result with code, reason and hint', async () => {
    const dear = await newService(api, await newAgent(api), { price_per_call: 100 });
    const refused = await call('services_authorize', { service_id: dear, from_wallet_id: agent.wallet });
    expect(refused).toMatchObject({
      isError: true,
      content: {
        code: 'AP-1001',
        reason: 'insufficient_funds',
        message: expect.any(String),
        hint: expect.stringContaining('fund the wallet'),
        request_id: expect.any(String),
      },
    });
    const wrong = await call('wallets_balance', { wallet_id: 'x' });
    expect(wrong).toMatchObject({
      isError: true,
      content: { reason: 'invalid_request', param: 'wallet_id' },
    });
  });

  it("does not show what is somebody else's", async () => {
    const stranger = await newAgent(api);
    const own = await connect(stranger);
    const { token_id } = await authorize(api, agent, await newService(api, await newAgent(api)));
    for (const [name, input] of [
      ['wallets_balance', { wallet_id: agent.wallet }],
      ['tokens_cancel', { token_id }],
    ] as const) {
      const { isError, content } = await call(name, input, own);
      expect([isError, content['code']]).toEqual([true, 'AP-1001']);
    }
    await own.close();
  });

  it('knows no tool beside those it lists', async () => {
    await expect(client.callTool({ name: 'agents_rotate', arguments: {} })).rejects.toThrow('no tool');
  });

  it('takes an agent key only, one message at a time, from no page of another origin, and only by POST', async () => {
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
    const post = (body: object) =>
      api.http.post('/mcp').set('accept', 'application/json, text/event-stream').send(body);
    const unknown = await post(message).expect(401);
    expect(unknown.headers['www-authenticate']).toContain('Bearer');
    expect(unknown.body.code).toBe('AP-1001');
    await post([message, message]).set(agent.auth).expect(400);
    const foreign = await post(message).set(agent.auth).set('origin', 'https://evil.example').expect(403);
    expect(foreign.body.error.reason).toBe('origin_refused');
    await post(message).set(agent.auth).set('origin', 'http://api.test').expect(200);
    const get = await api.http.get('/mcp').set(agent.auth).expect(405);
    expect(get.headers['allow']).toBe('POST, OPTIONS');
  });
});
