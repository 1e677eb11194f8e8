import { randomBytes } from 'node:crypto';

/** Randomness as an argument. */
export interface Random {
  bytes(length: number): Uint8Array;
}

/** Cryptographically strong randomness of the machine. */
export const systemRandom: Random = { bytes: (length) => new Uint8Array(randomBytes(length)) };

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
