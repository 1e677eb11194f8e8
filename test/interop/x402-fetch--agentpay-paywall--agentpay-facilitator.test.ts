import { agentpayPaywall } from './agentpay.js';
import { agentpayFacilitator } from './agentpayFacilitator.js';
import { buyWithX402Fetch } from './peerClients.js';
import { expectPurchase, startInteropStack, type InteropStack } from './stack.js';

let stack: InteropStack;
beforeAll(async () => {
  stack = await startInteropStack();
}, 60_000);
afterAll(() => stack?.close());

test('@x402/fetch pays the paywall in x402 v2', async () => {
  const seller = await agentpayPaywall(stack, await agentpayFacilitator(stack));
  await expectPurchase(stack, seller.served, () => buyWithX402Fetch(stack, seller.url));
}, 60_000);
