import { writeFile } from 'node:fs/promises';
import type { Random } from '@agentpay/primitives';
import type { Hex } from '@agentpay/protocol';
import { privateKeyToAccount } from 'viem/accounts';
import { newApiKey, scopes, type Scope } from './operations/ApiKey.js';
import { readPassword, sealKeystore } from './operations/Keystore.js';

export const USAGE = `agentpay-facilitator                           serves; configured by the environment
agentpay-facilitator keystore create <file>    writes a new key, or the one in SIGNER_KEY, encrypted with KEYSTORE_PASSWORD(_FILE)
agentpay-facilitator key create <name> <scope,scope>    makes an API key; scopes: ${scopes.join(', ')}
`;

type Env = Readonly<Record<string, string | undefined>>;

/** Runs a command other than serving; gives what to print. @throws Error with one sentence */
export async function runCommand(args: readonly string[], env: Env, random: Random): Promise<string> {
  const [noun, verb, first, second, ...more] = args;
  if (noun === 'keystore' && verb === 'create' && first !== undefined && second === undefined)
    return createKeystore(first, env, random);
  if (
    noun === 'key' &&
    verb === 'create' &&
    first !== undefined &&
    second !== undefined &&
    more.length === 0
  ) {
    return createApiKey(first, second, random);
  }
  if (args.length === 1 && (noun === '--help' || noun === 'help')) return USAGE;
  throw new Error(`This is not a command. The commands are:\n${USAGE.trimEnd()}`);
}

async function createKeystore(file: string, env: Env, random: Random): Promise<string> {
  const given = env['SIGNER_KEY'];
  if (given && !/^0x[0-9a-fA-F]{64}$/.test(given)) throw new Error('SIGNER_KEY must be 32 bytes of hex.');
  const [password, passwordFile] = [
    env['KEYSTORE_PASSWORD'] || undefined,
    env['KEYSTORE_PASSWORD_FILE'] || undefined,
  ];
  if (password === undefined && passwordFile === undefined)
    throw new Error('KEYSTORE_PASSWORD_FILE is missing, or KEYSTORE_PASSWORD.');
  const secret = await readPassword({ password, passwordFile });
  if (secret.length < 12) throw new Error('The password of a keystore must have at least 12 characters.');
  const key = (given || `0x${Buffer.from(random.bytes(32)).toString('hex')}`) as Hex;
  const text = await sealKeystore(key, secret, random);
  try {
    // An older key may own money: never written over.
    await writeFile(file, text, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'it exists already' : (code ?? 'unknown fault');
    throw new Error(`${file} cannot be written: ${why}.`, { cause: error });
  }
  return `${privateKeyToAccount(key).address} is in ${file}.\n`;
}

function createApiKey(name: string, list: string, random: Random): string {
  const chosen = list.split(',');
  const known = (scope: string): scope is Scope => (scopes as readonly string[]).includes(scope);
  if (!/^[\w.-]{1,64}$/.test(name))
    throw new Error('The name of a key may have letters, digits, ".", "_" and "-".');
  if (!chosen.every(known)) throw new Error(`The scopes of a key are ${scopes.join(', ')}.`);
  const { text, entry } = newApiKey(name, chosen, random);
  return `The key, shown this once:  ${text}\nFor API_KEYS:              ${entry}\n`;
}
