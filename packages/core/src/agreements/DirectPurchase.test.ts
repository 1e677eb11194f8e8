import fc from 'fast-check';
import { directFee } from './DirectPurchase.js';

it.each([
  [1n, 100_000n],
  [100n * 10_000n, 100_000n],
  // The least that is above the minimum.
  [485n * 10_000n, 100_000n],
  [486n * 10_000n, 100_200n],
  [500n * 10_000n, 103_000n],
  [100_000n * 10_000n, 20_003_000n],
])('the fee on %s micro-units is %s', (amount, fee) => {
  expect(directFee(amount)).toBe(fee);
});

it('the fee is the larger of $0.10 and 2 % with $0.003, exact for whole cents', () => {
  fc.assert(
    fc.property(fc.bigInt(1n, 10n ** 15n), (cents) => {
      const amount = cents * 10_000n;
      const fee = directFee(amount);
      // In ten-thousandths of a micro-unit there is nothing to round.
      const exact = amount * 200n + 3_000n * 10_000n;
      expect(fee * 10_000n).toBe(exact > 1_000_000_000n ? exact : 1_000_000_000n);
    }),
    { numRuns: 500 },
  );
});

it('the fee is never smaller for more, nor off by more than half a micro-unit', () => {
  fc.assert(
    fc.property(fc.bigInt(1n, 10n ** 18n), fc.bigInt(0n, 10n ** 12n), (amount, more) => {
      const fee = directFee(amount);
      expect(directFee(amount + more)).toBeGreaterThanOrEqual(fee);
      const off = fee * 100n - (amount * 2n + 300_000n);
      expect(fee === 100_000n || (off <= 50n && off > -50n)).toBe(true);
    }),
    { numRuns: 500 },
  );
});
