import { buyWithAgentpay } from './agentpay.js';
import { agentpayFacilitator } from './agentpayFacilitator.js';
import { x402ExpressV1 } from './peerServers.js';
import { expectPurchase, startInteropStack, type InteropStack } from './stack.js';

let stack: InteropStack;
beforeAll(async () => {
  stack = await startInteropStack();
}, 60_000);
afterAll(() => stack?.close());

test('the client pays x402-express in x402 v1, settled by the facilitator', async () => {
  const seller = await x402ExpressV1(stack, (await agentpayFacilitator(stack)) as `http://${string}`);
  await expectPurchase(stack, seller.served, () => buyWithAgentpay(stack, seller.url, 'x402v1'));
}, 60_000);
