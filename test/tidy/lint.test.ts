import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './sources.js';

/** What the linter says of a folder with these files, under the configuration of the repository. */
function linted(files: Readonly<Record<string, string>>): { status: number | null; printed: string } {
  const folder = mkdtempSync(join(tmpdir(), 'agentpay-lint-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const args = ['--config', join(root, '.oxlintrc.json'), '--deny-warnings', folder];
    const { status, stdout } = spawnSync(join(root, 'node_modules/.bin/oxlint'), args, { encoding: 'utf8' });
    return { status, printed: stdout };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A function of so many lines, its first and last among them. */
const lines = (n: number) =>
  [
    'export function sum(n: number): number {',
    '  let all = 0;',
    ...Array(n - 4).fill('  all += n;'),
    '  return all;',
    '}',
    '',
  ].join('\n');

describe('the linter', () => {
  it('refuses modules that import each other, if it were types alone', () => {
    const circle = (how: string) => ({
      'a.ts': `${how} { B } from './b.js';\nexport interface A {\n  readonly b: B;\n}\n`,
      'b.ts': "import type { A } from './a.js';\nexport interface B {\n  readonly a: A;\n}\n",
    });
    for (const how of ['import type', 'import']) {
      const { status, printed } = linted(circle(how));
      expect([how, status, printed]).toEqual([how, 1, expect.stringContaining('import(no-cycle)')]);
    }
    expect(linted({ ...circle('import type'), 'b.ts': 'export type B = string;\n' }).status).toBe(0);
  });

  it('refuses a function of more than 60 lines', () => {
    expect(linted({ 'long.ts': lines(60) }).status).toBe(0);
    const { status, printed } = linted({ 'long.ts': lines(61) });
    expect([status, printed]).toEqual([1, expect.stringContaining('max-lines-per-function')]);
  });
});
