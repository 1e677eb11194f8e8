import { vault, type CorePorts } from '@agentpay/core';
import { systemRandom } from '@agentpay/primitives';
import { memoryTracker } from '@agentpay/tracker';

/** What the core needs of the outside when nothing but the core is measured. */
export function benchPorts(): CorePorts {
  return {
    tracker: memoryTracker(),
    tokenCodec: {
      sign: (claims) => JSON.stringify({ ...claims, amount: String(claims.amount) }),
      verify: read,
    },
    vault: vault.createVault([{ id: 'bench', bytes: new Uint8Array(32).fill(7) }], systemRandom),
    receivers: { assertAllowed: () => undefined, post: async () => ({ status: 200 }) },
    endpoints: {
      assertAllowed: () => undefined,
      fetchOut: () => Promise.reject(new Error('nothing is out there')),
    },
    rails: {},
  };
}

function read(token: string): ReturnType<CorePorts['tokenCodec']['verify']> {
  const claims = JSON.parse(token) as { amount: string };
  return { ...claims, amount: BigInt(claims.amount) } as never;
}
