import fc from 'fast-check';
import { callFee } from './Payment.js';

const RATE = 4_000n;

describe('callFee', () => {
  it.each([
    [5_000n, 20n],
    [5_000_000n, 20_000n],
    [1n, 0n],
    [124n, 0n],
    [125n, 1n],
    [374n, 1n],
    [375n, 2n],
  ])('of %s at 0.4 %% is %s, rounded half up', (gross, fee) => {
    expect(callFee(gross, RATE)).toBe(fee);
  });

  it('is within half a unit of the exact share, and never below zero or above the gross', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 10n ** 15n }),
        fc.bigInt({ min: 0n, max: 1_000_000n }),
        (gross, rate) => {
          const fee = callFee(gross, rate);
          const error = fee * 1_000_000n - gross * rate;
          expect(error <= 500_000n && error > -500_000n).toBe(true);
          expect(fee >= 0n && fee <= gross).toBe(true);
        },
      ),
    );
  });
});
