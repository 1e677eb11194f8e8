import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { freePort, testDatabase, type TestDatabase } from '@agentpay/testing';
import { startInteropStack, type InteropStack } from '../interop/stack.js';
import { codeIn, examplesIn, functionsOf, root } from './codeIn.js';

/** A package whose public functions have an example each; `offline` ones find a server that asks for nothing, whatever they call. */
interface Documented {
  readonly name: string;
  readonly path: string;
  readonly offline: boolean;
  /** Exported functions of another package, where they are shown. */
  readonly elsewhere: readonly string[];
  /** What else can be imported of it, beside its main door. */
  readonly doors?: readonly string[];
  /** Methods that have an example of their own. */
  readonly methods?: readonly string[];
}

const packages: readonly Documented[] = [
  {
    name: '@agentpay/sdk',
    path: 'packages/sdk',
    offline: true,
    elsewhere: ['settlementStatus', 'verifyPaymentReceipt'],
  },
  {
    name: '@agentpay/paywall',
    path: 'packages/paywall',
    offline: true,
    elsewhere: [],
    doors: ['fastify', 'fetch', 'hono', 'koa'],
    methods: ['charge', 'respond', 'discovery', 'used', 'earnings', 'metrics', 'ready', 'idle'],
  },
  { name: '@agentpay/facilitator', path: 'packages/facilitator', offline: false, elsewhere: [] },
];

/**
 * The outside world of offline programs: a server that asks for nothing, a facilitator, and a wallet. Their own servers listen on a free
 * port, are asked for the weather once, and keep nothing alive.
 */
const world = `
import { createServer, get } from 'node:http';
import { Server } from 'node:net';
const kinds = [{ x402Version: 2, scheme: 'exact', network: 'eip155:84532' }];
const supported = JSON.stringify({ kinds, extensions: [], signers: {} });
const facilitator = createServer((_, res) => res.end(supported));
await new Promise((resolve) => facilitator.listen(process.env.FACILITATOR_PORT, resolve).unref());
globalThis.fetch = async () => Response.json({ weather: 'sunny' });
globalThis.ethereum = { request: async () => ['0x70997970C51812dc3A010C7d01b50e0d17dc79C8'] };
globalThis.asked = [];
const { listen } = Server.prototype;
Server.prototype.listen = function () {
  this.once('listening', () => {
    const answered = new Promise((resolve, reject) => {
      get({ port: this.address().port, path: '/weather', agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject);
    });
    globalThis.asked.push(answered.finally(() => this.close()));
  });
  return listen.call(this, 0);
};
`;

/** Runs the examples one after the other, and says of each what it threw. They must leave nothing open. */
const runner = `
import { writeFileSync } from 'node:fs';
const outcomes = {};
for (const name of process.argv.slice(2)) {
  try {
    await import('./' + name + '.js');
    await new Promise((resolve) => setImmediate(resolve));
    outcomes[name] = ['ran', ...(await Promise.all(globalThis.asked?.splice(0) ?? []))].join(' ');
  } catch (error) {
    outcomes[name] = error.stack;
  }
}
process.on('exit', () => writeFileSync('outcomes.json', JSON.stringify(outcomes)));
`;

const compilerOptions = {
  module: 'nodenext',
  target: 'es2023',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  types: ['node'],
};

// Inside the packages, so that what they depend on resolves, and not in `dist`, which other suites pack and bundle.
const folderIn = (path: string) => root(`${path}/build/examples-${process.pid}`);
const folders = ['test', ...packages.map(({ path }) => path)].map(folderIn);

let stack: InteropStack;
let database: TestDatabase;
let facilitatorPort: number;
beforeAll(async () => {
  [stack, database, facilitatorPort] = await Promise.all([startInteropStack(), testDatabase(), freePort()]);
  for (const folder of folders) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    writeFileSync(`${folder}/world.mjs`, world);
    writeFileSync(`${folder}/runner.mjs`, runner);
  }
  const readmes = [['test', 'README.md'], ...packages.map(({ path }) => [path, `${path}/README.md`])];
  for (const [path = '', readme = ''] of readmes) {
    const programs = codeIn(readme);
    expect(programs.length).toBeGreaterThan(0);
    for (const [i, code] of programs.entries()) write(path, `readme${i}`, code);
  }
  for (const { path } of packages)
    for (const [name, code] of examplesIn(`${path}/src`)) write(path, name, code);
});
afterAll(async () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  await Promise.all([stack?.close(), database?.drop()]);
});

/** Each program is a module of its own; instead of the test network and the usual port it finds what is free here. */
function write(path: string, name: string, code: string): void {
  const here = code
    .replaceAll('https://sepolia.base.org', stack.rpcUrl)
    .replaceAll('http://127.0.0.1:3102', `http://127.0.0.1:${facilitatorPort}`)
    .replaceAll('.listen(3102)', '.listen(0)');
  writeFileSync(`${folderIn(path)}/${name}.ts`, `${here}\nexport {};\n`);
}

function node(cwd: string, ...args: readonly string[]) {
  const env = {
    ...process.env,
    RPC_URLS: stack.rpcUrl,
    SIGNER_KEYS: stack.facilitatorKey,
    PRIVATE_KEY: stack.buyerKey,
    FACILITATOR_PORT: String(facilitatorPort),
    DATABASE_URL: database.url,
    PORT: '0',
  };
  // While it runs no limit of a test can end it.
  const options = { encoding: 'utf8', cwd, env, timeout: 300_000 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, options);
  return { status, printed: stdout + stderr };
}

test.each(folders)('every program of %s compiles, in strict TypeScript, as written', (folder) => {
  const compiled = node(folder, root('node_modules/typescript/bin/tsc'), '-p', '.');
  expect(compiled).toEqual({ status: 0, printed: '' });
});

describe.each(packages)('$name', ({ name, path, offline, elsewhere, doors = [], methods = [] }) => {
  const examples = examplesIn(`${path}/src`);

  test('has an example for every function that it exports', async () => {
    const exported: string[] = [];
    for (const door of [name, ...doors.map((one) => `${name}/${one}`)])
      exported.push(...(await functionsOf(door)));
    const functions = exported.filter((one) => !elsewhere.includes(one));
    expect(examples.map(([shown]) => shown).sort()).toEqual([...functions, ...methods].sort());
  });

  test(offline ? 'has examples, and programs in its README, that run' : 'has examples that run', () => {
    const preload = offline ? ['--import', './world.mjs'] : [];
    const programs = offline ? codeIn(`${path}/README.md`) : [];
    const codes = new Map([...examples, ...programs.map((code, i) => [`readme${i}`, code] as const)]);
    const names = [...codes.keys()];
    const ended = node(folderIn(path), ...preload, './runner.mjs', ...names);
    const outcomes: unknown = JSON.parse(readFileSync(`${folderIn(path)}/outcomes.json`, 'utf8'));
    // A seller wants to be paid.
    const expected = (code: string) => (offline && /\.listen\(|\bserve\(/.test(code) ? 'ran 402' : 'ran');
    expect(outcomes).toEqual(Object.fromEntries([...codes].map(([one, code]) => [one, expected(code)])));
    expect(ended.status).toBe(0);
  });
});
