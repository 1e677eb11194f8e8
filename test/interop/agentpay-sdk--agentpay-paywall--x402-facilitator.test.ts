import { agentpayPaywall, buyWithAgentpay } from './agentpay.js';
import { officialFacilitator } from './peerServers.js';
import { expectPurchase, startInteropStack, type InteropStack } from './stack.js';

let stack: InteropStack;
beforeAll(async () => {
  stack = await startInteropStack();
}, 60_000);
afterAll(() => stack?.close());

test.each(['x402v2', 'x402v1', 'mpp'] as const)(
  'the paywall settles %s through the official facilitator',
  async (dialect) => {
    const seller = await agentpayPaywall(stack, await officialFacilitator(stack));
    await expectPurchase(stack, seller.served, () => buyWithAgentpay(stack, seller.url, dialect));
  },
  60_000,
);
