import fc from 'fast-check';
import { assertBalanced, inLockOrder, samePostings } from './Journal.js';

const line = (account: string, amount: bigint, asset = 'USD') => ({ account, asset, amount });

describe('assertBalanced', () => {
  it('takes lines that sum to zero in each asset', () => {
    const lines = [
      line('a', -3n),
      line('b', 2n),
      line('c', 1n),
      line('a', -1n, 'USDC'),
      line('b', 1n, 'USDC'),
    ];
    expect(() => assertBalanced(lines)).not.toThrow();
  });

  it.each([
    ['no lines', [], 'empty'],
    ['a sum that is not zero', [line('a', -3n), line('b', 2n)], 'off by -1 USD'],
    ['two assets that only sum up together', [line('a', -1n), line('b', 1n, 'USDC')], 'off by'],
    ['a line of nothing', [line('a', 0n), line('b', 1n), line('c', -1n)], 'moves nothing'],
    ['an account named twice', [line('a', -2n), line('b', 1n), line('b', 1n)], 'names b twice'],
  ])('refuses %s', (_what, postings, why) => {
    expect(() => assertBalanced(postings)).toThrow(why);
  });
});

describe('inLockOrder', () => {
  it('is one order, however the lines were written', () => {
    const lines = [line('w:b:avail', 1n), line('faucet', -3n), line('w:a:held', 1n), line('w:a:avail', 1n)];
    fc.assert(
      fc.property(fc.shuffledSubarray(lines, { minLength: lines.length }), (shuffled) => {
        expect(inLockOrder(shuffled)).toEqual(inLockOrder(lines));
        expect(samePostings(shuffled, lines)).toBe(true);
      }),
    );
  });

  it('tells other amounts apart', () => {
    expect(samePostings([line('a', 1n), line('b', -1n)], [line('a', 2n), line('b', -2n)])).toBe(false);
  });
});
