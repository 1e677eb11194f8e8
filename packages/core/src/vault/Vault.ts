import { createCipheriv, createDecipheriv } from 'node:crypto';
import { AgentPayError } from '@agentpay/primitives';
import type { Random } from '@agentpay/primitives';

/** A key of the vault: 32 bytes under a name that stands in everything it sealed. */
export interface VaultKey {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** Keeps secrets that have to be read again: signing secrets of webhooks, bank details, private keys. */
export interface Vault {
  /** Encrypts a text for one place: sealed text that is copied to another `context` does not open there. */
  seal(text: string, context: string): string;
  /** @throws AgentPayError `internal_error` when the text was changed, belongs elsewhere, or its key is gone */
  open(sealed: string, context: string): string;
  /** What everything begins with that the current key sealed. */
  readonly mark: string;
  /** Whether the text was sealed by the current key; else it is to be sealed again. */
  isCurrent(sealed: string): boolean;
}

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 'v1';

/**
 * AES-256-GCM. The first key seals, all of them open, so that a key can be changed while the server runs.
 * @throws AgentPayError `invalid_request` for no keys, keys that are not 32 bytes, or names used twice
 */
export function createVault(keys: readonly VaultKey[], random: Random): Vault {
  const byId = new Map(keys.map((key) => [key.id, key]));
  const [current] = keys;
  if (
    !current ||
    byId.size !== keys.length ||
    keys.some(({ id, bytes }) => !isName(id) || bytes.length !== 32)
  )
    throw new AgentPayError(
      'invalid_request',
      'The vault needs keys of 32 bytes, each with a name of its own.',
    );
  const mark = `${VERSION}.${current.id}.`;
  return {
    mark,
    seal(text, context) {
      const nonce = random.bytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, current.bytes, nonce).setAAD(Buffer.from(context));
      const bytes = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
      return [VERSION, current.id, Buffer.concat(bytes).toString('base64url')].join('.');
    },
    open(sealed, context) {
      const [version, id = '', text = ''] = sealed.split('.');
      const key = byId.get(id);
      if (version !== VERSION || !key) throw unreadable();
      const bytes = Buffer.from(text, 'base64url');
      try {
        const decipher = createDecipheriv(ALGORITHM, key.bytes, bytes.subarray(0, NONCE_BYTES));
        decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(-TAG_BYTES));
        const plain = [decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()];
        return Buffer.concat(plain).toString('utf8');
      } catch {
        throw unreadable();
      }
    },
    isCurrent: (sealed) => sealed.startsWith(mark),
  };
}

function isName(id: string): boolean {
  return /^[\w-]{1,32}$/.test(id);
}

function unreadable(): AgentPayError {
  return new AgentPayError(
    'internal_error',
    'A sealed secret cannot be read: its key is missing or it was changed.',
  );
}
