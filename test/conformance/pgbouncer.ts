import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { sleep, systemClock, systemRandom } from '@agentpay/primitives';
import { claimPort } from '@agentpay/dev/ports';
import { Client } from 'pg';

/** A PgBouncer in transaction mode with its default settings. */
export interface PgBouncer {
  /** The database of the URL it was started for, by way of it. */
  readonly url: string;
  close(): Promise<void>;
}

const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];

export async function startPgBouncer(databaseUrl: string): Promise<PgBouncer> {
  const binary = folders.map((folder) => join(folder, 'pgbouncer')).find((path) => existsSync(path));
  if (!binary) throw new Error('pgbouncer is not installed: apt-get install pgbouncer.');
  const target = new URL(databaseUrl);
  const port = (await claimPort(0, systemRandom)) as number;
  const folder = mkdtempSync(join(tmpdir(), 'agentpay-pgbouncer-'));
  const settings = join(folder, 'pgbouncer.ini');
  writeFileSync(join(folder, 'users.txt'), `"${target.username}" ""\n`);
  writeFileSync(
    settings,
    `[databases]\n* = host=${target.hostname} port=${target.port || 5432}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${port}\n` +
      `auth_type = trust\nauth_file = ${join(folder, 'users.txt')}\npool_mode = transaction\nunix_socket_dir =\n`,
  );
  const identity = process.getuid?.() === 0 ? unprivileged() : undefined;
  if (identity) chownSync(folder, identity.uid, identity.gid);
  const child = spawn(binary, [settings], { ...identity, cwd: folder, stdio: 'ignore' });
  const exited = once(child, 'exit');
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${port}`;
  while (!(await answers(url.href))) {
    if (child.exitCode !== null) throw new Error(`pgbouncer ended with exit code ${child.exitCode}.`);
    await sleep(systemClock, 25);
  }
  return {
    url: url.href,
    async close() {
      child.kill('SIGKILL');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** PgBouncer refuses to run as root. */
function unprivileged(): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  return client.connect().then(
    () => client.end().then(() => true),
    () => false,
  );
}
