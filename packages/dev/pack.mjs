// `npm run pack`: installs, builds and packs what sellers and buyers install into `tarballs/`, for projects outside of this repository.
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { install, root } from './install.mjs';
import { packPython } from './packPython.mjs';

const run = promisify(execFile);

/** The packages for everybody's projects, and those that they need. */
export const published = ['primitives', 'protocol', 'api', 'paywall', 'sdk', 'mcp'];

/** Packs them, as they are built, into a folder. */
export async function pack(folder) {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const args = ['--yes', packageManager, 'pack', '--pack-destination', folder];
  for (const name of published) await run('npx', args, { cwd: join(root, 'packages', name) });
}

async function main() {
  const folder = join(root, 'tarballs');
  await install({ filter: '!@agentpay/test', onStart: () => console.error('Installing dependencies …') });
  build();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  await pack(folder);
  await packPython(folder).catch((error) =>
    console.error(`The Python packages were not built: ${error.message}`),
  );
  for (const file of readdirSync(folder)) console.log(join('tarballs', file));
  console.log(
    `\nIn your project:\n\n  npm install ${join(folder, '*.tgz')}\n  pip install ${join(folder, '*.whl')}`,
  );
}

/** Compiles them. */
export function build() {
  const args = [
    join(root, 'node_modules/typescript/bin/tsc'),
    '-b',
    ...published.map((name) => `packages/${name}`),
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`The build failed:\n${stdout}${stderr}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main().catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
