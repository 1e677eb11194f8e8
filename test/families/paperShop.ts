import type { Core } from '@agentpay/core';
import type { Facilitator } from '@agentpay/protocol';
import type { Composition } from '@agentpay/server';
import { usePaperChain } from './paperChain.js';

export const DEMO_PAY_TO = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';

/** Lets the demo seller sell on a chain on paper, on which the agents pay, too. */
export function paperShop(core: Core): Composition['demo'] {
  usePaperChain(core);
  const settling = () => core.ports.facilitator as Facilitator;
  const facilitator: Facilitator = {
    verify: (request) => settling().verify(request),
    settle: (request) => settling().settle(request),
    supported: async () => ({
      kinds: [{ x402Version: 2, scheme: 'exact', network: 'eip155:84532' }],
      extensions: [],
      signers: {},
    }),
  };
  return { payTo: DEMO_PAY_TO, network: 'base-sepolia', facilitator, clock: core.clock };
}
