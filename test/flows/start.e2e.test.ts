import { createHmac } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isAlive } from '@agentpay/dev/alive';
import { formatDecimal } from '@agentpay/primitives';
import { createApiClient, createClient, paymentOf, type Dialect } from '@agentpay/sdk';
import { privateKeyToAccount } from 'viem/accounts';
import { expectedRefusals, playAgreements, type AgreementDev } from './devAgreement.js';
import { buyDirectly, byPython, byTypeScript, type DirectDev } from './devDirect.js';
import { buyByWorkflow, overseeByWorkflow, type WorkflowDev } from './devWorkflows.js';
import { paste, triggered } from './devPasted.js';
import { authorizeByX402, fundByX402, gatewayOf, type GatewayDev } from './devGateway.js';
import { eventually, freePort, spawnNode, type Spawned } from '@agentpay/testing';

/** On a busy machine the stack takes minutes to start. */
const START_MS = 300_000;
const inDev = (path: string) => fileURLToPath(new URL(`../../../packages/dev/${path}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'agentpay-start-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the tests read of `.agentpay/dev.json`. */
interface DevJson {
  readonly api: { readonly url: string };
  readonly facilitator: { readonly url: string };
  readonly seller: { readonly url: string; readonly address: string };
  readonly keys: GatewayDev['keys'] & AgreementDev['keys'] & DirectDev['keys'];
  readonly ids: GatewayDev['ids'] &
    AgreementDev['ids'] &
    DirectDev['ids'] &
    WorkflowDev['ids'] & { readonly wallet: string };
  readonly session: WorkflowDev['session'];
  readonly chain: AgreementDev['chain'] & DirectDev['chain'];
  readonly stripeWebhookSecret: string;
  readonly buyer: { readonly address: string; readonly privateKey: `0x${string}` };
  readonly pids: Record<'supervisor' | 'api' | 'facilitator' | 'seller' | 'chain', number>;
}

const devFile = join(folder, '.agentpay', 'dev.json');
const readDev = () => JSON.parse(readFileSync(devFile, 'utf8')) as DevJson;
/** What `npm start` runs. */
const start = (...args: string[]): Spawned => spawnNode(inDev('start.mjs'), { args, cwd: folder });
/** The same once everything is installed and built. */
const startBuilt = (...args: string[]): Spawned => spawnNode(inDev('dist/bin.js'), { args, cwd: folder });

async function balanceOf(dev: DevJson): Promise<bigint> {
  const { available, held } = await createApiClient({
    url: dev.api.url,
    apiKey: dev.keys.runtime,
  }).wallets.balance({
    wallet_id: dev.ids.wallet,
  });
  expect(held).toBe(0n);
  return available;
}

/** Sends an event in the place of Stripe. */
function signedEvent(dev: DevJson, at: string): Promise<Response> {
  const body = '{"id":"evt_about_nothing","type":"charge.updated"}';
  const time = Math.floor(Date.parse(at) / 1000);
  const signature = createHmac('sha256', dev.stripeWebhookSecret).update(`${time}.${body}`).digest('hex');
  const headers = { 'content-type': 'application/json', 'stripe-signature': `t=${time},v1=${signature}` };
  return fetch(`${dev.api.url}/stripe/webhook`, { method: 'POST', headers, body });
}

async function buy(dev: DevJson, dialect: Dialect): Promise<number> {
  const client = createClient({
    privateKey: dev.buyer.privateKey,
    agentpay: { url: dev.api.url, apiKey: dev.keys.runtime, walletId: dev.ids.wallet },
    prefer: [dialect],
    budget: { perRequest: '$0.02', total: '$0.02' },
  });
  const response = await client.fetch(`${dev.seller.url}/paid`);
  expect(paymentOf(response)?.dialect).toBe(dialect);
  return response.status;
}

test.each([
  [['--port', 'abc'], /--port.*abc/],
  [['--port', '70000'], /--port.*70000/],
  [['--block-time', '-1'], /--block-time.*-1/],
  [['--block-time', 'soon'], /--block-time.*soon/],
  [['--data', ''], /--data/],
  [['--colour'], /--colour/],
  [['stray'], /stray/],
])('%p is refused with one sentence', async (args, sentence) => {
  const run = startBuilt(...args);
  const { code } = await run.ended;
  expect(code).not.toBe(0);
  expect(run.output().trim()).toMatch(sentence);
  expect(run.output().trim().split('\n')).toHaveLength(1);
});

test('a taken port is refused with one sentence that names it', async () => {
  const port = await freePort();
  const holder = createServer().listen(port, '127.0.0.1');
  const run = startBuilt('--port', String(port));
  const { code } = await run.ended;
  await new Promise((resolve) => holder.close(resolve));
  expect(code).not.toBe(0);
  expect(run.output().trim()).toMatch(new RegExp(`^Port ${port} is taken.*$`));
});

test(
  '--once --json buys once in each dialect and leaves nothing behind',
  async () => {
    const run = start('--once', '--json', '--port', '0');
    const { code } = await run.ended;
    expect({ code, output: run.output() }).toMatchObject({ code: 0 });
    const { ok, purchases } = JSON.parse(
      run.output().slice(run.output().indexOf('{'), run.output().lastIndexOf('}') + 1),
    ) as {
      ok: boolean;
      purchases: { dialect: string; status: number; price: string; transaction?: string }[];
    };
    expect(ok).toBe(true);
    expect(purchases.map(({ dialect, status, price }) => [dialect, status, price])).toEqual([
      ['x402 v2', 200, '$0.01'],
      ['x402 v1', 200, '$0.01'],
      ['MPP', 200, '$0.01'],
      ['token', 200, '$0.01'],
    ]);
    for (const { dialect, transaction } of purchases) {
      if (dialect === 'token') expect(transaction).toBeUndefined();
      else expect(transaction).toMatch(/^0x[0-9a-f]{64}$/);
    }
    expect(existsSync(devFile)).toBe(false);
  },
  START_MS,
);

describe('a running stack', () => {
  const data = join(folder, 'data');
  let run: Spawned;
  let dev: DevJson;
  beforeAll(async () => {
    run = start('--port', '0', '--data', data);
    await run.line(/curl -i http/, START_MS);
    dev = readDev();
  }, START_MS);
  afterAll(() => run?.kill('SIGTERM'));

  test('is described in a file for its owner alone', () => {
    expect(statSync(devFile).mode & 0o777).toBe(0o600);
    expect(dev).toMatchObject({
      seller: { paths: { json: '/paid', post: '/post', stream: '/stream', fail: '/fail', slow: '/slow' } },
      chain: { chainId: 84532, network: 'eip155:84532' },
      pids: { supervisor: run.pid },
    });
  });

  test('tells of each part when it is ready, and prints what can be pasted', () => {
    const said = run.output();
    expect(said).toMatch(/^Building …\nBuilt after \d+\.\d s\.$/m);
    for (const name of ['chain', 'facilitator', 'API', 'seller'])
      expect(said).toMatch(
        new RegExp(`^${name} +ready at http://127\\.0\\.0\\.1:\\d+ after \\d+\\.\\d s$`, 'm'),
      );
    expect(said).toContain(
      `createClient({ privateKey: '${dev.buyer.privateKey}', budget: { total: '$1' } })`,
    );
    expect(said).toContain(`client.fetch('${dev.seller.url}/paid')`);
    expect(said).toContain(`Bearer ${dev.keys.runtime}`);
  });

  test('has a gateway with money, and a developer with earnings and invoices, whose agents it calls and pays', async () => {
    const market = gatewayOf(dev);
    const before = await market.gateways.balance();
    expect(before.available_usdc).toBeGreaterThanOrEqual(1_000_000_000n);
    const { total_usdc: earned } = await market.developers.earnings();
    expect(earned).toBeGreaterThanOrEqual(200_000_000n);
    const { invoices } = await market.invoices.list({ status: 'open' });
    expect(invoices.length).toBeGreaterThanOrEqual(2);
    const { receipts } = await market.receipts.list();
    expect(receipts).toContainEqual(expect.objectContaining({ amount_usdc: 5_000_000n }));
    const said = (at: string) => signedEvent(dev, at);
    expect((await said('2026-01-01T00:00:00Z')).status).toBe(401);
    expect(await (await said(new Date().toISOString())).json()).toEqual({ received: true });
    const spent = (await market.gateways.usage()).total_usdc;
    const listed = (await market.listings.list()).agents.map(({ id }) => id);
    expect(listed).toEqual(expect.arrayContaining([...dev.ids.listings]));
    let paid = 0n;
    for (const agent_id of dev.ids.listings) {
      const { methods } = await market.pricing.get({ agent_id });
      const { name, price_usdc } = methods[0] as { name: string; price_usdc: bigint };
      await market.gateways.provision({ agent_id, quota_usdc: formatDecimal(price_usdc) });
      const { call_id } = await market.calls.create({ agent_id, input: { task: name } });
      const output = { method: name, received: { task: name } };
      await eventually(async () => {
        const call = await market.calls.get({ call_id, wait: 20 });
        expect(call).toMatchObject({ status: 'completed', output });
      });
      await expect(market.calls.create({ agent_id, input: { task: name } })).rejects.toMatchObject({
        code: 'QUOTA_EXCEEDED',
      });
      await market.gateways.provision({ agent_id, quota_usdc: '1000.00' });
      paid += price_usdc;
    }
    expect((await market.gateways.usage()).total_usdc).toBe(spent + paid);
    expect((await market.gateways.balance()).available_usdc).toBe(before.available_usdc - paid);
  });

  test('makes happen in its folder what needs a chain or an agent to call', async () => {
    for (const event of ['payment.initiated', 'payment.confirmed', 'gateway.call_completed'])
      expect([event, await triggered(folder, event)]).toEqual([event, { code: 0, ok: true }]);
  });

  test('takes money for a gateway by x402, of the key that comes with it or of the payer', async () => {
    const market = gatewayOf(dev);
    const key = dev.keys.gateway;
    const before = await market.gateways.balance();
    const offer = await fetch(`${dev.api.url}/gateway/fund/x402`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"amount_usdc":"12.50"}',
    });
    expect(offer.status).toBe(402);
    const header = Buffer.from(offer.headers.get('payment-required') ?? '', 'base64').toString();
    expect(JSON.parse(header)).toMatchObject({
      accepts: [expect.objectContaining({ amount: '12500000', asset: dev.chain.usdc })],
    });
    // Without a key the money is the payer's, until a gateway claims it with their signature.
    expect(await fundByX402(dev, { amount: '2.00', asIntent: true })).toMatchObject({ status: 'settled' });
    expect((await market.gateways.balance()).available_usdc).toBe(before.available_usdc);
    const account = privateKeyToAccount(dev.buyer.privateKey);
    const address = account.address.toLowerCase();
    const callback = { name: 'Gateway', callback_url: 'https://example.com/webhook' };
    const { gateway_id } = await market.gateways.register(callback);
    const message = `AgentPay: gateway ${gateway_id} claims ${address}`;
    const signature = await account.signMessage({ message });
    const wrong = await account.signMessage({ message: `${message}.` });
    await expect(market.fundings.claim({ address, signature: wrong })).rejects.toMatchObject({
      reason: 'signature_wrong',
    });
    expect((await market.fundings.claim({ address, signature })).received_usdc).toBe(2_000_000n);
    expect((await market.fundings.claim({ address, signature })).received_usdc).toBe(0n);
    for (const asIntent of [true, false]) {
      const funded = await fundByX402(dev, { amount: '12.50', key, asIntent });
      expect(funded.status).toBe('settled');
      const { funding_id } = funded;
      expect(await market.fundings.get({ funding_id })).toMatchObject({ status: 'settled', source: 'x402' });
    }
    // The payer is bound to the gateway by now.
    expect(await fundByX402(dev, { amount: '1.00', asIntent: true })).toMatchObject({ status: 'settled' });
    const { available_usdc: available } = await market.gateways.balance();
    expect(available).toBe(before.available_usdc + 28_000_000n);
    // What an agent charges for with actual usage is held first, and completed with a receipt.
    const { authorization_id } = await authorizeByX402(dev, { amount: '12.00', key, asIntent: true });
    const usage = { tokens: 1234 };
    const completed = await market.billing.complete({ authorization_id, usage, amount_usdc: '10.00' });
    expect(completed.status).toBe('settled');
    // Its own key, and no developer's beside it.
    const receipt = await fetch(`${dev.api.url}/receipts/${completed.receipt_id}`, {
      headers: { 'x-gateway-key': key },
    });
    expect(await receipt.json()).toMatchObject({
      line_items: [{ desc: 'agent call', amount: '10.00' }],
    });
    const earned = await market.gateways.balance();
    expect(earned.available_usdc).toBe(available + 9_500_000n);
  });

  test(
    'serves the workflows of the document in their order: found, agreed on, activated, used, and settled on the chain',
    async () => {
      // The activation costs 0.10 beside what was used.
      expect(await buyByWorkflow(dev)).toEqual({
        locked: 1_000_000n,
        left: 0n,
        spent: 130_000n,
        earned: 30_000n,
      });
    },
    START_MS,
  );

  test(
    'asks the owner of an agent by its policies, and goes on as they decide',
    () => overseeByWorkflow(dev),
    START_MS,
  );

  test(
    'funds agreements on the chain by one signature each, and settles them there',
    async () => {
      const { agreed, settled, refused } = await playAgreements(dev);
      expect(refused).toEqual(expectedRefusals);
      // Each activation costs 0.10 beside its cap.
      expect(agreed).toEqual({ cap: 100_000n, held: 300_000n, spent: 600_000n });
      expect(settled).toEqual({ held: 0n, spent: 330_000n, earned: 30_000n });
    },
    START_MS,
  );

  test.each([
    ['TypeScript', byTypeScript],
    ['Python', byPython],
  ])(
    'has a service bought directly, signed in %s: paid on the chain when the seller accepts',
    async (_, sign) => {
      const hash = expect.stringMatching(/^0x[0-9a-f]{64}$/);
      expect(await buyDirectly(dev, sign)).toEqual({
        fee: '0.103',
        proposed: 'proposed',
        unaccepted: [0n, 0n, 0n],
        moved: [-5_103_000n, 5_000_000n, 103_000n],
        ended: expect.objectContaining({
          fee_tx_hash: hash,
          payment_tx_hash: hash,
          fee_return_tx_hash: null,
        }),
      });
    },
    START_MS,
  );

  test(
    'prints what runs as it is pasted: an SDK program, the example buyer, and lines of curl',
    async () => {
      expect(await paste(run.output())).toEqual({
        program: { code: 0, said: expect.stringMatching(/^200 \{/) },
        buyer: { code: 0, said: expect.stringMatching(/^status {7}200\n[^]*\nprice {8}\$0\.01\n/) },
        price: { code: 0, said: expect.stringMatching(/^HTTP\/1\.1 402 /m) },
        balance: { code: 0, said: expect.stringContaining(`"wallet_id":"${dev.ids.wallet}"`) },
      });
    },
    START_MS,
  );

  test('sells by the curl line it prints', async () => {
    const [, url] = await run.line(/curl -i (http\S+)/);
    const answer = await fetch(url as string);
    expect(answer.status).toBe(402);
    expect(answer.headers.get('payment-required')).not.toBeNull();
    expect(answer.headers.get('www-authenticate')).toMatch(/^Payment /);
    expect(await answer.json()).toMatchObject({
      x402Version: 1,
      code: 'payment_required',
      payment_token: { header: 'X-Payment-Token' },
    });
  });

  test.each(['facilitator', 'seller', 'api', 'chain'] as const)(
    'starts a killed %s again, with its state',
    async (part) => {
      const balance = await balanceOf(dev);
      const before = readDev().pids[part];
      process.kill(before, 'SIGKILL');
      await eventually(() => {
        const after = readDev().pids[part];
        if (after === before || !isAlive(after)) throw new Error(`The ${part} has not been started again.`);
      }, START_MS);
      expect(await eventually(() => balanceOf(dev))).toBe(balance);
      expect(await buy(dev, 'token')).toBe(200);
      expect(await buy(dev, 'x402v2')).toBe(200);
      expect(await balanceOf(dev)).toBe(balance - 10_000n);
    },
    2 * START_MS,
  );

  test(
    'ends with SIGTERM, all its processes with it, and comes back from its folder as it was',
    async () => {
      const balance = await balanceOf(dev);
      const { pids } = readDev();
      await run.kill('SIGTERM');
      expect((await run.ended).code).toBe(0);
      expect(Object.values(pids).filter(isAlive)).toEqual([]);
      expect(existsSync(devFile)).toBe(false);

      run = start('--port', '0', '--data', data);
      await run.line(/curl -i http/, START_MS);
      const second = startBuilt('--port', '0', '--data', data);
      expect((await second.ended).code).not.toBe(0);
      expect(second.output()).toMatch(/--data is in use by process/);
      dev = readDev();
      // One token was bought at the start, and the faucet gave 100 again.
      expect(await balanceOf(dev)).toBe(balance + 100_000_000n - 10_000n);
    },
    2 * START_MS,
  );

  test('ends with its supervisor even if that is killed', async () => {
    const { pids } = readDev();
    await run.kill('SIGKILL');
    await eventually(() => {
      const left = Object.entries(pids).filter(([, pid]) => isAlive(pid));
      if (left.length > 0) throw new Error(`still alive: ${left.map(([name]) => name).join(', ')}`);
    });
  });
});
