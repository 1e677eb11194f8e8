import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort, spawnNode, type Spawned } from '@agentpay/testing';
import { startLocalChain, type LocalChain } from '@agentpay/dev';
import { createClient, paymentOf } from '@agentpay/sdk';
import { paperShop } from '../families/paperShop.js';
import { signedIn } from '../families/signedIn.js';
import { newAgent, testApi, type TestApi } from '../families/testApi.js';
import { standInModel } from './model.js';
import { nextSettings, nextSite } from './nextSite.js';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';

const root = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const example = (name: string) =>
  root(name.includes('/') ? `examples/${name.replace('/', '/dist/')}.js` : `examples/${name}/dist/main.js`);

let chain: LocalChain;
const running: Spawned[] = [];

function run(name: string, env: Record<string, string>, file = example(name)): Spawned {
  const started = spawnNode(file, { env });
  running.push(started);
  return started;
}

const urlIn = async (started: Spawned): Promise<string> => (await started.line(/http:\/\/[^\s,]+/))[0];

beforeAll(async () => {
  chain = await startLocalChain({ blockTime: 0.1 });
});
afterAll(async () => {
  await Promise.all(running.map((each) => each.kill()));
  await chain?.close();
});

async function startFacilitator(env: Record<string, string> = {}): Promise<Spawned> {
  const signer = generatePrivateKey();
  await chain.fund(privateKeyToAddress(signer), { eth: 10n ** 18n });
  return run('self-hosted-facilitator', { RPC_URL: chain.rpcUrl, SIGNER_KEY: signer, PORT: '0', ...env });
}

describe('the examples', () => {
  it('together are a sale: the agent buys once from the paid API, settled by the self-hosted facilitator', async () => {
    const facilitator = await startFacilitator();
    const buyer = generatePrivateKey();
    await chain.fund(privateKeyToAddress(buyer), { usdc: 10_000n });
    const payTo = privateKeyToAddress(generatePrivateKey());
    const api = run('paid-api', {
      PORT: String(await freePort()),
      PAY_TO: payTo,
      FACILITATOR_URL: await urlIn(facilitator),
    });
    const agent = run('agent-buyer', { SELLER_URL: `${await urlIn(api)}/paid`, PRIVATE_KEY: buyer });
    expect(await agent.ended).toMatchObject({ code: 0 });
    expect(agent.output()).toMatch(
      /^status +200\ndialect +x402v2\nprice +\$0\.01\ntransaction +0x[0-9a-f]{64}\nanswer +\{"served":1\}\n$/,
    );
  });

  it('tell of a port that is taken as a fault', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const api = run('paid-api', { PORT: String(port), PAY_TO: privateKeyToAddress(generatePrivateKey()) });
    expect([(await api.ended).code, api.output()]).toEqual([
      1,
      `Port ${port} cannot be used: it is taken; give another one in PORT.\n`,
    ]);
    taken.close();
  });

  it('end with one sentence when they are not told what they need', async () => {
    const buyer = run('agent-buyer', { SELLER_URL: '' });
    expect([(await buyer.ended).code, buyer.output()]).toEqual([
      1,
      expect.stringMatching(/^Set SELLER_URL [^\n]+\n$/),
    ]);
    const facilitator = run('self-hosted-facilitator', { RPC_URL: '', SIGNER_KEYS: `0x${'11'.repeat(32)}` });
    expect([(await facilitator.ended).code, facilitator.output()]).toEqual([
      1,
      expect.stringMatching(/^RPC_URLS is missing[^\n]+\n$/),
    ]);
  });

  it('keep the facilitator behind its key, and let it stop', async () => {
    const facilitator = await startFacilitator({ FACILITATOR_KEY: 'open sesame' });
    const url = `${await urlIn(facilitator)}/supported`;
    const refused = await fetch(url);
    expect([refused.status, await refused.json()]).toEqual([
      401,
      expect.objectContaining({ code: 'unauthorized' }),
    ]);
    expect((await fetch(url, { headers: { authorization: 'Bearer open sesame' } })).status).toBe(200);
    await facilitator.kill('SIGTERM');
    expect(await facilitator.ended).toEqual({ code: 0, signal: null });
  });
});

