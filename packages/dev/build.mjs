// `npm run build`: installs what is missing and builds everything but the tests, examples included. So do `npm start` and `npm run pack`.
// Plain Node without dependencies, because it runs before anything is installed.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { install, nodeFault, root } from './install.mjs';

const run = promisify(execFile);

/** @throws Error with one sentence, or with what the compiler said */
export async function installAndBuild(say = console.error) {
  const fault = nodeFault();
  if (fault) throw new Error(fault);
  const began = performance.now();
  const seconds = () => `${((performance.now() - began) / 1000).toFixed(1)} s`;
  // The other parties of the interop tests are large, and only the tests need them.
  const onStart = () => say('Installing dependencies …');
  if (await install({ filter: '!@agentpay/test', onStart })) say(`Installed after ${seconds()}.`);
  say('Building …');
  const { references } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));
  const projects = references.map(({ path }) => path).filter((path) => path !== 'test');
  await step([join(root, 'node_modules/typescript/bin/tsc'), '-b', ...projects]);
  await step([join(root, 'packages/dashboard/build.mjs')]);
  say(`Built after ${seconds()}.`);
}

async function step(args) {
  await run(process.execPath, args, { cwd: root, maxBuffer: 64 * 1024 * 1024 }).catch((error) => {
    throw new Error(`The build failed:\n${error.stdout}${error.stderr}`);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await installAndBuild().catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
