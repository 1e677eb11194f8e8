import { hkdfSync } from 'node:crypto';
import type { CorePorts } from '@agentpay/core';

/** Keys of wallets from one root (HKDF-SHA256, RFC 5869), a key for each wallet. */
export function custodyKeys(root: Uint8Array): CorePorts['custodyKeys'] {
  return {
    derive: async (walletId) =>
      new Uint8Array(hkdfSync('sha256', root, walletId, 'agentpay wallet key v1', 32)),
  };
}
