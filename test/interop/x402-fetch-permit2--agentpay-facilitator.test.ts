import { agentpayPaywall } from './agentpay.js';
import { agentpayFacilitator } from './agentpayFacilitator.js';
import { allowPermit2, buyWithPermit2, x402ExpressPermit2 } from './permit2.js';
import { expectPurchase, startInteropStack, type InteropStack } from './stack.js';

let stack: InteropStack;
beforeAll(async () => {
  stack = await startInteropStack();
});
afterAll(() => stack?.close());

test('the official client pays both servers by Permit2 through the facilitator, once the buyer allowed it', async () => {
  const facilitator = await agentpayFacilitator(stack);
  const price = { price: '$0.01', accepts: [{ transferMethod: 'permit2' }] } as const;
  const sellers = [
    await x402ExpressPermit2(stack, facilitator),
    await agentpayPaywall(stack, facilitator, price),
  ];
  for (const seller of sellers) {
    const refused = await buyWithPermit2(stack, seller.url);
    expect([refused.status, seller.served()]).toEqual([412, 0]);
  }
  await allowPermit2(stack);
  for (const seller of sellers)
    await expectPurchase(stack, seller.served, () => buyWithPermit2(stack, seller.url));
});
