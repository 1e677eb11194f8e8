import { baseSepolia } from '@agentpay/primitives';
import { OpenFacilitator } from '@openfacilitator/sdk';
import { paymentOf } from '../attacks/payment.js';
import { agentpayFacilitator } from './agentpayFacilitator.js';
import { PRICE, startInteropStack, type InteropStack } from './stack.js';

type Payment = Parameters<OpenFacilitator['verify']>[0];
type Requirements = Parameters<OpenFacilitator['verify']>[1];

describe('@openfacilitator/sdk', () => {
  let stack: InteropStack;
  let sdk: OpenFacilitator;
  beforeAll(async () => {
    stack = await startInteropStack();
    sdk = new OpenFacilitator({ url: await agentpayFacilitator(stack) });
  });
  afterAll(() => stack?.close());

  async function pay(version: 1 | 2, value = PRICE): Promise<[Payment, Requirements]> {
    const request = await paymentOf(stack.buyer, { payTo: stack.payTo, version, authorization: { value } });
    return [
      request.paymentPayload as unknown as Payment,
      request.paymentRequirements as unknown as Requirements,
    ];
  }

  it('finds what is supported', async () => {
    const { kinds, signers } = await sdk.supported();
    expect(kinds).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ x402Version: 2, scheme: 'exact', network: baseSepolia.id }),
        expect.objectContaining({ x402Version: 1, scheme: 'exact', network: baseSepolia.name }),
      ]),
    );
    expect(Object.values(signers ?? {}).flat()).not.toHaveLength(0);
    expect(await sdk.health()).toBe(true);
  });

  it.each([1, 2] as const)('verifies and settles payments of version %d', async (version) => {
    const before = await stack.usdc(stack.payTo);
    const payment = await pay(version);
    expect(await sdk.verify(...payment)).toMatchObject({ isValid: true, payer: stack.buyer.address });
    const network = version === 1 ? baseSepolia.name : baseSepolia.id;
    const transaction = expect.stringMatching(/^0x[0-9a-f]{64}$/) as string;
    expect(await sdk.settle(...payment)).toMatchObject({
      success: true,
      transaction,
      network,
      payer: stack.buyer.address,
    });
    expect((await stack.usdc(stack.payTo)) - before).toBe(PRICE);
  });

  it.each([1, 2] as const)('hears why a payment of version %d is refused', async (version) => {
    const payment = await pay(version, PRICE - 1n);
    const refusal = expect.stringMatching(/value/) as string;
    expect(await sdk.verify(...payment)).toMatchObject({ isValid: false, invalidReason: refusal });
    expect(await sdk.settle(...payment)).toMatchObject({
      success: false,
      errorReason: refusal,
      transaction: '',
    });
  });
});
