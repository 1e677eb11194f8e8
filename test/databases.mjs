// Redis and PostgreSQL for the tests: those of REDIS_URL and DATABASE_URL, else one of each for every worker of Jest, in a temporary
// folder on loopback, so that no suite waits for a transaction of another; and
// Chromium: the one of CHROMIUM, else that on the PATH; and the Python of PYTHON, else the system's, with what the Python package needs.
// Run as a child of run.mjs: it sends { env } or { fault } over IPC and takes everything down when that channel closes,
// however its parent ended.
import { execFileSync, spawn } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import jestConfig from '../jest.config.mjs';
import { findPostgres, makeCluster, postgresUser } from '../packages/dev/postgres.mjs';

const READY_MS = 30_000;
const STOP_MS = 10_000;

const isRoot = process.getuid?.() === 0;
const running = [];
let folder;
let stopping = false;

async function startDatabases() {
  const given = { REDIS_URL: process.env.REDIS_URL, DATABASE_URL: process.env.DATABASE_URL };
  installMissing();
  folder = mkdtempSync(join(tmpdir(), 'agentpay-test-'));
  const ofWorkers = (url, start) =>
    Promise.all(Array.from({ length: jestConfig.maxWorkers }, (_, index) => url || start(index + 1)));
  const [redis, postgres] = await Promise.all([
    ofWorkers(given.REDIS_URL, startRedis),
    ofWorkers(given.DATABASE_URL, startPostgres),
  ]);
  const env = { REDIS_URL: redis[0], DATABASE_URL: postgres[0], CHROMIUM: findChromium(), PYTHON };
  return { ...env, REDIS_URLS: redis.join(' '), DATABASE_URLS: postgres.join(' '), TEST_FOLDER: temporary() };
}

/** Where suites put their temporary files: what a suite leaves, or one that is killed, goes when the databases do. */
function temporary() {
  // Programs that refuse to run as root find their files in it.
  chmodSync(folder, 0o711);
  const path = join(folder, 'tmp');
  mkdirSync(path);
  return path;
}

// ---- finding and installing

/** Redis and PostgreSQL are needed with REDIS_URL and DATABASE_URL too: the fault tests stop and start their own. */
function missing() {
  return [
    ...(findRedis() ? [] : ['redis-server']),
    ...(findPostgres() ? [] : ['postgresql']),
    ...(findPgBouncer() ? [] : ['pgbouncer']),
    ...(findChromium() ? [] : ['chromium']),
    ...missingPython(),
  ];
}

/** Modules that the tests of the Python package import, and where Debian has them. */
const pythonModules = {
  httpx: 'python3-httpx',
  Cryptodome: 'python3-pycryptodome',
  ecdsa: 'python3-ecdsa',
  mypy: 'mypy',
  pytest: 'python3-pytest',
  pip: 'python3-pip',
  setuptools: 'python3-setuptools',
  wheel: 'python3-wheel',
};
const PYTHON = process.env.PYTHON || '/usr/bin/python3';

function missingPython() {
  const modules = Object.keys(pythonModules);
  const program = `from importlib.util import find_spec; print(*(m for m in ${JSON.stringify(modules)} if not find_spec(m)))`;
  try {
    const missed = execFileSync(PYTHON, ['-c', program], { encoding: 'utf8' }).trim();
    return missed === '' ? [] : missed.split(' ').map((name) => pythonModules[name]);
  } catch {
    return ['python3', ...Object.values(pythonModules)];
  }
}

function installMissing() {
  const packages = missing();
  if (packages.length === 0) return;
  if (isRoot && findOnPath('apt-get')) {
    const options = { stdio: 'pipe', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
    execFileSync('apt-get', ['update'], options);
    execFileSync('apt-get', ['install', '--yes', '--no-install-recommends', ...packages], options);
  }
  const still = missing();
  if (still.length === 0) return;
  throw new Error(
    `The tests need ${still.join(' and ')}: install with "sudo apt-get install ${still.join(' ')}" or as your system does it` +
      `${still.includes('chromium') ? ', or set CHROMIUM' : ''}` +
      `${still.some((name) => name.includes('python')) ? ', or set PYTHON to one that has them' : ''}.`,
  );
}

function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function findOnPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return folders.map((path) => join(path, name)).find(executable);
}

/** For tests of their own; Debian keeps it where only root looks. */
const findPgBouncer = () => findOnPath('pgbouncer') || executable('/usr/sbin/pgbouncer');

const findRedis = () => findOnPath('redis-server');

const findChromium = () =>
  process.env.CHROMIUM || ['chromium', 'chromium-browser', 'google-chrome'].map(findOnPath).find(Boolean);

// ---- starting

async function startRedis(worker) {
  const port = await freePort();
  const data = join(folder, `redis${worker}`);
  mkdirSync(data);
  const args = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', data];
  await startProcess(findRedis(), args, { ready: 'Ready to accept connections', stopSignal: 'SIGTERM' });
  return `redis://127.0.0.1:${port}`;
}

/** An empty database folder, made once: a copy takes a tenth of the time. */
function freshPostgres(bin, user) {
  const data = join(folder, 'postgres');
  if (existsSync(data)) return data;
  if (isRoot) chownSync(folder, user.uid, user.gid);
  makeCluster({ bin, data, role: 'agentpay', user, sync: false });
  return data;
}

async function startPostgres(worker) {
  const bin = findPostgres();
  const data = join(folder, `postgres${worker}`);
  const user = postgresUser();
  execFileSync('cp', ['-a', freshPostgres(bin, user), data]);
  const port = await freePort();
  // The data is thrown away with the folder, so nothing waits for the disk.
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 200,
    fsync: 'off',
  };
  const args = [
    '-D',
    data,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  await startProcess(join(bin, 'postgres'), args, {
    ...user,
    ready: 'ready to accept connections',
    stopSignal: 'SIGINT',
  });
  return `postgres://agentpay@127.0.0.1:${port}/postgres`;
}

/** Starts a server in its own process group, so that a Ctrl-C at the terminal reaches it through {@link stopAll} only. */
function startProcess(command, args, { ready, stopSignal, uid, gid }) {
  if (stopping) throw new Error('Redis and PostgreSQL are stopping.');
  const identity = uid === undefined ? {} : { uid, gid };
  const child = spawn(command, args.map(String), {
    ...identity,
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push({ child, stopSignal });
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (why) => reject(new Error(`${command} ${why}:\n${output.trim()}`));
    const timer = setTimeout(() => fail(`was not ready within ${READY_MS / 1000} s`), READY_MS);
    const onData = (chunk) => {
      output = (output + chunk).slice(-10_000);
      if (!output.includes(ready)) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout.on('data', onData);
    child.stderr.on('data', onData);
    child.on('error', (error) => fail(`did not start (${error.message})`));
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      fail(`ended (${signal ?? code})`);
    });
  });
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// ---- stopping

function stopProcess({ child, stopSignal }) {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return undefined;
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    child.on('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill(stopSignal);
  });
}

async function stopAll() {
  stopping = true;
  await Promise.all(running.map(stopProcess));
  if (folder) rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}

process.on('disconnect', stopAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {}); // the parent decides when to stop
startDatabases().then(
  (env) => process.connected && process.send({ env }),
  (error) => process.connected && process.send({ fault: error.message }),
);
