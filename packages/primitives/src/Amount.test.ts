import fc from 'fast-check';
import {
  MAX_AMOUNT,
  formatDecimal,
  formatMoney,
  parseBaseUnits,
  parseDecimal,
  parseNumber,
  parsePrice,
  share,
  toNumber,
} from './Amount.js';

const amounts = fc.bigInt({ min: 0n, max: MAX_AMOUNT });

test.each([
  ['0.10', 100_000n],
  ['0.1', 100_000n],
  ['100.50', 100_500_000n],
  ['1', 1_000_000n],
  ['4.02', 4_020_000n],
  ['0.000001', 1n],
  ['0', 0n],
])('%s is %s micro-units', (text, amount) => {
  expect(parseDecimal(text)).toBe(amount);
});

test.each([
  '',
  ' ',
  '1e-3',
  '1E3',
  '-1',
  '+1',
  '.5',
  '5.',
  '01',
  '0x10',
  'NaN',
  'Infinity',
  '1,000',
  '0.0000001',
  '1_000',
  '٣',
  '1000000001',
  '0.10 USDC',
])('decimal text %p is refused', (text) => {
  expect(() => parseDecimal(text)).toThrow(expect.objectContaining({ kind: 'invalid_amount' }));
});

test.each(['$0', '0', '$0.0000001', '$', '$$1', '$-1', '$1e3'])('price %p is refused', (text) => {
  expect(() => parsePrice(text)).toThrow(expect.objectContaining({ kind: 'invalid_amount' }));
});

test('a price may carry a dollar sign', () => {
  expect(parsePrice('$4.02')).toBe(4_020_000n);
  expect(parsePrice('0.005')).toBe(5_000n);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, -1, -0.5, 1e-7, 1e21, 0.1 + 0.2])(
  'JSON number %p is refused',
  (value) => {
    expect(() => parseNumber(value)).toThrow(expect.objectContaining({ kind: 'invalid_amount' }));
  },
);

test('eighteen decimals are read exactly', () => {
  expect(parseDecimal('0.10', 18)).toBe(100_000_000_000_000_000n);
});

test('writing and reading an amount gives the same amount, as text and as JSON number', () => {
  fc.assert(
    fc.property(amounts, (amount) => {
      expect(parseDecimal(formatDecimal(amount))).toBe(amount);
      expect(parseNumber(JSON.parse(JSON.stringify(toNumber(amount))) as number)).toBe(amount);
    }),
  );
});

test('written decimals carry no digit that is not needed', () => {
  expect([5_000_000n, 20_000n, 5_020_000n, 1n, 0n, -5_000n].map((amount) => formatDecimal(amount))).toEqual([
    '5',
    '0.02',
    '5.02',
    '0.000001',
    '0',
    '-0.005',
  ]);
});

test('base units are digits only, below 2^256', () => {
  expect(parseBaseUnits((2n ** 256n - 1n).toString())).toBe(2n ** 256n - 1n);
  for (const text of [(2n ** 256n).toString(), '01', '-1', '1.0', '0x1', '1e6', '', ' 1']) {
    expect(() => parseBaseUnits(text)).toThrow(expect.objectContaining({ kind: 'invalid_amount' }));
  }
});

test('arbitrary text is either refused with invalid_amount or read back unchanged in value', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        expect(Number(formatDecimal(parseDecimal(text)))).toBe(Number(text));
      } catch (error) {
        expect(error).toMatchObject({ kind: 'invalid_amount' });
      }
    }),
  );
});

test('a share is rounded half up and never above the whole', () => {
  expect(share(5_000n, 4_000n)).toBe(20n);
  expect(share(125n, 4_000n)).toBe(1n);
  expect(share(124n, 4_000n)).toBe(0n);
  fc.assert(
    fc.property(
      amounts,
      fc.bigInt({ min: 0n, max: 1_000_000n }),
      (amount, ppm) => share(amount, ppm) <= amount,
    ),
  );
});

it.each([
  [2_500_000n, '2.50'],
  [3_000_000n, '3.00'],
  [10_000n, '0.01'],
  [1n, '0.000001'],
  [0n, '0.00'],
  [-500_000n, '-0.50'],
])('%s is read as %s', (amount, text) => {
  expect(formatMoney(amount)).toBe(text);
});