/** Buys once with the SDK; gives the body and the dialect that was paid in. */
async function buyOnce(url: string): Promise<[unknown, string | undefined]> {
  const privateKey = generatePrivateKey();
  await chain.fund(privateKeyToAddress(privateKey), { usdc: 10_000n });
  const response = await createClient({ privateKey }).fetch(url);
  const dialect = paymentOf(response)?.dialect;
  const body: unknown = await response.json();
  return [response.status === 200 ? body : { status: response.status, body }, dialect];
}

describe('sellers', () => {
  let settings: Record<string, string>;
  beforeAll(async () => {
    const facilitator = await startFacilitator();
    const payTo = privateKeyToAddress(generatePrivateKey());
    settings = { PAY_TO: payTo, FACILITATOR_URL: await urlIn(facilitator), PORT: '0' };
  });

  it.each(['express', 'hono', 'fastify', 'koa', 'fetch'])(
    'by %s: refuse without payment, and sell',
    async (name) => {
      const seller = run(`sellers/${name}`, settings);
      const url = await urlIn(seller);
      expect((await fetch(url)).status).toBe(402);
      expect(await buyOnce(url)).toEqual([{ sky: 'blue' }, 'x402v2']);
      await seller.kill();
    },
  );

  it('by a route handler in a server of Next.js: refuse without payment, and sell', async () => {
    const site = nextSite(root('examples/sellers/dist/next/app'));
    try {
      const url = await urlIn(run('next', { ...settings, ...nextSettings }, site.program));
      const [asked, head] = [await fetch(url), await fetch(url, { method: 'HEAD' })];
      expect([asked.status, head.status]).toEqual([402, 402]);
      expect(asked.headers.get('cache-control')).toBe('no-store');
      expect(await buyOnce(url)).toEqual([{ sky: 'blue', city: 'bern' }, 'x402v2']);
    } finally {
      await running.at(-1)?.kill();
      site.remove();
    }
  }, 300_000);

  it('of the guide for moving from x402-express and @x402/express sell before and after', async () => {
    const guide = readFileSync(root('docs/migrate.md'), 'utf8');
    const programs = [...guide.matchAll(/```js\n([^]*?)```/g)].map((match) => match[1] as string);
    expect(programs).toHaveLength(4);
    const dialects: unknown[] = [];
    for (const [i, code] of programs.entries()) {
      const file = root(`test/dist/migrate-${process.pid}-${i}.mjs`);
      const told = "() => console.log('Selling at http://127.0.0.1:' + server.address().port + '/weather')";
      const here = code
        .replaceAll('http://127.0.0.1:3102', settings['FACILITATOR_URL'] as string)
        .replace('app.listen(3000);', `const server = app.listen(0, ${told});`)
        .replace('const server = new', 'const resources = new')
        .replace('accepts } }, server)', 'accepts } }, resources)');
      writeFileSync(file, here);
      try {
        const seller = run('migrate', {}, file);
        const [body, dialect] = await buyOnce(await urlIn(seller));
        expect([i, body]).toEqual([i, { sky: 'blue' }]);
        dialects.push(dialect);
        await seller.kill();
      } finally {
        rmSync(file, { force: true });
      }
    }
    expect(dialects).toEqual(['x402v1', 'x402v2', 'x402v2', 'x402v2']);
  });
});

