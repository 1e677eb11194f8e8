import { writeFile } from 'node:fs/promises';
import { ConfigError } from '@agentpay/http';
import { CommandFault, usageFault, type Called } from '@agentpay/http/commands';
import { systemRandom } from '@agentpay/primitives';
import type { Hex } from '@agentpay/protocol';
import { privateKeyToAccount } from 'viem/accounts';
import { newApiKey, scopes, type Scope } from './operations/ApiKey.js';
import { readPassword, sealKeystore } from './operations/Keystore.js';

/** `agentpay facilitator keystore create`: a signer account, encrypted. @throws CommandFault, ConfigError */
export async function createKeystore({ args: [file = ''], flags, around }: Called): Promise<number> {
  const { env, print } = around;
  const given = env['SIGNER_KEY'];
  if (given && !/^0x[0-9a-fA-F]{64}$/.test(given))
    throw new ConfigError(['SIGNER_KEY must be 32 bytes of hex.']);
  const secret = await passwordOf(env);
  const key = (given || `0x${Buffer.from(systemRandom.bytes(32)).toString('hex')}`) as Hex;
  const text = await sealKeystore(key, secret, systemRandom);
  try {
    // An older key may own money: never written over.
    await writeFile(file, text, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'it exists already' : (code ?? 'unknown fault');
    throw new CommandFault('file_unusable', `${file} cannot be written: ${why}.`, { cause: error });
  }
  const { address } = privateKeyToAccount(key);
  if (flags['json']) print(JSON.stringify({ ok: true, address, file }));
  else print(`${address} is in ${file}.`);
  return 0;
}

async function passwordOf(env: Called['around']['env']): Promise<string> {
  const password = env['KEYSTORE_PASSWORD'] || undefined;
  const passwordFile = env['KEYSTORE_PASSWORD_FILE'] || undefined;
  if (password === undefined && passwordFile === undefined)
    throw new ConfigError(['KEYSTORE_PASSWORD_FILE is missing, or KEYSTORE_PASSWORD.']);
  const secret = await readPassword({ password, passwordFile }).catch((cause: unknown) => {
    throw new ConfigError([(cause as Error).message]);
  });
  if (secret.length < 12)
    throw new ConfigError(['The password of a keystore must have at least 12 characters.']);
  return secret;
}

/** `agentpay facilitator key create`: an API key, of which only the hash is kept. @throws CommandFault */
export async function createApiKey({ args: [name = '', list = ''], flags, around }: Called): Promise<number> {
  const chosen = list.split(',');
  const known = (scope: string): scope is Scope => (scopes as readonly string[]).includes(scope);
  if (!/^[\w.-]{1,64}$/.test(name))
    throw usageFault('The name of a key may have letters, digits, ".", "_" and "-".');
  if (!chosen.every(known)) throw usageFault(`The scopes of a key are ${scopes.join(', ')}.`);
  const { text, entry } = newApiKey(name, chosen, systemRandom);
  if (flags['json']) around.print(JSON.stringify({ ok: true, key: text, entry }));
  else around.print(`The key, shown this once:  ${text}\nFor API_KEYS:              ${entry}`);
  return 0;
}
