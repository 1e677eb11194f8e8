import { agentpayPaywall } from './agentpay.js';
import { agentpayFacilitator } from './agentpayFacilitator.js';
import { buyWithMppx } from './peerClients.js';
import { expectPurchase, startInteropStack, type InteropStack } from './stack.js';

let stack: InteropStack;
beforeAll(async () => {
  stack = await startInteropStack();
}, 60_000);
afterAll(() => stack?.close());

test('mppx pays the paywall in MPP', async () => {
  const seller = await agentpayPaywall(stack, await agentpayFacilitator(stack));
  await expectPurchase(stack, seller.served, () => buyWithMppx(stack, seller.url));
}, 60_000);
