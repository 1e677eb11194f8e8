import { agentpayPaywall } from './agentpay.js';
import { agentpayFacilitator } from './agentpayFacilitator.js';
import { buyWithMppxOverX402 } from './peerClients.js';
import { expectPurchase, startInteropStack, type InteropStack } from './stack.js';

let stack: InteropStack;
beforeAll(async () => {
  stack = await startInteropStack();
}, 60_000);
afterAll(() => stack?.close());

test('mppx pays the paywall in x402 v2', async () => {
  const seller = await agentpayPaywall(stack, await agentpayFacilitator(stack));
  await expectPurchase(stack, seller.served, () => buyWithMppxOverX402(stack, seller.url));
}, 60_000);
