import { byDay, spendBy, type CountedPayment } from './spend.js';

const paid = (over: Partial<CountedPayment>): CountedPayment => ({
  amount: 1_000_000n,
  currency: 'USD',
  status: 'completed',
  role: 'payer',
  to: 'merchant:maps',
  createdAt: new Date('2026-05-08T12:00:00Z'),
  ...over,
});

describe('spend', () => {
  it('counts what was paid and is certain, not what was received, failed or waits', () => {
    const payments = [
      paid({}),
      paid({ role: 'payee' }),
      paid({ status: 'failed' }),
      paid({ status: 'pending' }),
    ];
    expect(spendBy(payments, ({ to }) => to ?? '')).toEqual([
      { name: 'merchant:maps', currency: 'USD', amount: 1_000_000n },
    ]);
  });

  it('adds no two currencies up', () => {
    const payments = [paid({}), paid({ currency: 'USDC@base' }), paid({ amount: 500_000n })];
    expect(spendBy(payments, () => 'all')).toEqual([
      { name: 'all', currency: 'USD', amount: 1_500_000n },
      { name: 'all', currency: 'USDC@base', amount: 1_000_000n },
    ]);
  });

  it('has every day up to today, two weeks at least', () => {
    const today = new Date('2026-05-09T01:00:00Z');
    const days = byDay([paid({}), paid({ createdAt: new Date('2026-05-08T23:59:59Z') })], today);
    expect(days).toHaveLength(14);
    expect(days[0]).toEqual(['2026-04-26', 0n]);
    expect(days.slice(-2)).toEqual([
      ['2026-05-08', 2_000_000n],
      ['2026-05-09', 0n],
    ]);
    const long = byDay([paid({ createdAt: new Date('2026-03-01T00:00:00Z') })], today);
    expect([long.length, long[0]]).toEqual([70, ['2026-03-01', 1_000_000n]]);
  });
});
