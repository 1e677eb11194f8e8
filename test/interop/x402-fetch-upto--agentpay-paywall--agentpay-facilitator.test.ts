import { agentpayFacilitator } from './agentpayFacilitator.js';
import { agentpayUpto, allowPermit2, buyWithPermit2 } from './permit2.js';
import { startInteropStack, type InteropStack } from './stack.js';

let stack: InteropStack;
beforeAll(async () => {
  stack = await startInteropStack();
  await allowPermit2(stack);
}, 60_000);
afterAll(() => stack?.close());

test.each([4_000n, 0n])('the official client pays the paywall %s of what it permitted', async (charged) => {
  const seller = await agentpayUpto(stack, await agentpayFacilitator(stack), charged);
  const before = await stack.usdc(stack.payTo);
  const { status, body, transaction } = await buyWithPermit2(stack, seller.url);
  expect({ status, body }).toEqual({ status: 200, body: { weather: 'sunny' } });
  expect(transaction).toMatch(charged > 0n ? /^0x[0-9a-f]{64}$/ : /^$/);
  expect((await stack.usdc(stack.payTo)) - before).toBe(charged);
  expect(seller.served()).toBe(1);
}, 60_000);
