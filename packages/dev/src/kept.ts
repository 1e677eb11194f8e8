import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Env } from '@agentpay/http';
import { systemRandom } from '@agentpay/primitives';
import { openDataDir } from './DataDir.js';
import { DevFault } from './DevFault.js';
import { inherited } from './nodePart.js';
import { apiStores, programOf } from './stack.js';

/** Where a stack keeps everything that is to outlive it. */
export interface KeptPlace {
  readonly dataDir: string;
  /** PostgreSQL of the API, in place of the embedded one of the folder. */
  readonly databaseUrl: string | undefined;
}

/** A folder below the working one; another with a PostgreSQL, which has agents of its own. */
export function keptPlace({ DATABASE_URL }: Env): KeptPlace {
  const databaseUrl = DATABASE_URL || undefined;
  return { dataDir: resolve('.agentpay', databaseUrl === undefined ? 'data' : 'data-postgres'), databaseUrl };
}

/** Runs a command of the server on the database that `--keep` keeps. @returns its exit code */
export async function runOnKept(command: 'migrate' | 'seed', env: Env): Promise<number> {
  const { dataDir, databaseUrl } = keptPlace(env);
  try {
    const data = openDataDir(dataDir, systemRandom);
    try {
      const state = data.readState();
      data.writeState(state);
      const child = spawn(process.execPath, [programOf('server'), command], {
        env: { ...inherited(), ...apiStores({ data, state, databaseUrl }) },
        stdio: 'inherit',
      });
      const [code] = (await once(child, 'close')) as [number | null];
      return code ?? 1;
    } finally {
      data.close();
    }
  } catch (cause) {
    if (!(cause instanceof DevFault)) throw cause;
    process.stderr.write(`${cause.message}\n`);
    return 2;
  }
}
