import { createHash, createHmac, hkdfSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { vault } from '@agentpay/core';
import type { Random } from '@agentpay/primitives';
import { makeFolder } from '@agentpay/storage';
import type { ServerConfig } from './config.js';

/** The secrets a node works with. */
export interface Secrets {
  /** Sign tokens; the first one signs, and what the others signed is good as well. */
  readonly tokens: readonly [string, ...string[]];
  /** Keys the hashes of stored credentials. */
  readonly pepper: string;
  /** Seal secrets that have to be read again; the first one seals. */
  readonly vaultKeys: readonly vault.VaultKey[];
  /** Goes into the keys of new wallets. */
  readonly custodyRoot: Uint8Array;
}

/**
 * The configured secrets; without JWT_SECRET the one kept in the data folder beside the embedded database (made at the first
 * start), or a new one when that database is in memory and nothing outlives the process.
 */
export async function readSecrets(
  { jwtSecret, formerJwtSecrets, keyPepper, masterKey, formerMasterKeys, dataDir }: ServerConfig,
  random: Random,
): Promise<Secrets> {
  const token = jwtSecret ?? (dataDir === undefined ? newSecret(random) : await keptSecret(dataDir, random));
  // While a secret replaces another, each stands in both lists of some replica.
  const former = formerJwtSecrets.filter((secret) => secret !== token);
  const master = masterKey ?? derivedMaster(token);
  return {
    tokens: [token, ...former],
    vaultKeys: [master, ...formerMasterKeys, ...former.map(derivedMaster)].map(vaultKey),
    custodyRoot: new Uint8Array(hkdfSync('sha256', master, '', 'agentpay custody v1', 32)),
    pepper: keyPepper ?? createHmac('sha256', token).update('agentpay credential hashes v1').digest('hex'),
  };
}

const derivedMaster = (token: string) => `agentpay vault v1 ${token}`;

/** A vault key, named by its own hash, so that what it sealed tells which key it was. */
export function vaultKey(secret: string): vault.VaultKey {
  const bytes = new Uint8Array(hkdfSync('sha256', secret, '', 'agentpay vault v1', 32));
  return { id: createHash('sha256').update(bytes).digest('hex').slice(0, 8), bytes };
}

function newSecret(random: Random): string {
  return Buffer.from(random.bytes(32)).toString('hex');
}

async function keptSecret(dataDir: string, random: Random): Promise<string> {
  const file = join(dataDir, 'secret');
  makeFolder(dataDir);
  try {
    // Only the first start writes; every other one finds the file.
    await writeFile(file, newSecret(random), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return (await readFile(file, 'utf8')).trim();
}
