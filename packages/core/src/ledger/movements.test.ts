import fc from 'fast-check';
import { feeOn, feeSchedule } from '../fees.js';
import { available, held, isOwned, custody, EXCHANGE, PAYOUT_CLEARING } from './Account.js';
import { assertBalanced } from './Journal.js';
import type { Posting } from './Journal.js';
import * as movements from './movements.js';

const asset = 'USD';
const read = (postings: Posting[]) => Object.fromEntries(postings.map((line) => [line.account, line.amount]));

describe('the movements', () => {
  it('are those of the examples', () => {
    const money = { walletId: 'A', asset };
    const paid = { ...money, payee: available('B'), amount: 5_000_000n, fee: 20_000n };
    expect(read(movements.payOnTop(paid))).toEqual({
      'w:A:avail': -5_020_000n,
      'w:B:avail': 5_000_000n,
      'rev:payment': 20_000n,
    });
    expect(read(movements.settleCall({ ...paid, amount: 5_000n, fee: 20n }))).toEqual({
      'w:A:held': -5_000n,
      'w:B:avail': 4_980n,
      'rev:payment': 20n,
    });
    expect(
      read(
        movements.marketSettled({
          ...money,
          payee: available('D'),
          amount: 12_000_000n,
          fee: 600_000n,
          reserved: 13_000_000n,
        }),
      ),
    ).toEqual({
      'w:A:held': -13_000_000n,
      'w:D:avail': 11_400_000n,
      'rev:market': 600_000n,
      'w:A:avail': 1_000_000n,
    });
    expect(read(movements.refundShort({ ...money, payee: available('B'), amount: 5n, covered: 2n }))).toEqual(
      {
        'w:B:avail': -2n,
        'exp:refunds': -3n,
        'w:A:avail': 5n,
      },
    );
    expect(
      read(
        movements.bundlePaid({ from: available('O'), payees: ['x', 'y', 'z'], asset, amount: 100n, fee: 5n }),
      ),
    ).toEqual({ 'w:O:avail': -100n, x: 33n, y: 31n, z: 31n, 'rev:market': 5n });
    const parts = [
      { payee: 'x', amount: 33n },
      { payee: 'y', amount: 31n },
    ];
    expect(read(movements.invoiceRefunded({ ...money, amount: 100n, own: false, parts }))).toEqual({
      x: -33n,
      y: -31n,
      'exp:refunds': -36n,
      'w:A:avail': 100n,
    });
  });

  it('of money that is kept in another asset go by the exchange, one for one', () => {
    const from = custody('base', 'USDC');
    expect(movements.payoutConfirmed({ from, asset: 'USD', amount: 5n })).toEqual([
      { account: PAYOUT_CLEARING, asset: 'USD', amount: -5n },
      { account: EXCHANGE, asset: 'USD', amount: 5n },
      { account: EXCHANGE, asset: 'USDC', amount: -5n },
      { account: from, asset: 'USDC', amount: 5n },
    ]);
    expect(movements.payoutConfirmed({ from, asset: 'USDC@base', amount: 5n })).toEqual([
      { account: PAYOUT_CLEARING, asset: 'USDC@base', amount: -5n },
      { account: from, asset: 'USDC@base', amount: 5n },
    ]);
  });

  const walletId = fc.constantFrom('A', 'B');
  const amounts = fc.tuple(fc.bigInt({ min: 1n, max: 10n ** 15n }), fc.bigInt({ min: 0n, max: 10n ** 15n }));
  const { equalParts: _parts, ...all } = movements;

  it('sum to zero, name no account twice, and cost nobody but the one who pays', () => {
    const cases = fc.tuple(fc.constantFrom(...Object.keys(all)), walletId, walletId, amounts);
    fc.assert(
      fc.property(cases, ([name, payer, payee, [large, other]]) => {
        const small = other % (large + 1n);
        const make = all[name as keyof typeof all] as (facts: unknown) => Posting[];
        const lines = make({
          walletId: payer,
          payee: available(payee),
          payees: [available(payee), available('C'), available('D')],
          from: available(payer),
          seller: available(payee),
          buyer: available(payer),
          gatewayId: 'G',
          agreementId: 'U',
          network: 'base',
          custody: custody('base', 'USDC'),
          asset,
          amount: large,
          fee: small,
          covered: small,
          reserved: large + small,
          cap: large + small,
          own: false,
          parts: [{ payee: available('C'), amount: small + 1n }],
        });
        if (lines.length > 0) assertBalanced(lines);
        const losers = lines.filter((line) => isOwned(line.account) && line.amount < 0n);
        expect(losers.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 2_000 },
    );
  });

  it('of a sale give developer and marketplace the whole of it, of which 5 % to the nearest unit are the fee', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 15n }), (amount) => {
        const fee = feeOn(amount, feeSchedule({}).marketplace);
        const sale = { walletId: 'A', payee: available('D'), asset, amount, fee, reserved: amount };
        const { [available('D')]: net = 0n, 'rev:market': kept = 0n } = read(movements.marketSettled(sale));
        expect([kept, net + kept]).toEqual([fee, amount]);
        expect(fee * 20n - amount >= -10n && fee * 20n - amount <= 10n).toBe(true);
      }),
    );
  });

  it('that reserve and release undo each other', () => {
    const money = { walletId: 'A', asset, amount: 7n };
    expect(read(movements.reserve(money))).toEqual({ [available('A')]: -7n, [held('A')]: 7n });
    expect(read(movements.release(money))).toEqual({ [available('A')]: 7n, [held('A')]: -7n });
  });
});
