import { agentpayFacilitator } from './agentpayFacilitator.js';
import { allowPermit2, buyWithPermit2, x402ExpressPermit2 } from './permit2.js';
import { expectPurchase, startInteropStack, type InteropStack } from './stack.js';

let stack: InteropStack;
beforeAll(async () => {
  stack = await startInteropStack();
}, 60_000);
afterAll(() => stack?.close());

test('the official client and server settle by Permit2 through the facilitator, once the buyer allowed it', async () => {
  const seller = await x402ExpressPermit2(stack, await agentpayFacilitator(stack));
  const refused = await buyWithPermit2(stack, seller.url);
  expect([refused.status, seller.served()]).toEqual([412, 0]);
  await allowPermit2(stack);
  await expectPurchase(stack, seller.served, () => buyWithPermit2(stack, seller.url));
}, 60_000);
