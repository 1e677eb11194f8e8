import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { callName, endpoints, toolsOf } from '@agentpay/api';
import { freePort, spawnNode, type Spawned } from '@agentpay/testing';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { generatePrivateKey } from 'viem/accounts';
import { destructiveTools, harmlessTools } from '../families/destructiveTools.js';
import { newAgent, testApi, type TestAgent, type TestApi } from '../families/testApi.js';

/** `agentpay-mcp` as a client starts it: a process that speaks over standard input and output. */
const file = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const BIN = file('packages/mcp/dist/bin.js');
const PRIVATE_KEY = generatePrivateKey();

let api: TestApi;
let agent: TestAgent;
let seller: Spawned;
let shop: string;
const clients: Client[] = [];

beforeAll(async () => {
  api = await testApi();
  agent = await newAgent(api, { funds: 5 });
  seller = spawnNode(file('packages/server/dist/bin.js'), { args: ['mock', '--port', '0'] });
  shop = (await seller.line(/http:\/\/\S+/))[0];
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await seller?.kill();
  await api?.close();
});

async function connect(env: Record<string, string>): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  const options = { command: process.execPath, args: [BIN], env: { ...getDefaultEnvironment(), ...env } };
  await client.connect(new StdioClientTransport(options), { timeout: 120_000 });
  clients.push(client);
  return client;
}

async function call(client: Client, name: string, input: Record<string, unknown> = {}) {
  const result = await client.callTool({ name, arguments: input }, undefined, { timeout: 120_000 });
  const [first] = result.content as { text: string }[];
  return { isError: result.isError === true, content: JSON.parse((first as { text: string }).text) };
}

