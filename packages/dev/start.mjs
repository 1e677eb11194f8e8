// `npm start`: installs and builds what is missing, then runs the local stack (`agentpay-dev`).
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { install, nodeFault, root } from './install.mjs';
import { onOrphaned } from './orphan.mjs';

const fault = nodeFault();
if (fault) fail(fault);
onOrphaned(() => process.kill(process.pid, 'SIGTERM'));
try {
  // The other parties of the interop tests are large, and only the tests need them.
  await install({ filter: '!@agentpay/test', onStart: () => console.error('Installing dependencies …') });
} catch (error) {
  fail(error.message);
}
const build = spawnSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-b', 'packages/dev'],
  {
    cwd: root,
    encoding: 'utf8',
  },
);
if (build.status !== 0) fail(`The build failed:\n${build.stdout}${build.stderr}`);
const bundle = spawnSync(process.execPath, [join(root, 'packages/dashboard/build.mjs')], {
  encoding: 'utf8',
});
if (bundle.status !== 0) fail(`The dashboard could not be bundled:\n${bundle.stdout}${bundle.stderr}`);

process.argv.splice(1, 1, join(root, 'packages/dev/dist/bin.js'));
await import('./dist/bin.js');

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}
