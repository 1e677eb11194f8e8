import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '@agentpay/primitives';
import { openDataDir } from './DataDir.js';

it('a temporary folder is removed with everything in it', () => {
  const data = openDataDir(undefined, systemRandom);
  writeFileSync(data.path('something'), 'x');
  expect(data.close()).toBeUndefined();
  expect(existsSync(data.path('something'))).toBe(false);
});

it('a folder that cannot be given up is told, and is no fault', () => {
  const parent = mkdtempSync(join(tmpdir(), 'agentpay-data-dir-'));
  const folder = join(parent, 'data');
  const data = openDataDir(folder, systemRandom);
  rmSync(folder, { recursive: true });
  writeFileSync(folder, 'a file now');
  expect(data.close()).toMatch(/^The folder .+ could not be removed \(.+\); remove it by hand\.$/);
  rmSync(parent, { recursive: true });
});

it.each(['/proc/agentpay', '/dev/null/data'])('--data %s is refused with one sentence', (folder) => {
  expect(() => openDataDir(folder, systemRandom)).toThrow(
    /^--data cannot be used\. The folder .+ cannot be made: .+\.$/,
  );
});
