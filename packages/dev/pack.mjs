// `npm run pack`: installs, builds and packs everything that is published into `tarballs/`, for projects outside of this repository.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { installAndBuild } from './build.mjs';
import { root } from './install.mjs';
import { packPython } from './packPython.mjs';

const run = promisify(execFile);

/** What is published, each behind all that it needs: for everybody's projects, and the command `agentpay` with what it runs. */
export const published = `
  primitives protocol api paywall sdk mcp
  tracker storage http evm facilitator core dashboard docs server
  solidity example-paid-api dev cli
`
  .trim()
  .split(/\s+/);

/** The folder of a package, from the root of the repository. */
export function folderOf(name) {
  if (name === 'docs') return name;
  return name.startsWith('example-') ? name.replace('example-', 'examples/') : `packages/${name}`;
}

/** Packs them, or some of them, as they are built, into a folder. */
export async function pack(folder, names = published) {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const filters = names.flatMap((name) => ['--filter', `@agentpay/${name}`]);
  const args = ['--yes', packageManager, ...filters, '-r', 'pack', '--pack-destination', folder];
  await run('npx', args, { cwd: root, maxBuffer: 64 * 1024 * 1024 });
}

async function main() {
  const folder = join(root, 'tarballs');
  await installAndBuild();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  await pack(folder);
  await packPython(folder).catch((error) =>
    console.error(`The Python packages were not built: ${error.message}`),
  );
  for (const file of readdirSync(folder)) console.log(join('tarballs', file));
  console.log(
    `\nThe command line, from any folder:\n\n  npm install --global ${join(folder, '*.tgz')}` +
      `\n\nIn your project, each package with those that it needs:\n\n` +
      `  npm install ${join(folder, 'agentpay-{primitives,protocol,api,sdk}-*.tgz')}\n  pip install ${join(folder, '*.whl')}`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main().catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
