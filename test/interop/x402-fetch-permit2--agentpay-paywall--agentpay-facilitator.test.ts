import { agentpayPaywall } from './agentpay.js';
import { agentpayFacilitator } from './agentpayFacilitator.js';
import { allowPermit2, buyWithPermit2 } from './permit2.js';
import { expectPurchase, startInteropStack, type InteropStack } from './stack.js';

let stack: InteropStack;
beforeAll(async () => {
  stack = await startInteropStack();
}, 60_000);
afterAll(() => stack?.close());

test('the official client pays the paywall by Permit2, once the buyer allowed it', async () => {
  const price = { price: '$0.01', accepts: [{ transferMethod: 'permit2' }] } as const;
  const seller = await agentpayPaywall(stack, await agentpayFacilitator(stack), price);
  const refused = await buyWithPermit2(stack, seller.url);
  expect([refused.status, seller.served()]).toEqual([412, 0]);
  await allowPermit2(stack);
  await expectPurchase(stack, seller.served, () => buyWithPermit2(stack, seller.url));
}, 60_000);
