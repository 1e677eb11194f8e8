import { createServer, type Server } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { table } from '@agentpay/cli';
import { payingMcpClient } from '@agentpay/mcp/paid';
import { paywall } from '@agentpay/paywall';
import { verifyPaymentReceipt } from '@agentpay/sdk';
import { runCommands } from '@agentpay/http/commands';
import { spawnNode, type Spawned } from '@agentpay/testing';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';

/** `agentpay sell`, from an empty folder, with buyers who have the command line alone. One local chain serves all of it. */
const file = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const BIN = file('packages/cli/dist/bin.js');
const document = {
  openapi: '3.1.0',
  info: { title: 'Weather', version: '2' },
  servers: [{ url: 'https://internal.example' }],
  paths: {
    '/weather/{city}': { get: { summary: 'Weather of a city', responses: { 200: { description: 'ok' } } } },
    '/health': { get: { responses: { 200: { description: 'ok' } } } },
  },
};

let folder: string;
let api: Server;
let shop: Spawned;
let url: string;
const seen: { url: string; headers: Record<string, unknown>; body: string }[] = [];

/** Carries a command out in the folder, within this process; `heard` is told what comes of the body. */
async function agentpay(words: readonly string[], heard: (text: string) => void = () => undefined) {
  let said = '';
  const keep = (line: string) => void (said += `${line}\n`);
  const code = await runCommands(table, words, {
    print: keep,
    note: keep,
    async write(bytes) {
      said += Buffer.from(bytes).toString();
      heard(said);
    },
    env: { AGENTPAY_HOME: join(folder, 'home') },
    folder,
  });
  return { code, said };
}
const json = async (...words: string[]): Promise<Record<string, unknown>> => {
  const { code, said } = await agentpay([...words, '--json']);
  return { code, ...(JSON.parse(said) as Record<string, unknown>) };
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'agentpay-cli-'));
  api = createServer((req, res) => {
    let body = '';
    req.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    req.once('end', () => {
      seen.push({ url: req.url ?? '', headers: req.headers, body });
      if (req.url === '/broken') return void res.writeHead(500).end('no');
      if (req.url !== '/ticks')
        return void res.setHeader('Content-Type', 'text/plain').end(`${req.method} ${req.url} ${body}`);
      res.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: one\n\n');
      // The second event is written once somebody has read the first one.
      api.once('read', () => res.end('data: two\n\n'));
    });
  });
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
  writeFileSync(join(folder, 'openapi.json'), JSON.stringify(document));
  writeFileSync(
    join(folder, 'prices.json'),
    JSON.stringify({ 'GET /health': 'free', '/dear': { price: '$2' } }),
  );
  const upstream = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  const args = [
    'sell',
    './openapi.json',
    '--upstream',
    upstream,
    '--price',
    '$0.01',
    '--prices',
    'prices.json',
  ];
  args.push('--port', '0', '--upstream-header', 'X-Api-Key: $UPSTREAM_KEY');
  shop = spawnNode(BIN, { args, cwd: folder, env: { UPSTREAM_KEY: 'k-123' } });
  [, url = ''] = await shop.line(/^Selling \S+ on (http:\S+)$/, 180_000);
  await shop.line(/^ {2}found by/);
});
afterAll(async () => {
  await shop?.kill('SIGTERM');
  api?.closeAllConnections();
  await new Promise((resolve) => api?.close(resolve));
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

describe('agentpay sell', () => {
  it('says what is sold, to whom the money goes and who settles it', () => {
    const said = shop.output();
    expect(said).toMatch(/^ {2}GET \/weather\/:city +\$0\.01$/m);
    expect(said).toMatch(/^ {2}GET \/health +free$/m);
    expect(said).toMatch(/^ {2}everything else +\$0\.01$/m);
    expect(said).toMatch(/^ {2}paid to +0x[0-9a-fA-F]{40} \(its key is in \S+wallet\.json\)$/m);
    expect(said).toMatch(/^ {2}on +the local chain \(test money\)$/m);
    expect(said).toMatch(/^ {2}settled by +http:\S+$/m);
  });

  it('is bought from with a wallet that was made and funded here, once, with a receipt that can be checked', async () => {
    const poor = await json('wallet', 'create');
    expect(poor).toMatchObject({
      code: 0,
      ok: true,
      address: expect.stringMatching(/^0x/),
      file: expect.any(String),
    });
    expect(statSync(poor['file'] as string).mode & 0o777).toBe(0o600);
    expect(JSON.stringify(poor)).not.toContain(
      JSON.parse(readFileSync(poor['file'] as string, 'utf8')).privateKey,
    );
    expect(await agentpay(['wallet', 'create'])).toMatchObject({
      code: 1,
      said: expect.stringContaining('exists already'),
    });
    const broke = await agentpay(['pay', `${url}/weather/bern`]);
    expect(broke).toMatchObject({
      code: 1,
      said: expect.stringMatching(/USDC on Base Sepolia and needs 0\.01.*wallet fund/s),
    });
    expect(await json('wallet', 'fund', '--amount', '$5')).toMatchObject({ code: 0, funded: '5', usdc: '5' });

    const bought = await json('pay', `${url}/weather/bern?day=1`);
    expect(bought).toMatchObject({
      code: 0,
      status: 200,
      body: 'GET /weather/bern?day=1 ',
      payment: { decimal: '0.01' },
    });
    const { headers } = seen.at(-1) as (typeof seen)[number];
    expect(headers).toMatchObject({ 'x-api-key': 'k-123', 'x-forwarded-host': new URL(url).host });
    expect(Object.keys(headers).filter((name) => /payment/.test(name))).toEqual([]);
    const { keys } = (await (await fetch(`${url}/.well-known/payment-receipt-keys.json`)).json()) as {
      keys: [];
    };
    const { signed } = bought['receipts'] as { signed: string };
    expect(verifyPaymentReceipt(signed, keys)).toMatchObject({ amount: '10000', path: '/weather/bern' });
    await shop.line(
      /^\d\d:\d\d:\d\d paid \$0\.01 for GET \/weather\/:city by 0x[0-9a-fA-F]{40} in 0x[0-9a-f]{64}$/,
    );
    expect(await json('wallet', 'balance')).toMatchObject({ usdc: '4.99', local: true });
    expect(await json('earnings')).toMatchObject({ code: 0, payments: 1, amount: '10000' });
  });

  it('passes bodies and errors through, and charges nothing for what failed', async () => {
    const posted = await agentpay(['pay', `${url}/notes`, '-d', '{"a":1}', '-i']);
    expect(posted.said).toMatch(/^200 [\s\S]*POST \/notes \{"a":1\}/);
    expect(seen.at(-1)?.headers).toMatchObject({ 'content-type': 'application/json' });
    const before = (await json('wallet', 'balance'))['usdc'];
    expect(await json('pay', `${url}/broken`)).toMatchObject({ code: 1, ok: false, status: 500 });
    expect(await json('pay', `${url}/dear`)).toMatchObject({ code: 1, error: { code: 'budget_exceeded' } });
    expect((await json('wallet', 'balance'))['usdc']).toBe(before);
  });

  it('serves what is free, tells what is for sale, and refuses WebSockets', async () => {
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect((await fetch(`${url}/unlisted`)).status).toBe(402);
    const openapi = (await (await fetch(`${url}/openapi.json`)).json()) as typeof document;
    expect(JSON.stringify(openapi)).not.toContain('internal.example');
    expect(openapi.paths['/weather/{city}'].get).toMatchObject({ 'x-payment-info': expect.any(Object) });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write('GET /x HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    const [said] = (await new Promise((resolve) => socket.once('data', (chunk) => resolve([chunk])))) as [
      Buffer,
    ];
    socket.destroy();
    expect(said.toString()).toMatch(/^HTTP\/1\.1 501 [\s\S]*websocket_not_sold/);
  });

  it('streams events while they come, to whoever accepts them', async () => {
    const words = ['pay', `${url}/ticks`, '-H', 'Accept: text/event-stream'];
    const bought = await agentpay(words, (text) => void (text.includes('data: one') && api.emit('read')));
    expect(bought).toMatchObject({
      code: 0,
      said: expect.stringMatching(/data: one\n\ndata: two[^]*Paid 0\.01/),
    });
  });
});

describe('agentpay facilitator', () => {
  it('settles payments of the local chain for a seller, and stops when it is told to', async () => {
    const { chain } = JSON.parse(readFileSync(join(folder, '.agentpay', 'local.json'), 'utf8')) as {
      chain: { rpcUrl: string };
    };
    const rpc = jsonRpc(chain.rpcUrl);
    const [signer, payTo] = [generatePrivateKey(), privateKeyToAddress(generatePrivateKey())];
    await rpc('anvil_setBalance', [privateKeyToAddress(signer), '0xde0b6b3a7640000']);
    // As its README starts it, on any free port.
    const env = {
      RPC_URLS: chain.rpcUrl,
      SIGNER_KEYS: signer,
      DATA_DIR: join(folder, 'facilitator'),
      // `sell` has left a database with its tables there.
      DATABASE_CACHE: join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'agentpay'),
      HOST: '127.0.0.1',
      PORT: '0',
    };
    const facilitator = spawnNode(BIN, { args: ['facilitator'], cwd: folder, env: { ...WITHOUT, ...env } });
    const seller = createServer();
    try {
      const [, at = ''] = await facilitator.line(/^facilitator on (http:\S+) for eip155:84532$/);
      for (const path of ['/readyz', '/healthz']) expect((await fetch(at + path)).status).toBe(200);
      const charge = paywall({ logger: false, payTo, network: 'base-sepolia', facilitator: at }).charge(
        '$0.01',
      );
      seller.on('request', (req, res) => charge(req, res, () => void res.end('sold')));
      await new Promise<void>((resolve) => seller.listen(0, '127.0.0.1', resolve));
      const bought = await json('pay', `http://127.0.0.1:${(seller.address() as AddressInfo).port}/`);
      expect(bought).toMatchObject({ code: 0, status: 200, body: 'sold', payment: { decimal: '0.01' } });
      const { transaction } = bought['payment'] as { transaction: string };
      expect(await rpc('eth_getTransactionReceipt', [transaction])).toMatchObject({
        status: '0x1',
        from: privateKeyToAddress(signer).toLowerCase(),
      });
    } finally {
      seller.close();
      seller.closeAllConnections();
      await facilitator.kill('SIGTERM');
    }
    expect(await facilitator.ended).toMatchObject({ code: 0 });
  });
});

/** Nothing of the machine's databases. */
const WITHOUT = { DATABASE_URL: '', REDIS_URL: '', NODE_ENV: '' };

const jsonRpc = (url: string) => async (method: string, params: readonly unknown[]) => {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  return ((await response.json()) as { result: unknown }).result;
};

describe('agentpay init', () => {
  it('writes a seller and a buyer that trade as they are', async () => {
    const { facilitator } = JSON.parse(readFileSync(join(folder, '.agentpay', 'local.json'), 'utf8')) as {
      facilitator: { url: string };
    };
    // Inside the workspace, so that the packages resolve.
    const place = file(`test/dist/cli/init-${process.pid}`);
    try {
      const made = await json(
        'init',
        join(place, 'shop'),
        '--kind',
        'seller',
        '--facilitator',
        facilitator.url,
      );
      expect(made).toMatchObject({
        code: 0,
        kind: 'seller',
        files: expect.arrayContaining(['server.js', '.env']),
      });
      expect(statSync(join(place, 'shop', '.env')).mode & 0o777).toBe(0o600);
      expect(await agentpay(['init', join(place, 'shop'), '--kind', 'buyer'])).toMatchObject({ code: 1 });
      const start = (name: string, script: string) =>
        spawnNode(script, {
          args: [],
          cwd: join(place, name),
          env: { NODE_OPTIONS: '', PORT: '0', ...envOf(join(place, name)) },
        });
      const seller = start('shop', join(place, 'shop', 'server.js'));
      const [, at = ''] = await seller.line(
        /^Selling (http:\S+) for \$0\.01, paid to 0x\w+, settled by http:/,
      );
      const buyer = await json('init', join(place, 'agent'), '--kind', 'buyer', '--url', at);
      await json('wallet', 'fund', buyer['address'] as string);
      const bought = start('agent', join(place, 'agent', 'buy.js'));
      await bought.line(/^200 \{"sky":"blue"/);
      await bought.line(/^paid 10000 base units to 0x\w+, transaction 0x[0-9a-f]{64}$/);
      await seller.line(/^paid \$0\.01 for \/weather by eip155:84532:0x/);
      await seller.kill();
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  });
});

/** The variables that `npm start` of the project reads. */
function envOf(project: string): Record<string, string> {
  const lines = readFileSync(join(project, '.env'), 'utf8').split('\n');
  const pairs = lines.flatMap((line) => {
    const [, name, value = ''] = /^(\w+)='?([^']*)'?$/.exec(line) ?? [];
    return name === undefined || name === 'PORT' ? [] : [[name, value] as const];
  });
  return Object.fromEntries(pairs);
}

describe('agentpay sell --mcp', () => {
  it('sells the tools of a server that knows nothing of money, over HTTP, and charges only for results', async () => {
    writeFileSync(join(folder, 'tools.json'), JSON.stringify({ ping: 'free' }));
    const command = [process.execPath, file('test/dist/cli/weatherTools.fixture.js'), 'celsius'];
    const args = [
      'sell',
      '--mcp',
      '--port',
      '0',
      '--prices',
      'tools.json',
      '--',
      ...command,
      '--price',
      '$0.02',
    ];
    const tools = spawnNode(BIN, { args, cwd: folder });
    const [, at = ''] = await tools.line(/^Selling .* on (http:\S+)$/, 180_000);
    await tools.line(/^ {2}forecast +\$0\.02$/);
    const client = new Client({ name: 'agent', version: '1.0.0' });
    await client.connect(new StreamableHTTPClientTransport(new URL(at)) as Parameters<Client['connect']>[0]);
    const listed = await client.listTools();
    expect(listed.tools).toMatchObject([
      { name: 'forecast', inputSchema: { required: ['city'] }, _meta: { 'agentpay/price': '$0.02' } },
      { name: 'ping', _meta: { 'agentpay/price': 'free' } },
    ]);
    const { privateKey } = JSON.parse(readFileSync(join(folder, 'home', 'wallet.json'), 'utf8')) as {
      privateKey: string;
    };
    const paying = payingMcpClient(client, { privateKey, budget: { perRequest: '$0.05' } });
    const call = (name: string, city = 'Bern') => paying.callTool({ name, arguments: { city } });
    expect(await call('ping')).toMatchObject({ content: [{ text: 'pong' }] });
    expect(await call('forecast', 'Atlantis')).toMatchObject({ isError: true });
    const bought = await call('forecast');
    expect(bought).toMatchObject({
      content: [{ text: 'sunny in Bern, celsius' }],
      payment: { amount: 20_000n },
    });
    await tools.line(/paid \$0\.02 for forecast by 0x\w+ in 0x[0-9a-f]{64}$/);
    const get = async (path: string) => (await fetch(new URL(path, at))).text();
    const { keys } = JSON.parse(await get('/.well-known/payment-receipt-keys.json')) as { keys: [] };
    const signed = String(bought._meta?.['agentpay/receipt-jws']);
    expect(verifyPaymentReceipt(signed, keys)).toMatchObject({ amount: '20000', path: '/tools/forecast' });
    const { resources, items } = JSON.parse(await get('/.well-known/x402')) as Record<string, object[]>;
    expect(resources).toEqual([at]);
    expect(items).toEqual([
      expect.objectContaining({
        type: 'mcp',
        resource: at,
        tool: 'forecast',
        description: 'Tomorrow',
        inputSchema: expect.objectContaining({ required: ['city'] }),
        accepts: [expect.objectContaining({ scheme: 'exact', network: 'eip155:84532', amount: '20000' })],
      }),
    ]);
    expect(await get('/llms.txt')).toMatch(/`forecast`: \$0\.02\. Tomorrow\n- `ping`: free\n/);
    expect((await fetch(new URL('/openapi.json', at))).status).toBe(404);
    expect(tools.output().match(/paid \$/g)).toHaveLength(1);
    await client.close();
    await tools.kill('SIGTERM');
    expect(await tools.ended).toMatchObject({ code: 0 });
  });

  it('does not begin with a facilitator that does not settle what is sold', async () => {
    const elsewhere = createServer((req, res) => {
      req.resume();
      const kinds = [{ x402Version: 2, scheme: 'exact', network: 'eip155:8453' }];
      res.setHeader('content-type', 'application/json').end(JSON.stringify({ kinds }));
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    const facilitator = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
    const payTo = privateKeyToAddress(generatePrivateKey());
    const command = [process.execPath, file('test/dist/cli/weatherTools.fixture.js'), 'celsius'];
    const args = ['sell', '--mcp', '--port', '0', '--price', '$0.02', '--pay-to', payTo, '--json'];
    const tools = spawnNode(BIN, {
      args: [...args, '--facilitator', facilitator, '--', ...command],
      cwd: folder,
    });
    try {
      expect(await tools.ended).toMatchObject({ code: 1 });
      expect(tools.output()).toContain('"facilitator_unavailable"');
      expect(tools.output()).toMatch(/does not settle on eip155:84532/);
      expect(tools.output()).not.toContain('"selling"');
    } finally {
      elsewhere.close();
      elsewhere.closeAllConnections();
    }
  });
});
