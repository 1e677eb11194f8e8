import fc from 'fast-check';
import { feeOn, feeSchedule } from '../fees.js';
import { movements } from '../ledger/index.js';
import { coveredParts } from './money.js';
import { monthlyPeriod, prorate } from './proration.js';

const amount = fc.bigInt({ min: 1n, max: 10n ** 15n });
const moment = fc.date({ min: new Date('2020-01-01'), max: new Date('2060-01-01'), noInvalidDate: true });
const sum = (parts: readonly bigint[]) => parts.reduce((total, part) => total + part, 0n);

describe('proration', () => {
  it('parts a price into what is used and what is not, whose sum is the price, at any moment', () => {
    fc.assert(
      fc.property(
        amount,
        moment,
        fc.integer({ min: 0, max: 24 }),
        fc.double({ min: -0.5, max: 1.5, noNaN: true }),
        (price, began, number, at) => {
          const period = monthlyPeriod(began, number);
          const length = period.end.getTime() - period.start.getTime();
          const now = new Date(period.start.getTime() + Math.round(length * at));
          const { used, unused } = prorate(price, period, now);
          expect(used + unused).toBe(price);
          expect(used >= 0n && unused >= 0n).toBe(true);
          if (at <= 0) expect(used).toBe(0n);
          if (at >= 1) expect(unused).toBe(0n);
        },
      ),
    );
  });

  it('never takes less the later it is', () => {
    fc.assert(
      fc.property(amount, moment, fc.nat(2_700_000_000), fc.nat(2_700_000_000), (price, began, a, b) => {
        const period = monthlyPeriod(began, 0);
        const at = (ms: number) => prorate(price, period, new Date(began.getTime() + ms)).used;
        expect(at(Math.min(a, b)) <= at(Math.max(a, b))).toBe(true);
      }),
    );
  });

  it('rounds half up to the micro-unit', () => {
    const period = { start: new Date(0), end: new Date(1000) };
    expect(prorate(3n, period, new Date(500))).toEqual({ used: 2n, unused: 1n });
    expect(prorate(29_000_000n, period, new Date(250))).toEqual({ used: 7_250_000n, unused: 21_750_000n });
  });
});

describe('periods', () => {
  it('follow one another without a gap, each from the same day on', () => {
    fc.assert(
      fc.property(moment, fc.integer({ min: 0, max: 100 }), (began, number) => {
        const [period, next] = [monthlyPeriod(began, number), monthlyPeriod(began, number + 1)];
        expect(next.start).toEqual(period.end);
        const days = (period.end.getTime() - period.start.getTime()) / 86_400_000;
        expect(days >= 28 && days <= 31).toBe(true);
        expect(period.start.getUTCDate()).toBeLessThanOrEqual(began.getUTCDate());
      }),
    );
  });

  it('of something that began on the 31st begin on the last day of a shorter month', () => {
    const starts = [1, 2, 3].map((n) =>
      monthlyPeriod(new Date('2026-01-31T08:00:00Z'), n).start.toISOString(),
    );
    expect(starts).toEqual([
      '2026-02-28T08:00:00.000Z',
      '2026-03-31T08:00:00.000Z',
      '2026-04-30T08:00:00.000Z',
    ]);
  });
});

describe('shares', () => {
  it('of developers and platform sum to the whole, and differ by the remainder alone', () => {
    fc.assert(
      fc.property(amount, fc.integer({ min: 1, max: 50 }), (price, count) => {
        const fee = feeOn(price, feeSchedule({}).marketplace);
        const parts = movements.equalParts(price - fee, count);
        expect(sum(parts) + fee).toBe(price);
        expect((parts[0] as bigint) - (parts.at(-1) as bigint) < BigInt(count)).toBe(true);
      }),
    );
  });

  it('that are given back are never more than is owed, nor than there is, and are the whole where there is enough', () => {
    const sellers = fc.array(fc.record({ walletId: fc.constantFrom('a', 'b', 'c'), has: amount }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(amount, sellers, (price, all) => {
        const has = new Map(all.map((each) => [each.walletId, each.has]));
        const parts = coveredParts(price, all, ({ walletId }) => has.get(walletId) as bigint);
        expect(new Set(parts.map(({ walletId }) => walletId)).size).toBe(parts.length);
        for (const part of parts) expect(part.amount <= (has.get(part.walletId) as bigint)).toBe(true);
        expect(sum(parts.map((part) => part.amount)) <= price).toBe(true);
        const rich = coveredParts(price, all, () => price);
        expect(sum(rich.map((part) => part.amount))).toBe(price);
      }),
    );
  });
});