describe('agents', () => {
  let api: TestApi;
  beforeAll(async () => {
    const settings = { DEV_SIGN_IN: 'true', OUTBOUND_LOOPBACK: 'true' };
    api = await testApi(settings, { demo: paperShop, reachable: true });
  });
  afterAll(() => api?.close());

  /** The key of an agent of the dashboard, with a wallet on a chain. */
  async function dashboardKey(): Promise<string> {
    const { writes } = await signedIn(api, 'owner');
    const { body: made } = await api.http
      .post('/api/agents')
      .set(writes)
      .send({ name: 'Shopper' })
      .expect(201);
    const { body } = await api.http.post(`/api/agents/${made.id}/api-keys`).set(writes).send({}).expect(201);
    return body.key as string;
  }

  const outputOf = async (name: string, env: Record<string, string> = {}) => {
    const agent = run(`agents/${name}`, { AGENTPAY_URL: api.url, ...env });
    const { code } = await agent.ended;
    if (code !== 0) throw new Error(agent.output().replaceAll('\n', ' | '));
    return agent.output();
  };

  it('trade on the marketplace: what was answered is paid, what failed is given back', async () => {
    expect(await outputOf('marketplace')).toBe('answered  settled\ngiven up  failed\nbalance   $4.99\n');
  });

  it('keep a metered agreement: usage counts once per event', async () => {
    expect(await outputOf('metered')).toBe('used      $0.05, left $0.45\nstatus    challenge_window\n');
  });

  it.each([
    ['claude', 'ANTHROPIC_URL', '', '/v1/messages'],
    ['openai', 'OPENAI_URL', '/v1', '/v1/chat/completions'],
  ])('on %s use the tools, and the model never sees the key', async (name, variable, base, path) => {
    const agent = await newAgent(api, { name, funds: 7 });
    const model = await standInModel('wallets_balance', { wallet_id: agent.wallet });
    try {
      const output = await outputOf(name, { AGENTPAY_API_KEY: agent.key, [variable]: model.url + base });
      expect(output).toMatch(/^The tool says \{.*"balance":7[,.}]/);
      expect(model.asked.map((one) => one.path)).toEqual([path, path]);
      const [first] = model.asked;
      const names = first?.body.tools.map((tool) => tool.name ?? tool.function?.name);
      expect(names).toEqual(expect.arrayContaining(['wallets_balance', 'payments_create']));
      expect(JSON.stringify(model.asked)).not.toContain(agent.key);
    } finally {
      await model.close();
    }
  });

  it.each([
    ['claude', 'ANTHROPIC_URL', ''],
    ['openai', 'OPENAI_URL', '/v1'],
  ])(
    'on %s buy from a server that answers 402, and the model never sees the key',
    async (name, variable, base) => {
      const key = await dashboardKey();
      const model = await standInModel('fetch_paid', { url: `${api.url}/api/demo/seller`, max_amount: 0.05 });
      try {
        const output = await outputOf(name, { AGENTPAY_API_KEY: key, [variable]: model.url + base });
        expect(output).toMatch(/^The tool says \{"status":200,.*ETH\/USD.*"payment":\{.*"amount":"10000"/);
        expect(JSON.stringify(model.asked)).not.toContain(key);
      } finally {
        await model.close();
      }
    },
  );

  it('of LangChain use the tools with any chat model of it, which never sees the key', async () => {
    const agent = await newAgent(api, { name: 'LangChain', funds: 7 });
    const { langchainTools, answer } = (await import(example('agents/langchain'))) as LangchainExample;
    const tools = await langchainTools(api.url, agent.key);
    const seen: string[] = [];
    const model = {
      bindTools: (bound: readonly { name: string }[]) => ({
        invoke(messages: readonly { content: string }[]) {
          seen.push(JSON.stringify([bound, messages]));
          const { content } = messages.at(-1) as { content: string };
          if (messages.length > 1) return Promise.resolve({ text: `The tool says ${content}` });
          const call = { id: 'call_1', name: 'wallets_balance', args: { wallet_id: agent.wallet } };
          return Promise.resolve({ text: '', tool_calls: [call] });
        },
      }),
    };
    expect(await answer(model, { question: 'What do I have?', tools })).toMatch(
      /^The tool says \{.*"balance":7[,.}]/,
    );
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['payments_create']));
    expect(seen).toHaveLength(2);
    expect(seen.join()).not.toContain(agent.key);
    const buying = await langchainTools(api.url, await dashboardKey());
    const bought = await buying
      .find(({ name }) => name === 'fetch_paid')
      ?.invoke({ url: `${api.url}/api/demo/seller` });
    expect(JSON.parse(String(bought))).toMatchObject({ status: 200, payment: { amount: '10000' } });
  });
});

interface LangchainExample {
  langchainTools(
    url: string,
    apiKey: string,
  ): Promise<readonly { name: string; invoke(input: object): Promise<unknown> }[]>;
  answer(model: unknown, asked: { question: string; tools: readonly unknown[] }): Promise<string>;
}

it('every example has fewer than 60 lines, but the two that are programs to run', () => {
  const whole = ['paid-api/src/main.ts', 'self-hosted-facilitator/src/main.ts'];
  const long = readdirSync(root('examples'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /^[^/]+\/src\/.*\.ts$/.test(path) && !whole.includes(path))
    .filter((path) => readFileSync(root(`examples/${path}`), 'utf8').split('\n').length > 60);
  expect(long).toEqual([]);
});
