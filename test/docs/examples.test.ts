import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { codeIn, examplesIn, functionsOf, root } from './codeIn.js';

// Inside the workspace, so that the packages resolve.
const folder = root(`test/dist/examples-${process.pid}`);
const examples = examplesIn('packages/sdk/src');
const readmes = [...codeIn('README.md'), ...codeIn('packages/sdk/README.md')];

/** The outside world of the examples: a server that asks for nothing, and a wallet. */
const world = `
globalThis.fetch = async () => Response.json({ weather: 'sunny' });
globalThis.ethereum = { request: async () => ['0x70997970C51812dc3A010C7d01b50e0d17dc79C8'] };
`;

function node(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: folder });
  return { status, printed: stdout + stderr };
}

beforeAll(() => {
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2023',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
    types: ['node'],
  };
  mkdirSync(folder, { recursive: true });
  for (const [name, code] of examples) writeFileSync(`${folder}/${name}.ts`, code);
  for (const [i, code] of readmes.entries()) writeFileSync(`${folder}/readme${i}.ts`, withAmbient(code));
  writeFileSync(`${folder}/world.mjs`, world);
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions, include: ['*.ts'] }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// Each program is a module of its own.
function withAmbient(code: string): string {
  return `${code}\nexport {};\n`;
}

test('every program of the READMEs and every example compiles, in strict TypeScript, as written', () => {
  expect(readmes.length).toBeGreaterThan(3);
  expect(node(root('node_modules/typescript/bin/tsc'), '-p', '.')).toEqual({ status: 0, printed: '' });
}, 120_000);

test('every function that the SDK defines has an example', async () => {
  const functions = (await functionsOf('@agentpay/sdk')).filter((name) => name !== 'verifyPaymentReceipt');
  expect(examples.map(([name]) => name).sort()).toEqual(functions.sort());
});

test.each(examples)('the example of %s runs', (name) => {
  expect(node('--import', './world.mjs', `./${name}.js`).status).toBe(0);
});
