import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { endpoints } from '@agentpay/api';
import { spawnNode, type Spawned } from '@agentpay/testing';
import { testApi, type TestApi } from '../families/testApi.js';

/** The Python package, by its own tests and type checker, against the API and a seller of this repository. */
const run = promisify(execFile);
const root = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const folder = root('packages/sdk-python');
const nemo = root('packages/sdk-python-nemo');
const PYTEST = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'tests'];
const MYPY = ['-m', 'mypy', 'src', 'tests'];
const PYTHON = process.env['PYTHON'] ?? '/usr/bin/python3';

let api: TestApi;
let seller: Spawned;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  const { write } = (await import(root('packages/sdk-python/generate.mjs'))) as { write(): void };
  write();
  api = await testApi();
  seller = spawnNode(root('packages/server/dist/bin.js'), { args: ['mock', '--port', '0'] });
  env = {
    ...process.env,
    PYTHONPATH: `${folder}/src:${nemo}/src`,
    PYTHONDONTWRITEBYTECODE: '1',
    AGENTPAY_URL: api.url,
    SHOP_URL: (await seller.line(/http:\/\/\S+/))[0] as string,
    ENDPOINTS: JSON.stringify(endpoints.map(({ id }) => id).filter((id) => !/\.(paid|heard)\./.test(id))),
  };
}, 120_000);
afterAll(async () => {
  await seller?.kill();
  await api?.close();
});

/** Runs Python; its output is the message when it fails. */
async function python(args: readonly string[], cwd = folder): Promise<string> {
  const options = { cwd, env, maxBuffer: 16 * 1024 * 1024 };
  try {
    return (await run(PYTHON, [...args], options)).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${stdout}${stderr}`, { cause: error });
  }
}

it('passes its own tests', async () => {
  const output = await python(PYTEST);
  expect(output).toMatch(/\d\d+ passed/);
  expect(output).not.toMatch(/skipped|xfailed|warning/);
}, 300_000);

it('is typed: mypy finds nothing in the package and its tests, strictly', async () => {
  expect(await python(MYPY)).toContain('Success');
}, 300_000);

it('does in its README what it says', async () => {
  const examples = readFileSync(`${folder}/README.md`, 'utf8')
    .split('```')
    .filter((part) => part.startsWith('python\n'))
    .map((part) => part.slice('python\n'.length));
  expect(examples.length).toBeGreaterThan(1);
  for (const example of examples) {
    const program = example
      .replaceAll('https://pay.example.com', api.url)
      .replaceAll('https://api.example.com', env['SHOP_URL'] as string);
    await python(['-c', program]);
  }
}, 300_000);

it('has functions for the NeMo Agent Toolkit, which are tested and typed as well', async () => {
  expect(await python(PYTEST, nemo)).toMatch(/\d passed/);
  expect(await python(MYPY, nemo)).toContain('Success');
}, 300_000);
