import { agentpayFacilitator } from './agentpayFacilitator.js';
import { agentpayUpto, allowPermit2, buyWithPermit2, x402ExpressPermit2 } from './permit2.js';
import { startInteropStack, type InteropStack } from './stack.js';

let stack: InteropStack;
let facilitator: string;
beforeAll(async () => {
  stack = await startInteropStack();
  await allowPermit2(stack);
  facilitator = await agentpayFacilitator(stack);
});
afterAll(() => stack?.close());

describe.each([
  ['@x402/express', x402ExpressPermit2],
  ['the paywall', agentpayUpto],
])('the official client and %s', (_, open) => {
  test.each([4_000n, 0n])('settle %s of what was permitted through the facilitator', async (charged) => {
    const seller = await open(stack, facilitator, charged);
    const before = await stack.usdc(stack.payTo);
    const { status, body, transaction } = await buyWithPermit2(stack, seller.url);
    expect({ status, body }).toEqual({ status: 200, body: { weather: 'sunny' } });
    expect(transaction).toMatch(charged > 0n ? /^0x[0-9a-f]{64}$/ : /^$/);
    expect((await stack.usdc(stack.payTo)) - before).toBe(charged);
    expect(seller.served()).toBe(1);
  });
});
