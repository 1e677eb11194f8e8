import { randomBytes } from 'node:crypto';

/** Randomness as an argument. */
export interface Random {
  bytes(length: number): Uint8Array;
}

const POOL_BYTES = 4096;

/** Cryptographically strong randomness of the machine. Small requests share what one call of the system gave. */
export const systemRandom: Random = pooled(randomBytes);

function pooled(source: (length: number) => Uint8Array): Random {
  let pool = new Uint8Array(0);
  return {
    bytes(length) {
      if (length > POOL_BYTES) return new Uint8Array(source(length));
      if (pool.length < length) pool = new Uint8Array(source(POOL_BYTES));
      const taken = pool.slice(0, length);
      pool = pool.subarray(length);
      return taken;
    },
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
