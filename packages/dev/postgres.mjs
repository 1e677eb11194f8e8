// A PostgreSQL on this machine: where its programs are, whom they run as, and one in a folder for `npm run db:up`.
// Plain Node without dependencies, because tests use it before anything is built.
import { execFileSync } from 'node:child_process';
import { accessSync, chownSync, constants, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';

const CONNECT_MS = 3_000;

/** @returns {string | undefined} the folder that holds `initdb`, `pg_ctl` and `postgres`, which Debian keeps off the PATH */
export function findPostgres() {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  const debian = '/usr/lib/postgresql';
  if (existsSync(debian)) {
    const versions = readdirSync(debian).sort((a, b) => Number(b) - Number(a));
    folders.push(...versions.map((version) => join(debian, version, 'bin')));
  }
  const config = folders.map((path) => join(path, 'pg_config')).find(executable);
  if (config) folders.push(execFileSync(config, ['--bindir'], { encoding: 'utf8' }).trim());
  return folders.find((path) =>
    ['initdb', 'pg_ctl', 'postgres'].every((name) => executable(join(path, name))),
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

/** Whom it runs as: PostgreSQL refuses to run as root. @returns {{ uid?: number, gid?: number }} nothing: whoever we are */
export function postgresUser() {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag) => Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      // no such user: try the next
    }
  }
  throw new Error(
    'PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody to run it as.',
  );
}

/** Makes an empty database folder whose role may do everything and needs no password. */
export function makeCluster({ bin, data, role, user, sync = true }) {
  mkdirSync(data, { recursive: true });
  if (user.uid !== undefined) chownSync(data, user.uid, user.gid);
  const args = [
    '-D',
    data,
    '-U',
    role,
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C',
    ...(sync ? [] : ['--no-sync']),
  ];
  execFileSync(join(bin, 'initdb'), args, { ...user, cwd: '/', stdio: 'pipe' });
}

/**
 * Sees that a PostgreSQL answers where the URL says: one that runs, else one in a folder, where the URL names this machine.
 * @returns {Promise<string>} a sentence about what answers
 * @throws Error with a sentence when nothing does
 */
export async function ensurePostgres(url, folder) {
  const { hostname, port: given, username, pathname } = new URL(url);
  const [port, role, database] = [
    given || '5432',
    decodeURIComponent(username) || 'agentpay',
    decodeURIComponent(pathname.slice(1)) || 'postgres',
  ];
  const where = `${hostname}:${port}`;
  if (await answers(hostname, port)) return `PostgreSQL answers at ${where}.`;
  const bin = findPostgres();
  if (!['localhost', '127.0.0.1', '[::1]'].includes(hostname))
    throw new Error(`No PostgreSQL answers at ${where}, which is not this machine: start it there.`);
  if (!bin)
    throw new Error(
      `No PostgreSQL answers at ${where}, and none is installed here. With Docker: ` +
        `docker run --detach --publish ${port}:5432 --env POSTGRES_USER=${role} --env POSTGRES_DB=${database} ` +
        '--env POSTGRES_HOST_AUTH_METHOD=trust postgres:17',
    );
  const user = postgresUser();
  const run = (program, args, input) =>
    execFileSync(join(bin, program), args, {
      ...user,
      cwd: '/',
      input,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'ignore', 'pipe'],
    });
  if (!existsSync(join(folder, 'PG_VERSION'))) {
    makeCluster({ bin, data: folder, role, user });
    const create = `create database "${database.replaceAll('"', '""')}"\n`;
    if (database !== 'postgres') run('postgres', ['--single', '-D', folder, 'postgres'], create);
  }
  const listen = hostname.replace(/[[\]]/g, '');
  const options = `-p ${port} -c listen_addresses=${listen} -c unix_socket_directories=''`;
  run('pg_ctl', ['-D', folder, '-w', '-l', join(folder, 'server.log'), '-o', options, 'start']);
  return `PostgreSQL was started at ${where} in ${folder}; npm run db:down stops it.`;
}

/** Stops the PostgreSQL of a folder. @returns {string} a sentence about what was done */
export function stopPostgres(folder) {
  if (!existsSync(join(folder, 'postmaster.pid'))) return 'No PostgreSQL of this folder is running.';
  execFileSync(join(findPostgres(), 'pg_ctl'), ['-D', folder, '-m', 'fast', '-w', 'stop'], {
    ...postgresUser(),
    cwd: '/',
    stdio: 'pipe',
  });
  return 'PostgreSQL was stopped; its data stays.';
}

function answers(host, port) {
  return new Promise((resolve) => {
    const socket = connect({ host: host.replace(/[[\]]/g, ''), port: Number(port) });
    const done = (open) => {
      socket.destroy();
      resolve(open);
    };
    socket.setTimeout(CONNECT_MS, () => done(false));
    socket.on('connect', () => done(true)).on('error', () => done(false));
  });
}
