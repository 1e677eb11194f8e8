/** Randomness as an argument. */
export interface Random {
  bytes(length: number): Uint8Array;
}

const POOL_BYTES = 4096;

/** Cryptographically strong randomness of the machine. Small requests share what one call of the system gave. */
export const systemRandom: Random = pooled(randomBytes);

/** Most bytes that one call of the Web Crypto API gives. */
const MOST_BYTES = 65_536;

function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += MOST_BYTES)
    globalThis.crypto.getRandomValues(bytes.subarray(at, at + MOST_BYTES));
  return bytes;
}

function pooled(source: (length: number) => Uint8Array): Random {
  let pool = new Uint8Array(0);
  let taken = 0;
  return {
    bytes(length) {
      if (length > POOL_BYTES) return new Uint8Array(source(length));
      if (pool.length - taken < length) {
        pool = new Uint8Array(source(POOL_BYTES));
        taken = 0;
      }
      return pool.slice(taken, (taken += length));
    },
  };
}

/** 144 bits in base64url: a text of whole groups of three bytes, which is encoded alike wherever such groups are before it. */
const NONCE_LENGTH = 24;

/** Gives texts of 144 random bits, in base64url, as `written`. Many share what one call of the source gave. */
export function nonceSource(
  random: Random,
  written: (text: string) => string = (text) => text,
): () => string {
  const length = written('x'.repeat(NONCE_LENGTH)).length;
  let pool = '';
  return () => {
    if (pool.length < length) pool = written(Buffer.from(random.bytes(POOL_BYTES)).toString('base64url'));
    const nonce = pool.slice(0, length);
    pool = pool.slice(length);
    return nonce;
  };
}

/** Repeatable randomness (xorshift32) for tests and simulations; never for keys. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0 || 1;
  const byte = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 0xff;
  };
  return { bytes: (length) => Uint8Array.from({ length }, byte) };
}
