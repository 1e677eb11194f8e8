import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { baseSepolia } from '@agentpay/primitives';
import { startLocalChain, type LocalChain } from '@agentpay/dev';
import { eventually, freePort, spawnNode, testDatabase, type TestDatabase } from '@agentpay/testing';
import { getAddress } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { bundled } from '../stress/bundled.js';
import { newAccount, paymentOf } from '../stress/facilitatorNode.js';

const BIN = await bundled(
  fileURLToPath(new URL('../../../packages/facilitator/dist/bin.js', import.meta.url)),
);
const password = 'correct horse battery staple';

/** How long `/settle` waits here; a busy machine takes its time. */
const SETTLE_TIMEOUT_MS = '200000';

/** Runs `agentpay-facilitator` in an environment of its own. */
function run(env: Record<string, string>, ...args: string[]) {
  const none = { DATABASE_URL: '', REDIS_URL: '', SIGNER_KEYS: '', SIGNER_KEY: '', LOG_LEVEL: 'info' };
  return spawnNode(BIN, { args, env: { ...none, PORT: '0', HOST: '127.0.0.1', SETTLE_TIMEOUT_MS, ...env } });
}

async function outputOf(
  env: Record<string, string>,
  ...args: string[]
): Promise<{ code: number | null; output: string }> {
  const process = run(env, ...args);
  const { code } = await process.ended;
  return { code, output: process.output() };
}

/** Makes an API key by the command; its text, and the entry for API_KEYS. */
async function makeKey(name: string, scopes: string) {
  const { output } = await outputOf({}, 'key', 'create', name, scopes);
  const [, text = '', entry = ''] = /: +(fk_\S+)\n.*: +(\S+)\n/.exec(output) ?? [];
  return { text, entry };
}

