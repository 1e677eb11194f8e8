import fc from 'fast-check';
import { AUTH_CAPTURE_ESCROW, AGREEMENT_OPERATOR } from '@agentpay/protocol';
import type { Address } from 'viem';
import { escrowAbi, startEscrowBed, type Escrowed, type EscrowBed } from './escrowBed.js';

const AMOUNT = 1_000n;
const PAYMENTS = 60;

type Step =
  | { readonly kind: 'capture'; readonly amount: bigint; readonly fee: bigint; readonly stale: boolean }
  | { readonly kind: 'void' }
  | { readonly kind: 'repeat' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('capture' as const),
      amount: fc.bigInt({ min: 0n, max: AMOUNT }),
      fee: fc.bigInt({ min: 0n, max: 60n }),
      stale: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('void' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('repeat' as const) }) },
);
const history = fc.array(step, { minLength: 6, maxLength: 6 });

let bed: EscrowBed;
let store: Address;
beforeAll(async () => {
  bed = await startEscrowBed();
  const call = { address: AUTH_CAPTURE_ESCROW as Address, abi: escrowAbi };
  store = (await bed.read({ ...call, functionName: 'getTokenStore', args: [AGREEMENT_OPERATOR] })) as Address;
});
afterAll(() => bed.close());

/** Everything there is, summed: what was brought in, and where it is now. */
async function money() {
  const [held, receiver, fees] = await Promise.all([store, bed.receiver.address, bed.stranger].map(bed.usdc));
  return { held: held as bigint, out: (receiver as bigint) + (fees as bigint) };
}

it('whatever is ordered in whatever order: captured + returned + held is what was authorized, of each payment', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(history, { minLength: PAYMENTS, maxLength: PAYMENTS }), async (histories) => {
      const before = await money();
      const payments = await Promise.all(histories.map(() => bed.payment({ amount: AMOUNT })));
      await bed.operate('authorizeMany', await Promise.all(payments.map(bed.authorizeItem)));
      const sent: (object | undefined)[] = payments.map(() => undefined);
      for (let round = 0; round < 6; round++) await playRound(payments, histories, round, sent);

      let captured = 0n;
      let held = 0n;
      for (const payment of payments) {
        const { capturable, refundable } = await bed.state(payment);
        const returned = await bed.usdc(payment.payer.address);
        expect(capturable + refundable + returned).toBe(AMOUNT);
        captured += refundable;
        held += capturable;
      }
      const after = await money();
      expect(after.out - before.out).toBe(captured);
      expect(after.held - before.held).toBe(held);
    }),
    { numRuns: 2, endOnFailure: true },
  );
});

async function playRound(
  payments: readonly Escrowed[],
  histories: readonly (readonly Step[])[],
  round: number,
  sent: (object | undefined)[],
): Promise<void> {
  const captures: object[] = [];
  const voids: object[] = [];
  for (const [n, payment] of payments.entries()) {
    const next = histories[n]?.[round] as Step;
    if (next.kind === 'void') voids.push(await bed.voidItem(payment));
    const last = sent[n];
    if (next.kind === 'repeat' && last) captures.push(last);
    if (next.kind !== 'capture') continue;
    const stale = next.stale ? { expectedCapturableAmount: AMOUNT } : {};
    const item = await bed.captureItem(payment, { amount: next.amount, feeAmount: next.fee, ...stale });
    sent[n] = item;
    captures.push(item);
  }
  if (captures.length > 0) await bed.operate('captureMany', captures);
  if (voids.length > 0) await bed.operate('voidMany', voids);
}

it('50 captures in one transaction cost less than 45,000 gas each', async () => {
  const payments = await Promise.all(Array.from({ length: 50 }, () => bed.payment({ amount: AMOUNT })));
  const held = await bed.operate('authorizeMany', await Promise.all(payments.map(bed.authorizeItem)));
  const items = await Promise.all(payments.map((payment) => bed.captureItem(payment, { feeAmount: 10n })));
  const paid = await bed.operate('captureMany', items);
  expect(paid.refused + held.refused).toBe(0);
  expect(paid.gasUsed / 50n).toBeLessThan(45_000n);
});
