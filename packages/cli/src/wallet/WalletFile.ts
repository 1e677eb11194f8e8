import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Random } from '@agentpay/primitives';
import { bytesToHex } from '@agentpay/protocol';
import { localAccount } from '@agentpay/sdk';
import { CommandFault, usageFault } from '@agentpay/http/commands';
import { readPrivate, writePrivate } from '../privateFile.js';

/** A key, and the address that it pays from. */
export interface WalletKey {
  readonly address: string;
  readonly privateKey: string;
}

type Env = Readonly<Record<string, string | undefined>>;
const KEY = /^0x[0-9a-fA-F]{64}$/;

/** The folder of this user's wallet and purchases: AGENTPAY_HOME, else `~/.agentpay`. */
export function homeFolder(env: Env): string {
  return env['AGENTPAY_HOME'] || join(homedir(), '.agentpay');
}

/** The file that `--wallet` or AGENTPAY_WALLET_FILE names, else `wallet.json` of the home folder. */
export function walletPath(env: Env, given: unknown): string {
  return (given as string | undefined) || env['AGENTPAY_WALLET_FILE'] || join(homeFolder(env), 'wallet.json');
}

/** Makes a key and writes it down before anybody can send money to it. @throws CommandFault where there is a file already */
export function createWallet(file: string, random: Random): WalletKey {
  const privateKey = bytesToHex(random.bytes(32));
  const wallet = { address: localAccount(privateKey).address, privateKey };
  writePrivate(file, `${JSON.stringify(wallet, null, 2)}\n`, { isNew: true });
  return wallet;
}

/** The key in the file; undefined when there is no file. @throws CommandFault */
export function readWallet(file: string): WalletKey | undefined {
  const text = readPrivate(file);
  if (text === undefined) return undefined;
  const key = keyIn(text);
  if (key === undefined)
    throw new CommandFault('file_unusable', `${file} is no wallet file: it has no privateKey.`);
  return walletOf(key);
}

/** The key that pays: AGENTPAY_PRIVATE_KEY, unless `--wallet` names a file, else that of the wallet file. @throws CommandFault */
export function payingKey(env: Env, given: unknown): WalletKey {
  const inEnv = env['AGENTPAY_PRIVATE_KEY'];
  if (given === undefined && inEnv) {
    if (!KEY.test(inEnv)) throw usageFault('AGENTPAY_PRIVATE_KEY must be 0x and 64 hex digits.');
    return walletOf(inEnv);
  }
  const file = walletPath(env, given);
  const wallet = readWallet(file);
  if (wallet) return wallet;
  const how = 'make one with "agentpay wallet create", or set AGENTPAY_PRIVATE_KEY';
  throw new CommandFault('no_wallet', `There is no wallet at ${file}: ${how}.`);
}

function keyIn(text: string): string | undefined {
  try {
    const { privateKey } = JSON.parse(text) as { privateKey?: unknown };
    return typeof privateKey === 'string' && KEY.test(privateKey) ? privateKey : undefined;
  } catch {
    return undefined;
  }
}

// The address is worked out, never believed: money goes where the key is.
function walletOf(privateKey: string): WalletKey {
  try {
    return { address: localAccount(privateKey).address, privateKey };
  } catch {
    throw new CommandFault('file_unusable', 'The private key is no key of Ethereum.');
  }
}