describe('the facilitator as a command', () => {
  let chain: LocalChain;
  let folder: string;
  let database: TestDatabase;
  let keystore: Record<string, string>;
  const signerKey = generatePrivateKey();

  beforeAll(async () => {
    [chain, database] = await Promise.all([startLocalChain({ blockTime: 0.2 }), testDatabase()]);
    folder = await mkdtemp(join(tmpdir(), 'facilitator-'));
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    keystore = { KEYSTORE_FILE: join(folder, 'signer.json'), KEYSTORE_PASSWORD_FILE: passwordFile };
    const { code, output } = await outputOf(
      keystore,
      'keystore',
      'create',
      keystore['KEYSTORE_FILE'] as string,
    );
    const [, signer = ''] = /^(0x[0-9a-fA-F]{40}) is in .+signer\.json\.\n$/.exec(output) ?? [];
    expect([code, getAddress(signer)]).toEqual([0, signer]);
    await chain.fund(getAddress(signer), { eth: 10n ** 18n });
    await chain.fund(privateKeyToAccount(signerKey).address, { eth: 10n ** 18n });
  });
  afterAll(async () => {
    await chain.close();
    await database.drop();
    await rm(folder, { recursive: true });
  });

  const start = async (env: Record<string, string> = {}) => {
    const process = run({
      RPC_URLS: chain.rpcUrl,
      SIGNER_KEYS: signerKey,
      DATABASE_URL: database.url,
      ...env,
    });
    const [, url = ''] = await process.line(/^facilitator on (http:\S+) for eip155:84532$/);
    const call = (path: string, init: { key?: string; body?: unknown } = {}) => {
      const headers = {
        'content-type': 'application/json',
        ...(init.key !== undefined && { authorization: `Bearer ${init.key}` }),
      };
      return fetch(url + path, {
        headers,
        ...(init.body !== undefined && { method: 'POST', body: JSON.stringify(init.body) }),
      });
    };
    return { process, call, url };
  };

  it('pays with the key of an encrypted keystore, which nobody else may read and nothing overwrites', async () => {
    const file = keystore['KEYSTORE_FILE'] as string;
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const before = await readFile(file, 'utf8');
    const again = await outputOf(keystore, 'keystore', 'create', file);
    expect(again).toEqual({ code: 1, output: `${file} cannot be written: it exists already.\n` });
    expect(await readFile(file, 'utf8')).toBe(before);

    const [payer, boss] = [newAccount(), await makeKey('boss', 'admin')];
    await chain.fund(payer.address, { usdc: 10_000n });
    const metricsToken = randomBytes(32).toString('hex');
    const { process, call } = await start({
      ...keystore,
      SIGNER_KEYS: '',
      API_KEYS: boss.entry,
      METRICS_TOKEN: metricsToken,
    });
    const payment = await paymentOf(payer, newAccount().address);
    const settled = (await (await call('/settle', { body: payment })).json()) as { transaction: string };
    expect(settled).toMatchObject({ success: true });
    expect(await (await call('/readyz')).json()).toMatchObject({ status: 'ok' });
    const { settlements } = (await (await call('/settlements', { key: boss.text })).json()) as {
      settlements: object[];
    };
    expect(settlements).toEqual([
      expect.objectContaining({ state: 'settled', transaction: settled.transaction }),
    ]);
    expect(await (await call('/metrics', { key: metricsToken })).text()).toMatch(
      /^agentpay_facilitator_process_cpu_seconds_total \d/m,
    );

    await process.kill('SIGTERM');
    expect(await process.ended).toEqual({ code: 0, signal: null });
    const signature = payment.paymentPayload.payload['signature'] as string;
    const secrets = [
      signature.slice(2, 60),
      boss.text.slice(3),
      metricsToken,
      password,
      new URL(database.url).password || metricsToken,
    ];
    expect(process.output()).toContain(settled.transaction);
    for (const secret of secrets) expect(process.output()).not.toContain(secret);
  });

  it('says in one sentence that the password is wrong', async () => {
    const file = keystore['KEYSTORE_FILE'] as string;
    const { code, output } = await outputOf({
      RPC_URLS: chain.rpcUrl,
      KEYSTORE_FILE: file,
      KEYSTORE_PASSWORD: 'not the password',
    });
    expect([code, output]).toEqual([1, `KEYSTORE_FILE ${file}: The password of the keystore is wrong.\n`]);
  });

  it('names every fault of its environment, and no stack', async () => {
    const { code, output } = await outputOf({ RPC_URLS: 'x', MAX_BATCH: '0', BATCH_WINDOW_MS: '0' });
    expect(code).toBe(2);
    expect(output).toBe(
      'RPC_URLS must be an http(s) URL.\nMAX_BATCH must be a whole number from 1 to 200.\n' +
        'BATCH_WINDOW_MS must be a whole number from 1 to 10000.\n',
    );
  });

  it('says which of its neighbours cannot be reached', async () => {
    const [away, env] = [await freePort(), { RPC_URLS: chain.rpcUrl, SIGNER_KEYS: signerKey }];
    const outputs = await Promise.all([
      outputOf({ ...env, DATABASE_URL: `postgres://user:secret@127.0.0.1:${away}/none` }),
      outputOf({ ...env, DATABASE_URL: database.url, RPC_URLS: `http://127.0.0.1:${away}/v2/provider-key` }),
    ]);
    expect(outputs.map(({ code }) => code)).toEqual([1, 1]);
    expect(outputs[0]?.output).toMatch(/^The database cannot be used: .+\.\n$/);
    expect(outputs[1]?.output).toMatch(/^(\{.*\}\n)*No RPC node of RPC_URLS can be used: .+\.\n$/);
    for (const { output } of outputs) expect(output).not.toMatch(/secret|provider-key/);
  });

  it('refuses a network with real money, and a node on another chain', async () => {
    const base = {
      RPC_URLS: chain.rpcUrl,
      SIGNER_KEYS: signerKey,
      DATABASE_URL: database.url,
      NETWORKS: 'base',
    };
    expect((await outputOf(base)).output).toContain('ALLOW_MAINNET=true');
    const { code, output } = await outputOf({ ...base, ALLOW_MAINNET: 'true', RATE_LIMIT_PER_MINUTE: '60' });
    expect([code, output]).toEqual([
      1,
      expect.stringContaining(`on chain ${baseSepolia.chainId}, not on base (8453)`),
    ]);
  });

  it('explains itself when a command is not one', async () => {
    expect((await outputOf({}, '--help')).code).toBe(0);
    const wrong = [['serve'], ['key', 'create', 'x', 'everything'], ['keystore', 'create', 'a', 'b']];
    for (const { code, output } of await Promise.all(wrong.map((args) => outputOf({}, ...args)))) {
      expect([code, output]).toEqual([
        2,
        expect.stringMatching(/^("(serve|b)" is too much|The scopes of a key are)[^\n]+\n$/),
      ]);
    }
  });

  it('prints for programs: where it listens, what it made, and why it does not start', async () => {
    const json = async (...args: Parameters<typeof outputOf>) => {
      const { code, output } = await outputOf(...args);
      return [code, JSON.parse(output)];
    };
    const made = await json({}, 'key', 'create', 'shop', 'verify', '--json');
    expect(made).toEqual([0, { ok: true, key: expect.stringMatching(/^fk_/), entry: expect.any(String) }]);
    const away = { RPC_URLS: `http://127.0.0.1:${await freePort()}`, SIGNER_KEYS: signerKey };
    expect(await json({ ...away, LOG_LEVEL: 'silent' }, '--json')).toMatchObject([
      1,
      { ok: false, error: { code: 'start_failed', message: expect.any(String) } },
    ]);
    const running = run({ RPC_URLS: chain.rpcUrl, SIGNER_KEYS: signerKey, LOG_LEVEL: 'silent' }, '--json');
    const [line] = await running.line(/^\{.*\}$/);
    expect(JSON.parse(line)).toEqual({
      ok: true,
      url: expect.stringMatching(/^http:/),
      network: baseSepolia.id,
    });
    await running.kill('SIGTERM');
    expect(await running.ended).toEqual({ code: 0, signal: null });
  });

  it('counts the calls of a key together with its replicas on Redis, and alone while Redis is away', async () => {
    const shop = await makeKey(`shop-${randomBytes(6).toString('hex')}`, 'verify');
    const limited = { API_KEYS: shop.entry, RATE_LIMIT_PER_MINUTE: '1', RATE_LIMIT_BURST: '3' };
    const redis = process.env['REDIS_URL'] as string;
    const [one, two] = await Promise.all([
      start({ ...limited, REDIS_URL: redis }),
      start({ ...limited, REDIS_URL: redis }),
    ]);
    const statuses = [];
    for (const node of [one, two, one, two])
      statuses.push((await node.call('/verify', { key: shop.text, body: {} })).status);
    expect(statuses).toEqual([400, 400, 400, 429]);
    await Promise.all([one.process.kill('SIGTERM'), two.process.kill('SIGTERM')]);

    const alone = await start({ ...limited, REDIS_URL: `redis://127.0.0.1:${await freePort()}` });
    const after = [];
    for (let i = 0; i < 4; i++)
      after.push((await alone.call('/verify', { key: shop.text, body: {} })).status);
    expect(after).toEqual([400, 400, 400, 429]);
    await alone.process.kill('SIGTERM');
  });

  it('told to end twice, finishes the request under way all the same, and says that the connection ends', async () => {
    const { process: server, url, call } = await start();
    // It has a moment in the end, which is no time for the first request of a process.
    expect((await call('/verify', { body: {} })).status).toBe(400);
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    let heard = '';
    socket.on('data', (chunk) => (heard += String(chunk)));
    const head =
      'POST /verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n';
    socket.write(`${head}Expect: 100-continue\r\n\r\n`);
    await once(socket, 'data'); // 100 Continue: the request is under way
    process.kill(server.pid, 'SIGTERM');
    // It has heard of the first when it takes no more connections.
    await eventually(() => expect(fetch(`${url}/healthz`)).rejects.toThrow());
    process.kill(server.pid, 'SIGTERM');
    socket.write('{}');
    await once(socket, 'close');
    expect(heard).toContain('HTTP/1.1 400 Bad Request');
    expect(heard).toMatch(/^connection: close\r$/im);
    expect(await server.ended).toEqual({ code: 0, signal: null });
  });

  it('told to end, answers what is under way with what is known, and its successor finishes it', async () => {
    const [payer, boss] = [newAccount(), await makeKey('boss', 'admin')];
    await chain.fund(payer.address, { usdc: 10_000n });
    const payment = await paymentOf(payer, newAccount().address);
    // Far more confirmations than there will be blocks: the call waits.
    const first = await start({ CONFIRMATIONS: '1000', API_KEYS: boss.entry });
    const answer = first.call('/settle', { body: payment }).then((response) => response.json());
    await eventually(async () => {
      const { settlements } = (await (
        await first.call('/settlements?state=sent', { key: boss.text })
      ).json()) as { settlements: object[] };
      expect(settlements).toHaveLength(1);
    });
    await first.process.kill('SIGTERM');
    expect(await first.process.ended).toEqual({ code: 0, signal: null });
    const known = (await answer) as { errorReason: string; transaction: string };
    expect(known).toMatchObject({ success: false, errorReason: 'settlement_pending' });
    expect(known.transaction).toMatch(/^0x[0-9a-f]{64}$/);
    const second = await start();
    const finished = (await (await second.call('/settle', { body: payment })).json()) as object;
    expect(finished).toMatchObject({ success: true, transaction: known.transaction });
    await second.process.kill('SIGTERM');
  });
});
