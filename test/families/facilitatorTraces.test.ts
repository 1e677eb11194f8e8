import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startLocalChain, type LocalChain } from '@agentpay/dev';
import { freePort, spawnNode, testDatabase, type TestDatabase } from '@agentpay/testing';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { newAccount, paymentOf } from '../stress/facilitatorNode.js';
import { attributesOf, startCollector, type Collector, type Span } from './collector.js';

const BIN = fileURLToPath(new URL('../../../packages/facilitator/dist/bin.js', import.meta.url));
const INDEX = new URL('../../../packages/facilitator/dist/index.js', import.meta.url).href;

describe('traces of the facilitator', () => {
  let chain: LocalChain;
  let database: TestDatabase;
  let collector: Collector;
  const signerKey = generatePrivateKey();

  beforeAll(async () => {
    [chain, database, collector] = await Promise.all([
      startLocalChain({ blockTime: 0.2 }),
      testDatabase(),
      startCollector(),
    ]);
    await chain.fund(privateKeyToAccount(signerKey).address, { eth: 10n ** 18n });
  });
  afterAll(async () => {
    collector?.close();
    await chain?.close();
    await database?.drop();
  });

  const start = async (endpoint: string) => {
    const env = {
      RPC_URLS: chain.rpcUrl,
      SIGNER_KEYS: signerKey,
      DATABASE_URL: database.url,
      REDIS_URL: '',
      SETTLE_TIMEOUT_MS: '200000',
      PORT: '0',
      HOST: '127.0.0.1',
    };
    const node = spawnNode(BIN, { env: { ...env, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } });
    const [, url = ''] = await node.line(/^facilitator on (http:\S+) for /);
    const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
      const init = {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      };
      return (await (await fetch(url + path, init)).json()) as { transaction: string };
    };
    return { node, post };
  };

  const payment = async () => {
    const payer = newAccount();
    await chain.fund(payer.address, { usdc: 10_000n });
    return paymentOf(payer, newAccount().address);
  };

  it('are those of the callers, say what was done and how it ended, and hold no signature and no key', async () => {
    const { node, post } = await start(collector.url);
    const paid = await payment();
    const parents = {
      verify: ['1'.repeat(32), '2'.repeat(16)],
      settle: ['3'.repeat(32), '4'.repeat(16)],
    } as const;
    const traceparent = (name: keyof typeof parents) => ({ traceparent: `00-${parents[name].join('-')}-01` });
    expect(await post('/verify', paid, traceparent('verify'))).toMatchObject({ isValid: true });
    const { transaction } = await post('/settle', paid, traceparent('settle'));
    expect(transaction).toMatch(/^0x[0-9a-f]{64}$/);
    await node.kill('SIGTERM');
    expect((await node.ended).code).toBe(0);

    const spans = collector.spans();
    const only = (name: string) => {
      const found = spans.filter((span) => span.name === name);
      expect(found).toHaveLength(1);
      return found[0] as Span;
    };
    const exact = { 'agentpay.network': 'eip155:84532', 'agentpay.scheme': 'exact' };
    for (const name of ['verify', 'settle'] as const) {
      const [traceId, parentSpanId] = parents[name];
      expect(only(name)).toMatchObject({ traceId, parentSpanId });
    }
    expect(attributesOf(only('verify'))).toMatchObject({ ...exact, 'agentpay.result': 'valid' });
    expect(attributesOf(only('settle'))).toMatchObject({
      ...exact,
      'agentpay.result': 'settled',
      'agentpay.transaction': transaction,
    });

    const below = (parent: Span) =>
      spans.filter(({ parentSpanId }) => parentSpanId === parent.spanId).map(({ name }) => name);
    expect(below(only('verify'))).toContain('rpc read');
    const settlements = 'facilitator_settlements';
    expect(below(only('settle'))).toEqual(expect.arrayContaining(['rpc read', `db insert ${settlements}`]));

    const batch = only('batch');
    expect(batch.parentSpanId ?? '').toBe('');
    expect(attributesOf(batch)).toMatchObject({
      'agentpay.batch_size': 1,
      'agentpay.transaction': transaction,
    });
    expect(below(batch)).toEqual(expect.arrayContaining(['db transaction', 'rpc send']));
    expect(attributesOf(spans.find(({ name }) => name === 'rpc send') as Span)).toMatchObject({
      'agentpay.result': 'ok',
    });

    const all = collector.texts.join('\n');
    expect(all).toContain('"agentpay-facilitator"');
    const signature = paid.paymentPayload.payload['signature'] as string;
    for (const secret of [signature.slice(2), signerKey.slice(2), new URL(chain.rpcUrl).host])
      expect(all).not.toContain(secret);
  });

  it('leave out what the caller does not want to be seen', async () => {
    const before = collector.spans().length;
    const { node, post } = await start(collector.url);
    const unwanted = '5'.repeat(32);
    await post('/verify', await payment(), { traceparent: `00-${unwanted}-${'6'.repeat(16)}-00` });
    await post('/verify', await payment());
    await node.kill('SIGTERM');
    const verified = collector
      .spans()
      .slice(before)
      .filter(({ name }) => name === 'verify');
    expect(verified).toHaveLength(1);
    expect(collector.texts.join()).not.toContain(unwanted);
  });

  it('hold up nothing when the collector is away, which the log tells', async () => {
    const { node, post } = await start(`http://127.0.0.1:${await freePort()}`);
    expect(await post('/settle', await payment())).toMatchObject({ success: true });
    await node.kill('SIGTERM');
    expect((await node.ended).code).toBe(0);
    expect(node.output()).toContain('spans were not delivered');
  });

  it('cost nothing when they are not asked for: the library is not even loaded', async () => {
    const program = `import { createRequire } from 'node:module';
      await import(process.argv[1]);
      console.log(Object.keys(createRequire(import.meta.url).cache).filter((path) => /opentelemetry.(sdk|exporter)/.test(path)).length);`;
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--input-type=module',
      '-e',
      program,
      INDEX,
    ]);
    expect(stdout).toBe('0\n');
  });
});
