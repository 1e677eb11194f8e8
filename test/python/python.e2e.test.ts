import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

interface Packing {
  packPython(folder: string, python: string): Promise<void>;
  copyOf(name: string, copies: string): string;
}

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
});
afterAll(async () => {
  await seller?.kill();
  await api?.close();
});

/** Runs Python; its output is the message when it fails. */
async function python(
  args: readonly string[],
  cwd = folder,
  others: NodeJS.ProcessEnv = {},
): Promise<string> {
  const options = { cwd, env: { ...env, ...others }, maxBuffer: 16 * 1024 * 1024 };
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
});

it('is typed: mypy finds nothing in the package and its tests, strictly', async () => {
  expect(await python(MYPY)).toContain('Success');
});

describe('from its wheel and its sdist, installed offline', () => {
  const shelf = mkdtempSync(join(tmpdir(), 'agentpay-wheels-'));
  afterAll(() => rmSync(shelf, { recursive: true, force: true }));

  /** Runs Python that sees the packages only where they were installed. */
  const installed = (target: string, args: readonly string[]) =>
    python(args, shelf, { PYTHONPATH: join(shelf, target) });
  /** Carries out what a README tells, word for word, with the Python of the tests, offline and into a folder of its own. */
  const install = async (target: string, told: string) => {
    const settings = {
      PYTHON,
      PIP_DISABLE_PIP_VERSION_CHECK: '1',
      PIP_NO_BUILD_ISOLATION: '0', // as pip reads it: none
      PIP_NO_DEPS: '1',
      PIP_NO_INDEX: '1',
      PIP_QUIET: '1',
      PIP_TARGET: join(shelf, target),
    };
    const here = told.replaceAll('/path/to/agentpay/tarballs', shelf);
    const command = `set -e\npip() { "$PYTHON" -m pip "$@"; }\n${here}`;
    await run('bash', ['-c', command], { cwd: shelf, env: { ...process.env, ...settings } });
  };
  const toldIn = (path: string, expression: RegExp) =>
    (expression.exec(readFileSync(root(path), 'utf8')) as RegExpExecArray)[1] as string;

  it('each has code, types, README and licence, and no stray files', async () => {
    const { packPython } = (await import(root('packages/dev/packPython.mjs'))) as Packing;
    await packPython(shelf, PYTHON);
    const files = readdirSync(shelf).sort();
    expect(files.map((name) => name.replace('agentpay-nemo', 'agentpay_nemo')).sort()).toEqual([
      'agentpay-0.1.0-py3-none-any.whl',
      'agentpay-0.1.0.tar.gz',
      'agentpay_nemo-0.1.0-py3-none-any.whl',
      'agentpay_nemo-0.1.0.tar.gz',
    ]);
    for (const file of files) expect(statSync(join(shelf, file)).size).toBeLessThan(200 * 1024);
    await install('wheels', toldIn('README.md', /`(pip install [^`\n]*\.whl)`/));
    await install('wheels', 'pip install agentpay_nemo-*.whl');
    const names = readdirSync(join(shelf, 'wheels'), { recursive: true, encoding: 'utf8' });
    expect(names).toEqual(
      expect.arrayContaining([
        'agentpay/py.typed',
        'agentpay/_generated/runtime.py',
        'agentpay-0.1.0.dist-info/LICENSE',
        'agentpay_nemo/py.typed',
        'agentpay_nemo-0.1.0.dist-info/LICENSE',
      ]),
    );
    expect(names.filter((name) => /test|generate\b|build/.test(name))).toEqual([]);
    await install('sdists', 'pip install agentpay-0*.gz');
  });

  it('are also installed from a clone, as their READMEs tell', async () => {
    const { copyOf } = (await import(root('packages/dev/packPython.mjs'))) as Packing;
    const told = ['sdk-python', 'sdk-python-nemo'].map((name) => {
      copyOf(name, join(shelf, 'packages'));
      return toldIn(`packages/${name}/README.md`, /```sh\n([^]*?)```/);
    });
    for (const [i, commands] of told.entries()) {
      await install(`clone${i}`, commands.trim().split('\n').at(-1) as string);
      const where = await installed(`clone${i}`, ['-c', 'import agentpay; print(agentpay.__file__)']);
      expect(where.trim()).toBe(join(shelf, `clone${i}`, 'agentpay/__init__.py'));
    }
    expect(readdirSync(join(shelf, 'clone1'))).toContain('agentpay_nemo');
  });

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
      await installed('wheels', ['-c', program]);
    }
    const where = ['-c', 'import agentpay; print(agentpay.__file__)'];
    expect((await installed('sdists', where)).trim()).toBe(join(shelf, 'sdists/agentpay/__init__.py'));
  });
});

it('has functions for the NeMo Agent Toolkit, which are tested and typed as well', async () => {
  expect(await python(PYTEST, nemo)).toMatch(/\d passed/);
  expect(await python(MYPY, nemo)).toContain('Success');
});
