import type { CorePorts } from '@agentpay/core';
import { memoryTracker } from '@agentpay/tracker';

/** What payments and tokens need of the outside; nothing else is called when nothing but the core is measured. */
export function benchPorts(): CorePorts {
  const ports: Pick<CorePorts, 'tracker' | 'tokenCodec' | 'rails'> = {
    tracker: memoryTracker(),
    tokenCodec: {
      sign: (claims) => JSON.stringify({ ...claims, amount: String(claims.amount) }),
      verify: read,
    },
    rails: {},
  };
  return ports as CorePorts;
}

function read(token: string): ReturnType<CorePorts['tokenCodec']['verify']> {
  const claims = JSON.parse(token) as { amount: string };
  return { ...claims, amount: BigInt(claims.amount) } as never;
}
