import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { testDatabase, type TestDatabase } from '@agentpay/testing';
import { startInteropStack, type InteropStack } from '../interop/stack.js';
import { codeIn, examplesIn, functionsOf, root } from './codeIn.js';

/** A package whose public functions have an example each; `offline` ones find a server that asks for nothing, whatever they call. */
interface Documented {
  readonly name: string;
  readonly path: string;
  readonly offline: boolean;
  /** Exported functions of another package, where they are shown. */
  readonly elsewhere: readonly string[];
}

const packages: readonly Documented[] = [
  { name: '@agentpay/sdk', path: 'packages/sdk', offline: true, elsewhere: ['verifyPaymentReceipt'] },
  { name: '@agentpay/facilitator', path: 'packages/facilitator', offline: false, elsewhere: [] },
];

/** The outside world of offline examples: a server that asks for nothing, and a wallet. */
const world = `
globalThis.fetch = async () => Response.json({ weather: 'sunny' });
globalThis.ethereum = { request: async () => ['0x70997970C51812dc3A010C7d01b50e0d17dc79C8'] };
`;

/** Runs the examples one after the other, and says of each what it threw. They must leave nothing open. */
const runner = `
import { writeFileSync } from 'node:fs';
const outcomes = {};
for (const name of process.argv.slice(2)) {
  try {
    await import('./' + name + '.js');
    outcomes[name] = 'ran';
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

// Inside the packages, so that what they depend on resolves.
const folderIn = (path: string) => root(`${path}/dist/examples-${process.pid}`);
const folders = ['test', ...packages.map(({ path }) => path)].map(folderIn);

let stack: InteropStack;
let database: TestDatabase;
beforeAll(async () => {
  [stack, database] = await Promise.all([startInteropStack(), testDatabase()]);
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
}, 60_000);
afterAll(async () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  await Promise.all([stack?.close(), database?.drop()]);
});

/** Each program is a module of its own; instead of the test network and the usual port it finds what is free here. */
function write(path: string, name: string, code: string): void {
  const here = code
    .replaceAll('https://sepolia.base.org', stack.rpcUrl)
    .replaceAll('.listen(3102)', '.listen(0)');
  writeFileSync(`${folderIn(path)}/${name}.ts`, `${here}\nexport {};\n`);
}

function node(cwd: string, ...args: readonly string[]) {
  const env = {
    ...process.env,
    RPC_URLS: stack.rpcUrl,
    SIGNER_KEYS: stack.facilitatorKey,
    DATABASE_URL: database.url,
    PORT: '0',
  };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd, env });
  return { status, printed: stdout + stderr };
}

test.each(folders)(
  'every program of %s compiles, in strict TypeScript, as written',
  (folder) => {
    const compiled = node(folder, root('node_modules/typescript/bin/tsc'), '-p', '.');
    expect(compiled).toEqual({ status: 0, printed: '' });
  },
  120_000,
);

describe.each(packages)('$name', ({ name, path, offline, elsewhere }) => {
  const examples = examplesIn(`${path}/src`);

  test('has an example for every function that it exports', async () => {
    const functions = (await functionsOf(name)).filter((exported) => !elsewhere.includes(exported));
    expect(examples.map(([shown]) => shown).sort()).toEqual(functions.sort());
  });

  test('has examples that run', () => {
    const preload = offline ? ['--import', './world.mjs'] : [];
    const names = examples.map(([shown]) => shown);
    const ended = node(folderIn(path), ...preload, './runner.mjs', ...names);
    const outcomes: unknown = JSON.parse(readFileSync(`${folderIn(path)}/outcomes.json`, 'utf8'));
    expect(outcomes).toEqual(Object.fromEntries(names.map((one) => [one, 'ran'])));
    expect(ended.status).toBe(0);
  }, 120_000);
});
