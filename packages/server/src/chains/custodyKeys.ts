import { hkdfSync } from 'node:crypto';
import type { CorePorts } from '@agentpay/core';
import { signDigest } from '@agentpay/evm';
import type { Random } from '@agentpay/primitives';

/**
 * Keys of new wallets (HKDF-SHA256, RFC 5869): from a root and from bytes that are drawn for each of them and kept nowhere, so that neither
 * a root that leaked nor poor randomness gives any.
 */
export function custodyKeys(root: Uint8Array, random: Random): CorePorts['custodyKeys'] {
  return {
    make: async (walletId) =>
      new Uint8Array(hkdfSync('sha256', root, random.bytes(32), `agentpay wallet key v2 ${walletId}`, 32)),
    sign: signDigest,
  };
}
