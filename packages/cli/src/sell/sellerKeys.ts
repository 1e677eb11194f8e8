import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import type { Random } from '@agentpay/primitives';
import { CommandFault } from '@agentpay/http/commands';
import * as z from 'zod';
import { readPrivate, writePrivate } from '../privateFile.js';
import { createWallet, readWallet } from '../wallet/WalletFile.js';

const schema = z.object({ receiptKey: z.string(), mppSecret: z.string().min(32) });

/** Secrets of a seller, the same after a restart: offers stay payable, and receipts stay signed by one key. */
export interface SellerKeys {
  readonly receiptKey: KeyObject;
  readonly mppSecret: string;
}

/** Reads the secrets of the folder, or makes them. @throws CommandFault */
export function sellerKeys(folder: string, random: Random): SellerKeys {
  const file = join(folder, 'keys.json');
  const text = readPrivate(file) ?? made(file, random);
  try {
    const { receiptKey, mppSecret } = schema.parse(JSON.parse(text));
    return { receiptKey: createPrivateKey(receiptKey), mppSecret };
  } catch (cause) {
    throw new CommandFault('file_unusable', `${file} is not what was written there.`, { cause });
  }
}

function made(file: string, random: Random): string {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  const keys = { receiptKey: String(pem), mppSecret: Buffer.from(random.bytes(32)).toString('base64url') };
  const text = `${JSON.stringify(keys, null, 2)}\n`;
  writePrivate(file, text, { isNew: true });
  return text;
}

/** The address that is paid where none was given: of a key in the folder. */
export function ownAddress(
  folder: string,
  random: Random,
): { readonly address: string; readonly file: string } {
  const file = join(folder, 'wallet.json');
  return { address: (readWallet(file) ?? createWallet(file, random)).address, file };
}
