import { agentpayFacilitator } from './agentpayFacilitator.js';
import { buyWithX402Fetch } from './peerClients.js';
import { x402Express } from './peerServers.js';
import { expectPurchase, startInteropStack, type InteropStack } from './stack.js';

let stack: InteropStack;
beforeAll(async () => {
  stack = await startInteropStack();
}, 60_000);
afterAll(() => stack?.close());

test('the official client and server settle through the facilitator', async () => {
  const seller = await x402Express(stack, await agentpayFacilitator(stack));
  await expectPurchase(stack, seller.served, () => buyWithX402Fetch(stack, seller.url));
}, 60_000);
