import { createCipheriv, createDecipheriv, scrypt, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Random } from '@agentpay/primitives';
import type { Hex } from '@agentpay/protocol';
import { bytesToHex, concat, hexToBytes, keccak256 } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { z } from 'zod';
import type { FacilitatorConfig, KeystoreSource } from '../config.js';

const bytes = (length: number) => z.string().regex(new RegExp(`^[0-9a-fA-F]{${2 * length}}$`));
// A file from somebody else must not make us fill the memory.
const MAX_MEMORY = 2 ** 30;

/** Web3 Secret Storage, version 3, as geth and others write it, with scrypt. */
const keystoreSchema = z.object({
  version: z.literal(3),
  crypto: z.object({
    cipher: z.literal('aes-128-ctr'),
    cipherparams: z.object({ iv: bytes(16) }),
    ciphertext: bytes(32),
    kdf: z.literal('scrypt'),
    kdfparams: z
      .object({
        dklen: z.literal(32),
        n: z
          .number()
          .int()
          .min(2)
          .max(2 ** 20)
          .refine((n) => (n & (n - 1)) === 0),
        r: z.number().int().min(1).max(64),
        p: z.number().int().min(1).max(64),
        salt: z.string().regex(/^([0-9a-fA-F]{2}){8,64}$/),
      })
      // the second is RFC 7914's
      .refine(({ n, r }) => 128 * n * r <= MAX_MEMORY && Math.log2(n) < 16 * r),
    mac: bytes(32),
  }),
});
type Kdf = z.infer<typeof keystoreSchema>['crypto']['kdfparams'];

/** The cost that geth uses: about a second and 256 MB for each guess at the password. */
const STANDARD = { n: 2 ** 18, r: 8, p: 1 };

/** The private key in a keystore file. @throws Error with one sentence, without secrets, when text or password are wrong */
export async function openKeystore(text: string, password: string): Promise<Hex> {
  const { crypto } = readShape(text);
  const derived = await derive(password, crypto.kdfparams);
  const ciphertext = Buffer.from(crypto.ciphertext, 'hex');
  const right = timingSafeEqual(macOf(derived, ciphertext), Buffer.from(crypto.mac, 'hex'));
  if (!right) throw new Error('The password of the keystore is wrong.');
  const decipher = createDecipheriv(
    'aes-128-ctr',
    derived.subarray(0, 16),
    Buffer.from(crypto.cipherparams.iv, 'hex'),
  );
  return bytesToHex(Buffer.concat([decipher.update(ciphertext), decipher.final()]));
}

/** The text of a keystore file that holds the key. */
export async function sealKeystore(
  key: Hex,
  password: string,
  random: Random,
  cost = STANDARD,
): Promise<string> {
  const iv = random.bytes(16);
  const kdfparams = { dklen: 32 as const, ...cost, salt: hex(random.bytes(32)) };
  const derived = await derive(password, kdfparams);
  const cipher = createCipheriv('aes-128-ctr', derived.subarray(0, 16), iv);
  const ciphertext = Buffer.concat([cipher.update(hexToBytes(key)), cipher.final()]);
  const cipherparams = { iv: hex(iv) };
  const mac = hex(macOf(derived, ciphertext));
  const crypto = {
    cipher: 'aes-128-ctr',
    cipherparams,
    ciphertext: hex(ciphertext),
    kdf: 'scrypt',
    kdfparams,
    mac,
  };
  const address = privateKeyToAccount(key).address.slice(2).toLowerCase();
  return `${JSON.stringify({ version: 3, id: uuid(random), address, crypto }, null, 2)}\n`;
}

/** A random UUID (RFC 9562, version 4). */
function uuid(random: Random): string {
  return hex(random.bytes(16)).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-8$4-$5');
}

/**
 * Every signer key of the configuration, by value and from keystores.
 * @throws Error with one sentence that names the file at fault
 * @example
 * ```ts
 * import { loadSignerKeys, readConfig } from '@agentpay/facilitator';
 * import { privateKeyToAccount } from 'viem/accounts';
 *
 * const keys = await loadSignerKeys(readConfig(process.env));
 * const accounts = keys.map((key) => privateKeyToAccount(key)); // for `createFacilitator`
 * ```
 */
export async function loadSignerKeys({
  signerKeys,
  keystore,
}: Pick<FacilitatorConfig, 'signerKeys' | 'keystore'>): Promise<readonly Hex[]> {
  if (!keystore) return signerKeys;
  const password = await readPassword(keystore);
  const keys: Hex[] = [...signerKeys];
  // One at a time: each takes a quarter of a gigabyte for a second.
  for (const file of keystore.files) {
    const text = await readText('KEYSTORE_FILE', file);
    const refuse = (error: Error) => Promise.reject(new Error(`KEYSTORE_FILE ${file}: ${error.message}`));
    keys.push(await openKeystore(text, password).catch(refuse));
  }
  return keys;
}

/** The password itself, or the first line of its file. @throws Error with one sentence when the file cannot be read */
export async function readPassword({
  password,
  passwordFile,
}: Pick<KeystoreSource, 'password' | 'passwordFile'>): Promise<string> {
  if (password !== undefined) return password;
  const text = await readText('KEYSTORE_PASSWORD_FILE', passwordFile ?? '');
  return text.split(/\r?\n/, 1)[0] ?? '';
}

async function readText(variable: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new Error(
      `${variable} ${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown fault'}.`,
      { cause: error },
    );
  }
}

function readShape(text: string): z.infer<typeof keystoreSchema> {
  try {
    // Some writers capitalise the one member.
    const { Crypto, ...rest } = JSON.parse(text) as Record<string, unknown>;
    return keystoreSchema.parse({ ...(Crypto === undefined ? {} : { crypto: Crypto }), ...rest });
  } catch {
    // The cause is left out: it would quote the file.
    throw new Error('This is not a keystore (Web3 Secret Storage version 3 with scrypt and aes-128-ctr).');
  }
}

function hex(value: Uint8Array): string {
  return Buffer.from(value).toString('hex');
}

function derive(password: string, { n, r, p, dklen, salt }: Kdf): Promise<Buffer> {
  const options = { N: n, r, p, maxmem: 128 * n * r + 128 * r * p + 2 ** 20 };
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, key: Buffer) => (error ? reject(error) : resolve(key));
    scrypt(password, Buffer.from(salt, 'hex'), dklen, options, done);
  });
}

function macOf(derived: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  return keccak256(concat([derived.subarray(16, 32), ciphertext]), 'bytes');
}
