// Installs and builds what the programs of the local stack need, unless that was done.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { install, nodeFault, root } from './install.mjs';

/** @throws Error with one sentence, or with what the compiler said */
export async function prepare() {
  const fault = nodeFault();
  if (fault) throw new Error(fault);
  // The other parties of the interop tests are large, and only the tests need them.
  await install({ filter: '!@agentpay/test', onStart: () => console.error('Installing dependencies …') });
  const run = (args, failed) => {
    const done = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`${failed}:\n${done.stdout}${done.stderr}`);
  };
  run([join(root, 'node_modules/typescript/bin/tsc'), '-b', 'packages/dev'], 'The build failed');
  run([join(root, 'packages/dashboard/build.mjs')], 'The dashboard could not be bundled');
}
