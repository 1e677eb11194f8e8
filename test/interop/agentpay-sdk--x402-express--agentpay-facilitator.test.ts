import { buyWithAgentpay } from './agentpay.js';
import { agentpayFacilitator } from './agentpayFacilitator.js';
import { x402Express } from './peerServers.js';
import { expectPurchase, startInteropStack, type InteropStack } from './stack.js';

let stack: InteropStack;
beforeAll(async () => {
  stack = await startInteropStack();
}, 60_000);
afterAll(() => stack?.close());

test('the client pays @x402/express in x402 v2, settled by the facilitator', async () => {
  const seller = await x402Express(stack, await agentpayFacilitator(stack));
  await expectPurchase(stack, seller.served, () => buyWithAgentpay(stack, seller.url, 'x402v2'));
}, 60_000);
