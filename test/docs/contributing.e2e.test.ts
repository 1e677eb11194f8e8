import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { root } from './codeIn.js';

/** A tree in which the example is written out; what it does not touch is that of the workspace. */
const tree = root(`test/dist/contributing-${process.pid}`);
const touched = ['primitives', 'core', 'api', 'server'];
const guide = readFileSync(root('CONTRIBUTING.md'), 'utf8');
const blocks = (language: string) =>
  [...guide.matchAll(new RegExp('```' + language + '\\n([^]*?)```', 'g'))].map(([, text = '']) => text);

/** Files that the example makes: their path is their first line. */
const files = blocks('ts').map((text) => {
  const [, path = '', code = ''] = /^\/\/ (\S+)\n([^]*)$/.exec(text) ?? [];
  return { path, code };
});
/** What it adds to others: lines with a plus behind the line before them. */
const additions = blocks('diff').map((text) => {
  const [path = '', ...lines] = text.trimEnd().split('\n');
  return { path, lines };
});

/** @throws Error when a line that others are put behind does not stand in the file, or stands there twice */
function added(text: string, lines: readonly string[]): string {
  const result = text.split('\n');
  let place = 0;
  for (const line of lines) {
    if (line.startsWith('+')) result.splice(place++, 0, line.slice(1));
    else {
      const found = result.flatMap((one, i) => (one === line.slice(1) ? [i] : []));
      if (found.length !== 1) throw new Error(`"${line.slice(1)}" stands there ${found.length} times.`);
      place = (found[0] as number) + 1;
    }
  }
  return result.join('\n');
}

beforeAll(() => {
  for (const name of touched) {
    const folder = `${tree}/packages/${name}`;
    cpSync(root(`packages/${name}/src`), `${folder}/src`, { recursive: true });
    cpSync(root(`packages/${name}/package.json`), `${folder}/package.json`);
    symlinkSync(root(`packages/${name}/node_modules`), `${folder}/node_modules`);
  }
  cpSync(root('test/families'), `${tree}/test/families`, { recursive: true });
  for (const { path, code } of files) {
    mkdirSync(dirname(`${tree}/${path}`), { recursive: true });
    writeFileSync(`${tree}/${path}`, code);
  }
  for (const { path, lines } of additions)
    writeFileSync(`${tree}/${path}`, added(readFileSync(`${tree}/${path}`, 'utf8'), lines));
  const { compilerOptions } = JSON.parse(readFileSync(root('tsconfig.json'), 'utf8')) as {
    compilerOptions: object;
  };
  const paths = Object.fromEntries(
    touched.map((name) => [`@agentpay/${name}`, [`${tree}/packages/${name}/src/index.ts`]]),
  );
  const options = { ...compilerOptions, composite: false, declaration: false, noEmit: true, paths };
  const types = { types: ['node', 'jest'], typeRoots: [root('node_modules/@types')] };
  writeFileSync(
    `${tree}/tsconfig.json`,
    JSON.stringify({
      compilerOptions: { ...options, ...types },
      include: [...files, ...additions].map(({ path }) => path).filter((path) => path.endsWith('.ts')),
    }),
  );
});

afterAll(() => rmSync(tree, { recursive: true, force: true }));

const check = () => {
  const args = [root('node_modules/typescript/bin/tsc'), '-p', tree];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { status, stdout };
};

describe('the example of a new noun', () => {
  it('names where each of its blocks belongs, and shares four files with others', () => {
    expect(files.length).toBeGreaterThanOrEqual(8);
    expect(files.filter(({ path }) => !/^(packages|test)\/.+\.ts$/.test(path))).toEqual([]);
    expect(additions).toHaveLength(4);
    const slices = JSON.parse(readFileSync(`${tree}/packages/core/src/slices.json`, 'utf8')) as object;
    expect(slices).toMatchObject({ notes: ['identity'] });
  });

  it('compiles as written, in a copy of the workspace', () => {
    expect(check()).toEqual({ status: 0, stdout: '' });
  });

  it('would not with a verb that has no handler', () => {
    const handlers = `${tree}/packages/server/src/families/runtime/notes.ts`;
    const code = readFileSync(handlers, 'utf8');
    writeFileSync(handlers, code.replace(/^ {2}get: .*\n/m, ''));
    const { status, stdout } = check();
    writeFileSync(handlers, code);
    expect([status, stdout]).toEqual([expect.any(Number), expect.stringContaining("'get'")]);
    expect(status).not.toBe(0);
  });
});
