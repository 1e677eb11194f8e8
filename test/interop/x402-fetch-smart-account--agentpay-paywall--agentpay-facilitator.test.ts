import { agentpayPaywall } from './agentpay.js';
import { agentpayFacilitator } from './agentpayFacilitator.js';
import { planSmartAccount } from './smartAccount.js';
import { PRICE, startInteropStack, type InteropStack } from './stack.js';

let stack: InteropStack;
beforeAll(async () => {
  stack = await startInteropStack();
}, 60_000);
afterAll(() => stack?.close());

test('a smart account pays the paywall by the official client, first as it is deployed and then as it stands', async () => {
  const account = await planSmartAccount(stack);
  const seller = await agentpayPaywall(stack, await agentpayFacilitator(stack, { FACTORIES: account.factory }));
  expect(await account.isDeployed()).toBe(false);
  for (const sales of [1, 2]) {
    const { status, body, transaction } = await account.buy(seller.url);
    expect({ status, body }).toEqual({ status: 200, body: { weather: 'sunny' } });
    expect(transaction).toMatch(/^0x[0-9a-f]{64}$/);
    expect(await account.isDeployed()).toBe(true);
    expect([seller.served(), await stack.usdc(stack.payTo)]).toEqual([sales, BigInt(sales) * PRICE]);
  }
}, 60_000);
