import { resolve } from 'node:path';
import type { Env } from '@agentpay/http';
import { DevFault } from './DevFault.js';
import { keptPlace } from './kept.js';

/** What `agentpay dev` was asked for. */
export interface DevOptions {
  /** Port of the API; 0: any free one. The other parts take the next ports where these are free. */
  readonly port: number;
  /** Leave after the purchases. */
  readonly once: boolean;
  /** Print the purchases as one JSON document instead of a table. */
  readonly json: boolean;
  /** Folder that keeps ledger, settlements, chain and keys; undefined: a temporary one. */
  readonly dataDir: string | undefined;
  /** PostgreSQL of the API; undefined: an embedded one in the folder. */
  readonly databaseUrl: string | undefined;
  /** Seconds between blocks of the local chain. */
  readonly blockTime: number;
}

/** Texts of the flags as they came from the command line. */
export interface DevFlags {
  readonly port?: string;
  readonly once?: boolean;
  readonly json?: boolean;
  readonly data?: string;
  readonly keep?: boolean;
  readonly blockTime?: string;
}

/** Reads the flags. @throws DevFault naming the flag and the value */
export function readDevOptions(flags: DevFlags, env: Env): DevOptions {
  return {
    port: flags.port === undefined ? 3100 : readPort(flags.port),
    once: flags.once ?? false,
    json: flags.json ?? false,
    ...placeOf(flags, env),
    blockTime: flags.blockTime === undefined ? 0.5 : readBlockTime(flags.blockTime),
  };
}

function placeOf({ data, keep }: DevFlags, env: Env): Pick<DevOptions, 'dataDir' | 'databaseUrl'> {
  if (keep && data !== undefined)
    throw new DevFault('--keep and --data name two folders; give one of them.', true);
  if (keep) return keptPlace(env);
  return { dataDir: data === undefined ? undefined : readFolder(data), databaseUrl: undefined };
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  if (port < 0 || port > 65_535)
    throw new DevFault(`--port must be a whole number from 0 to 65535, not "${text}".`, true);
  return port;
}

function readFolder(text: string): string {
  if (text.trim() === '') throw new DevFault('--data must name a folder, not "".', true);
  return resolve(text);
}

function readBlockTime(text: string): number {
  const seconds = /^\d{1,3}(\.\d{1,3})?$/.test(text) ? Number(text) : -1;
  if (seconds < 0.1 || seconds > 60)
    throw new DevFault(`--block-time must be a number of seconds from 0.1 to 60, not "${text}".`, true);
  return seconds;
}
