import { agentpayPaywall } from './agentpay.js';
import { agentpayFacilitator } from './agentpayFacilitator.js';
import { x402Express } from './peerServers.js';
import { planSmartAccount } from './smartAccount.js';
import { newPayee, PRICE, startInteropStack, type InteropStack } from './stack.js';

let stack: InteropStack;
beforeAll(async () => {
  stack = await startInteropStack();
});
afterAll(() => stack?.close());

test.each([
  ['@x402/express', x402Express],
  ['the paywall', agentpayPaywall],
])(
  'a smart account pays by the official client and %s, first as it is deployed and then as it stands',
  async (_, open) => {
    const account = await planSmartAccount(stack);
    const shop = { ...stack, payTo: newPayee(), facilitatorKey: await stack.newFacilitatorKey() };
    const seller = await open(shop, await agentpayFacilitator(shop, { FACTORIES: account.factory }));
    expect(await account.isDeployed()).toBe(false);
    for (const sales of [1, 2]) {
      const { status, body, transaction } = await account.buy(seller.url);
      expect({ status, body }).toEqual({ status: 200, body: { weather: 'sunny' } });
      expect(transaction).toMatch(/^0x[0-9a-f]{64}$/);
      expect(await account.isDeployed()).toBe(true);
      expect([seller.served(), await stack.usdc(shop.payTo)]).toEqual([sales, BigInt(sales) * PRICE]);
    }
  },
);
