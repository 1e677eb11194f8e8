import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { freePort, spawnNode, type Spawned } from '@agentpay/testing';
import { startLocalChain, type LocalChain } from '@agentpay/dev';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';

const example = (name: string) =>
  fileURLToPath(new URL(`../../../examples/${name}/dist/main.js`, import.meta.url));

let chain: LocalChain;
const running: Spawned[] = [];

function run(name: string, env: Record<string, string>): Spawned {
  const started = spawnNode(example(name), { env });
  running.push(started);
  return started;
}

const urlIn = async (started: Spawned): Promise<string> => (await started.line(/http:\/\/[^\s,]+/))[0];

beforeAll(async () => {
  chain = await startLocalChain({ blockTime: 0.1 });
}, 60_000);
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
  }, 60_000);

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
  }, 60_000);

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
  }, 60_000);
});
