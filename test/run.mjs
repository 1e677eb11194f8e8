// `npm test`: installs, builds, lints, starts Redis and PostgreSQL, finds Chromium, runs every test but those end to end, which are
// `npm run test:e2e`. Arguments go to Jest: `npm test -- paywall` runs what matches, end to end or not. `npm test -- --changed` runs what
// the changes since the last commit can reach, `--changed=main` those since main.
import { fork, spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { install, nodeFault, root } from '../packages/dev/install.mjs';
import { onOrphaned } from '../packages/dev/orphan.mjs';
import { changedSince, compiled, suitesReachedBy, treeOf } from './reachable.mjs';

const bin = (name) => join(root, 'node_modules/.bin', name);
const children = new Set();
const abort = new AbortController();
const { signal } = abort;
let stopping; // the exit code of the signal that ends this run

async function main(jestArguments) {
  const fault = nodeFault();
  if (fault) throw new Error(fault);
  const onStart = () => say('Installing packages; the first time takes a minute or two.');
  await step('packages installed', () => install({ onStart, signal }));
  await step('stale build output removed', removeStaleOutput);
  await step('types checked and built', () => run(bin('tsc'), ['-b']));
  await step('dashboard bundled', () => run(process.execPath, [join(root, 'packages/dashboard/build.mjs')]));
  await step('formatted', () => run(bin('oxfmt'), ['--check']));
  await step('lint clean', () => run(bin('oxlint'), ['--deny-warnings', 'packages', 'examples', 'test']));
  const databases = await step('Redis and PostgreSQL up, Chromium found', startDatabases);
  try {
    return await jest(selected(jestArguments), databases.env);
  } finally {
    await databases.stop();
  }
}

// ---- steps

async function step(name, work) {
  signal.throwIfAborted();
  const start = performance.now();
  const result = await work();
  say(`${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  return result;
}

function say(line) {
  process.stderr.write(`${line}\n`);
}

/** Compiled files whose source is gone; Jest would still run them. */
function removeStaleOutput() {
  const projects = ['packages', 'examples'].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => join(root, folder, name)),
  );
  for (const project of projects) removeOrphans(join(project, 'dist'), join(project, 'src'));
  removeOrphans(join(root, 'test/dist'), join(root, 'test'));
}

function removeOrphans(dist, source) {
  if (!existsSync(dist)) return;
  for (const entry of readdirSync(dist, { recursive: true })) {
    if (!entry.endsWith('.d.ts')) continue; // what the compiler wrote has declarations beside it
    const stem = entry.slice(0, -'.d.ts'.length);
    if (existsSync(join(source, `${stem}.ts`)) || existsSync(join(source, `${stem}.tsx`))) continue;
    for (const suffix of ['.js', '.js.map', '.d.ts', '.d.ts.map'])
      rmSync(join(dist, stem + suffix), { force: true });
  }
}

function startDatabases() {
  return new Promise((resolve, reject) => {
    const child = fork(join(root, 'test/databases.mjs'), { detached: true });
    const ended = new Promise((done) => child.on('exit', done));
    const stop = () => {
      if (child.connected) child.disconnect();
      return ended;
    };
    let fault = 'Redis and PostgreSQL ended unexpectedly.';
    child.on('message', (message) => {
      if (message.env) return resolve({ env: message.env, stop });
      fault = message.fault;
      stop();
    });
    child.on('exit', () => reject(new Error(fault)));
    signal.addEventListener('abort', stop);
  });
}

/** What starts, installs, kills or looks at whole programs. */
const END_TO_END = '\\.e2e\\.test\\.js$';

/** Replaces `--changed` by the suites that the changes reach, of those that the other arguments name. */
function selected(given) {
  const args = given.filter((arg) => arg !== '--e2e');
  const flag = args.find((arg) => /^--changed(=|$)/.test(arg));
  if (!flag) {
    const named = args.some((arg) => !arg.startsWith('-'));
    return named ? args : wholeRun(args, given.includes('--e2e'));
  }
  const others = args.filter((arg) => arg !== flag);
  const options = others.filter((arg) => arg.startsWith('-'));
  const patterns = others.filter((arg) => !arg.startsWith('-')).map((pattern) => new RegExp(pattern));
  const suites = suitesReachedBy(changedSince(root, flag.split('=')[1] ?? 'HEAD'), treeOf(root))?.map(
    compiled,
  );
  if (!suites) return others;
  const wanted = suites.filter((suite) => patterns.every((pattern) => pattern.test(suite)));
  say(`${wanted.length} suites can be reached`);
  return ['--passWithNoTests', ...options, '--runTestsByPath', ...wanted];
}

/** All suites end to end, or all others. */
function wholeRun(args, endToEnd) {
  return [...args, ...(endToEnd ? [END_TO_END] : ['--testPathIgnorePatterns', '/node_modules/', END_TO_END])];
}

async function jest(args, env) {
  const command = [
    '--disable-warning=ExperimentalWarning',
    // Workers inherit it: with less, a twelfth of their time goes into collecting young objects.
    '--max-semi-space-size=64',
    join(root, 'node_modules/jest/bin/jest.js'),
    '--config',
    join(root, 'jest.config.mjs'),
    ...args,
  ];
  const { code } = await child(process.execPath, command, { ...process.env, ...env });
  return code ?? 1;
}

// ---- processes

/** Runs a command to its end in a process group of its own, which a stop takes down as a whole. */
function child(command, args, env = process.env) {
  return new Promise((resolve, reject) => {
    const started = spawn(command, args, {
      cwd: root,
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    });
    children.add(started);
    started.on('error', reject);
    started.on('exit', (code, killedBy) => {
      children.delete(started);
      signalGroup(started, 'SIGKILL'); // what it left behind
      resolve({ code, killedBy });
    });
  });
}

function signalGroup({ pid }, name) {
  try {
    process.kill(-pid, name);
  } catch {
    // nothing of the group is alive
  }
}

async function run(command, args) {
  const { code, killedBy } = await child(command, args);
  if (code !== 0)
    throw new Error(`${command} ${args.join(' ')} failed (${killedBy ?? `exit code ${code}`}).`);
}

function stop(exitCode) {
  stopping ??= exitCode;
  abort.abort();
  for (const started of children) signalGroup(started, 'SIGTERM');
}

process.on('SIGINT', () => stop(130));
process.on('SIGTERM', () => stop(143));
process.on('SIGHUP', () => stop(129));
onOrphaned(() => stop(143));

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (stopping === undefined) say(error.message);
  process.exitCode = 1;
}
process.exitCode = stopping ?? process.exitCode;