describe('agentpay-mcp', () => {
  it('starts without a reachable API, lists every tool, and tells that the API gave no response', async () => {
    const client = await connect({
      AGENTPAY_URL: `http://127.0.0.1:${await freePort()}`,
      AGENTPAY_API_KEY: 'pk_test_x',
    });
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      ...toolsOf(endpoints).map(({ name }) => name),
      'fetch_paid',
    ]);
    expect(tools.length).toBeGreaterThan(40);
    expect(tools.map(({ name }) => name)).toContain('payments_create');
    const changing = tools.filter(({ annotations }) => annotations?.readOnlyHint === false);
    const marked = (destructive: boolean) =>
      changing
        .filter(({ annotations }) => annotations?.destructiveHint === destructive)
        .map(({ name }) => name);
    expect(marked(true)).toEqual([...destructiveTools, 'fetch_paid']);
    expect(marked(false)).toEqual(harmlessTools);
    const refused = await call(client, 'wallets_balance', { wallet_id: agent.wallet });
    expect(refused).toMatchObject({
      isError: true,
      content: { reason: 'outcome_unknown', hint: expect.any(String) },
    });
  });

  it('carries calls out with the key of its environment, and shows refusals as results', async () => {
    const client = await connect({ AGENTPAY_URL: api.url, AGENTPAY_API_KEY: agent.key });
    const paid = await call(client, 'payments_create', {
      from_wallet_id: agent.wallet,
      to_external: 'merchant:demo',
      amount: 1,
    });
    expect(paid).toMatchObject({ isError: false, content: { amount: 1, status: 'completed' } });
    const dear = await call(client, 'payments_create', {
      from_wallet_id: agent.wallet,
      to_external: 'merchant:demo',
      amount: 1000,
    });
    expect(dear).toMatchObject({
      isError: true,
      content: { reason: 'insufficient_funds', request_id: expect.any(String) },
    });
    expect(await call(client, 'payments_create', {})).toMatchObject({
      isError: true,
      content: { reason: 'invalid_request', param: 'from_wallet_id' },
    });
    // An endpoint for gateways: the key of an agent does not open it.
    expect(await call(client, 'gateway_gateways_balance')).toMatchObject({ isError: true });
  });

  it('offers the groups that its environment names, and no tool shows a key of the API', async () => {
    const client = await connect({ AGENTPAY_TOOLS: 'payments, gateway.calls' });
    const { tools } = await client.listTools();
    const groups = tools.map((tool) => tool._meta?.['agentpay/group']);
    expect([...new Set(groups)]).toEqual(['payments', 'gateway.calls', 'fetch']);
    expect(tools.at(-1)?.name).toBe('fetch_paid');
    const named = toolsOf(endpoints).flatMap(({ endpoint }) =>
      Object.keys(endpoint.response.shape).map((field) => `${callName(endpoint)}.${field}`),
    );
    expect(
      named.filter((name) =>
        /(^|_)(key|secret|api_key|privateKey|apiKey)$/.test(name.split('.')[1] as string),
      ),
    ).toEqual([]);
  });

  it('pays what a 402 asks for within the limits of the call and of the process, and never shows its key', async () => {
    const client = await connect({
      AGENTPAY_PRIVATE_KEY: PRIVATE_KEY,
      AGENTPAY_MAX_PER_CALL: '$0.05',
      AGENTPAY_MAX_TOTAL: '$0.06',
    });
    const buy = (path: string, input: object = {}) =>
      call(client, 'fetch_paid', { url: shop + path, ...input });
    expect(await buy('/weather?price=0.02', { max_amount: 0.01 })).toMatchObject({
      isError: true,
      content: { code: 'budget_exceeded', reason: 'per_request' },
    });
    expect(await buy('/weather?price=0.2', { max_amount: 5 })).toMatchObject({
      content: { reason: 'per_request' },
    });
    const bought = await buy('/weather?price=0.04', { max_amount: '$0.04' });
    expect(bought).toMatchObject({ isError: false, content: { status: 200, payment: { amount: '40000' } } });
    expect(await buy('/other?price=0.03')).toMatchObject({ isError: true, content: { reason: 'total' } });
    const echoed = await buy(`/${PRIVATE_KEY}?price=0.01`);
    expect(JSON.stringify(echoed)).not.toContain(PRIVATE_KEY);
    expect(await buy('/x', { url: 'file:///etc/passwd' })).toMatchObject({
      isError: true,
      content: { reason: 'invalid_request', param: 'url' },
    });
  });

  it('says in a result what it needs to pay, and on stderr which variable is wrong', async () => {
    const client = await connect({});
    expect(await call(client, 'fetch_paid', { url: `${shop}/weather` })).toMatchObject({
      isError: true,
      content: { message: expect.stringContaining('AGENTPAY_PRIVATE_KEY') },
    });
    for (const [name, value] of [
      ['AGENTPAY_URL', 'nowhere'],
      ['AGENTPAY_MAX_TOTAL', 'much'],
      ['AGENTPAY_TOOLS', 'nothing'],
      ['AGENTPAY_PRIVATE_KEY', '0x12'],
    ] as const) {
      const failed = spawnNode(BIN, { env: { [name]: value } });
      expect(await failed.ended).toMatchObject({ code: 2 });
      expect(failed.output()).toContain(`agentpay-mcp: ${name}`);
    }
  });

  it('tells whoever starts it by hand what it reads, and refuses what it does not know', async () => {
    const run = async (...args: string[]) => {
      const process = spawnNode(BIN, { args });
      return { ...(await process.ended), output: process.output() };
    };
    const { version } = JSON.parse(await readFile(file('packages/mcp/package.json'), 'utf8'));
    expect(await run('--version')).toMatchObject({ code: 0, output: `${version}\n` });
    const help = await run('--help');
    expect(help).toMatchObject({ code: 0, output: expect.stringContaining('AGENTPAY_API_KEY') });
    expect(await run('-h')).toEqual(help);
    expect(await run('--port')).toMatchObject({ code: 2, output: expect.stringContaining('"--port"') });
  });
});
