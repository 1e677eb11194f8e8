import * as z from 'zod';
import { amount, assetUnits, cents, decimalAmount, positiveCents, positiveDecimalAmount } from './amount.js';

describe('money as a JSON number', () => {
  it.each([
    [5_020_000n, 5.02],
    [5_000n, 0.005],
    [300_000n, 0.3],
    [1n, 0.000001],
    [10n ** 15n, 1_000_000_000],
  ])('writes %p as %p', (units, wire) => expect(z.encode(amount, units)).toBe(wire));
});

describe('money as decimal text', () => {
  it.each([
    [100_000_000n, '100.00'],
    [10_000n, '0.01'],
    [5_000n, '0.005'],
    [1n, '0.000001'],
    [0n, '0.00'],
    [1_024_550_000n, '1024.55'],
  ])('writes %p as %p and reads it back', (units, wire) => {
    expect(z.encode(decimalAmount, units)).toBe(wire);
    expect(z.decode(decimalAmount, wire)).toBe(units);
  });

  it.each(['1e3', '-1', '1.0000001', '', '01', ' 1'])('refuses %p', (wire) => {
    expect(decimalAmount.safeParse(wire).error?.issues[0]).toMatchObject({
      params: { kind: 'invalid_amount' },
    });
  });

  it('refuses zero where there must be some', () => {
    expect(positiveDecimalAmount.safeParse('0').success).toBe(false);
  });
});

describe('money as whole cents', () => {
  it('reads and writes cents, from query strings too', () => {
    expect(z.decode(cents, 500)).toBe(5_000_000n);
    expect(z.decode(cents, '500')).toBe(5_000_000n);
    expect(z.encode(cents, 5_000_000n)).toBe(500);
  });

  it.each([0.5, -1, 2 ** 53, 1e21, '100000000001', Number.NaN, '1.5', '0x1', ''])('refuses %p', (wire) => {
    expect(cents.safeParse(wire).success).toBe(false);
  });

  it('refuses zero where there must be some', () => expect(positiveCents.safeParse(0).success).toBe(false));

  it('never rounds', () => expect(() => z.encode(cents, 10_300n)).toThrow(RangeError));
});

describe('money as base units of an asset', () => {
  it('reads and writes up to uint256', () => {
    const most = 2n ** 256n - 1n;
    expect(z.decode(assetUnits, String(most))).toBe(most);
    expect(z.encode(assetUnits, 10_000n)).toBe('10000');
    expect(assetUnits.safeParse(String(most + 1n)).success).toBe(false);
    expect(assetUnits.safeParse('010').success).toBe(false);
  });
});
