// `npm run pack`: installs, builds and packs what sellers and buyers install into `tarballs/`, for projects outside of this repository.
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { install, root } from './install.mjs';

const run = promisify(execFile);
/** The packages for everybody's projects, and those that they need. */
const published = ['primitives', 'protocol', 'api', 'paywall', 'sdk'];
const folder = join(root, 'tarballs');

try {
  await install({ filter: '!@agentpay/test', onStart: () => console.error('Installing dependencies …') });
  build();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const name of published)
    await run('npx', ['--yes', packageManager, 'pack', '--pack-destination', folder], {
      cwd: join(root, 'packages', name),
    });
  for (const file of readdirSync(folder)) console.log(join('tarballs', file));
  console.log(`\nIn your project:\n\n  npm install ${join(folder, '*.tgz')}`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

function build() {
  const paths = ['packages/paywall', 'packages/sdk'];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-b', ...paths],
    { cwd: root, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`The build failed:\n${stdout}${stderr}`);
}
