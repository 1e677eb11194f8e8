import type { Hex } from '@agentpay/protocol';

/**
 * Data of a call whose arguments fill one word each: addresses and numbers, and bytes32. Written out, because every verification makes
 * several and a general coder takes about ten times as long.
 * @throws RangeError when an argument does not fit into a word
 */
export function encodeWords(selector: Hex, ...args: readonly (Hex | bigint)[]): Hex {
  let data = selector as string;
  for (const arg of args) {
    const digits = typeof arg === 'bigint' ? arg.toString(16) : arg.slice(2).toLowerCase();
    if (digits.length > 64 || digits.startsWith('-'))
      throw new RangeError('An argument does not fit into a word.');
    data += digits.padStart(64, '0');
  }
  return data as Hex;
}
