import { buyWithAgentpay } from './agentpay.js';
import { agentpayFacilitator } from './agentpayFacilitator.js';
import { mppxExpress } from './peerServers.js';
import { expectPurchase, startInteropStack, type InteropStack } from './stack.js';

let stack: InteropStack;
beforeAll(async () => {
  stack = await startInteropStack();
}, 60_000);
afterAll(() => stack?.close());

test('the client pays mppx in MPP, settled by the facilitator', async () => {
  const seller = await mppxExpress(stack, await agentpayFacilitator(stack));
  await expectPurchase(stack, seller.served, () => buyWithAgentpay(stack, seller.url, 'mpp'));
}, 60_000);
