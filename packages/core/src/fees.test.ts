import fc from 'fast-check';
import { feeOn, feeSchedule, WHOLE_PPM } from './fees.js';

const { payment, call, marketplace, direct, agreement, infra } = feeSchedule({});
const amounts = fc.bigInt(1n, 10n ** 18n);

it.each([
  ['a payment of 5', payment, 5_000_000n, 20_000n],
  ['a call of half a cent', call, 5_000n, 20n],
  ['a call, rounded down', call, 374n, 1n],
  ['a call, rounded half up', call, 375n, 2n],
  ['a call of almost nothing', call, 124n, 0n],
  ['a sale of 12', marketplace, 12_000_000n, 600_000n],
  ['an agreement', agreement, 12_000_000n, 0n],
  ['the least direct purchase', direct, 1n, 100_000n],
  ['a direct purchase below the minimum', direct, 4_850_000n, 100_000n],
  ['a direct purchase above the minimum', direct, 4_860_000n, 100_200n],
  ['a direct purchase of 5', direct, 5_000_000n, 103_000n],
])('the fee on %s is that of the schedule', (_, terms, amount, fee) => {
  expect(feeOn(amount, terms)).toBe(fee);
});

it('an activation costs ten cents', () => expect(infra).toBe(100_000n));

it('a fee is within half a unit of the exact one, never below its minimum, and never falls with the amount', () => {
  const rates = fc.record({
    ppm: fc.bigInt(0n, WHOLE_PPM - 1n),
    fixed: fc.bigInt(0n, 10n ** 9n),
    least: fc.bigInt(0n, 10n ** 9n),
  });
  fc.assert(
    fc.property(rates, amounts, amounts, (given, amount, more) => {
      const terms = feeSchedule({ direct: given }).direct;
      const fee = feeOn(amount, terms);
      const off = (fee - given.fixed) * WHOLE_PPM - amount * given.ppm;
      expect(fee === given.least || (off <= WHOLE_PPM / 2n && off > -WHOLE_PPM / 2n)).toBe(true);
      expect(fee >= given.least && feeOn(amount + more, terms) >= fee).toBe(true);
    }),
    { numRuns: 500 },
  );
});

it('what is taken out of an amount leaves it something, or rounds it away whole at most', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, WHOLE_PPM - 1n), amounts, (ppm, amount) => {
      expect(feeOn(amount, feeSchedule({ marketplace: { ppm } }).marketplace)).toBeLessThanOrEqual(amount);
    }),
  );
});

it.each([
  [{ payment: { ppm: -1n } }, 'fees.payment.ppm'],
  [{ marketplace: { ppm: WHOLE_PPM } }, 'fees.marketplace.ppm'],
  [{ direct: { least: -1n } }, 'fees.direct'],
  [{ infra: -1n }, 'fees.infra'],
])('%j is refused', (given, setting) => {
  expect(() => feeSchedule(given)).toThrow(`The setting ${setting} must be`);
});
