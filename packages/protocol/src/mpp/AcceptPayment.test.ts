import fc from 'fast-check';
import { rankOffers, readAcceptPayment, type PaymentKind, type PaymentRange } from './AcceptPayment.js';

const kindOf = (name: string): PaymentKind => {
  const [method = '', intent = ''] = name.split('/');
  return { method, intent };
};
const chosen = (header: string, offers: readonly string[]) =>
  rankOffers(offers, readAcceptPayment(header), kindOf);

describe('an Accept-Payment value', () => {
  it.each<[string, PaymentRange[]]>([
    ['evm/charge', [{ method: 'evm', intent: 'charge', q: 1 }]],
    ['evm/*;q=0.25', [{ method: 'evm', intent: '*', q: 0.25 }]],
    ['*/charge ; q=0', [{ method: '*', intent: 'charge', q: 0 }]],
    ['*/*;Q=1.000', [{ method: '*', intent: '*', q: 1 }]],
    [
      ' ,evm/charge,\t, tempo:main/session;q=0.',
      [
        { method: 'evm', intent: 'charge', q: 1 },
        { method: 'tempo:main', intent: 'session', q: 0 },
      ],
    ],
  ])('%j is read', (header, ranges) => {
    expect(readAcceptPayment(header)).toEqual(ranges);
  });

  it.each([
    '',
    ' , ,',
    'evm',
    'evm/',
    '/charge',
    'evm/charge/more',
    'evm /charge',
    'ev*/charge',
    'evm/charge;q=',
    'evm/charge;q=1.5',
    'evm/charge;q=0.1234',
    'evm/charge;q=-1',
    'evm/charge;level=1',
    'evm/charge tempo/charge',
    'tempo/charge, "evm/charge"',
    Array(51).fill('evm/charge').join(),
    `${' '.repeat(2_000)}evm/charge`,
  ])('%j says nothing', (header) => {
    expect(readAcceptPayment(header)).toEqual([]);
  });

  it('comes back as it went', () => {
    const token = fc.stringMatching(/^[a-z][a-z0-9_:-]{0,9}$/);
    const part = fc.oneof(token, fc.constant('*'));
    const some = fc.record({
      method: part,
      intent: part,
      q: fc.integer({ min: 0, max: 1000 }).map((q) => q / 1000),
    });
    fc.assert(
      fc.property(fc.array(some, { minLength: 1, maxLength: 50 }), (ranges) => {
        const header = ranges
          .map(({ method, intent, q }) => `${method}/${intent}${q === 1 ? '' : `;q=${q}`}`)
          .join(', ');
        expect(readAcceptPayment(header)).toEqual(ranges);
      }),
      { numRuns: 200 },
    );
  });

  it('is read without throwing whatever it is, and neither more than 50 ranges nor a weight beyond 0 and 1 come of it', () => {
    const words = fc.constantFrom('evm', '/', '*', ';', 'q=', '0.5', ',', ' ', '1');
    const noise = fc.oneof(fc.string(), fc.string({ unit: words, maxLength: 300 }));
    fc.assert(
      fc.property(noise, (header) => {
        const ranges = readAcceptPayment(header);
        expect(ranges.length).toBeLessThanOrEqual(50);
        for (const { q } of ranges) expect(q >= 0 && q <= 1).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('offers for a client', () => {
  const offers = ['tempo/session', 'tempo/charge', 'evm/charge', 'stripe/charge'];

  it.each<[string, string, readonly string[]]>([
    [
      'by weight',
      'stripe/charge, evm/charge;q=0.5, tempo/charge;q=0.8',
      ['stripe/charge', 'tempo/charge', 'evm/charge'],
    ],
    [
      'in the order of the seller among equals',
      'stripe/charge;q=0.5, evm/charge;q=0.5',
      ['evm/charge', 'stripe/charge'],
    ],
    ['without those ruled out', '*/*, tempo/session;q=0', ['tempo/charge', 'evm/charge', 'stripe/charge']],
    [
      'by the most specific range, whatever its weight',
      '*/*, tempo/*;q=0.5, tempo/charge;q=0.1',
      ['evm/charge', 'stripe/charge', 'tempo/session', 'tempo/charge'],
    ],
    ['by intent', '*/session', ['tempo/session']],
    ['all of them when nothing fits', 'card/charge, lightning/*;q=0.5', offers],
    ['all of them when nothing can be read', 'evm', offers],
    ['none when everything is ruled out', '*/*;q=0', []],
    [
      'those that are not ruled out when none is wanted',
      'evm/charge;q=0, card/charge',
      ['tempo/session', 'tempo/charge', 'stripe/charge'],
    ],
  ])('come %s', (_, header, expected) => {
    expect(chosen(header, offers)).toEqual(expected);
  });

  it('are those of a weight above 0, in stable order of it, where the most specific ranges give the weight', () => {
    const methods = ['evm', 'tempo', 'stripe'];
    const intents = ['charge', 'session'];
    const weight = fc.constantFrom(0, 0.1, 0.5, 1);
    const some = fc.record({
      method: fc.constantFrom('*', ...methods),
      intent: fc.constantFrom('*', ...intents),
      q: weight,
    });
    const kind = fc.record({ method: fc.constantFrom(...methods), intent: fc.constantFrom(...intents) });
    fc.assert(
      fc.property(fc.array(kind, { maxLength: 8 }), fc.array(some, { maxLength: 12 }), (kinds, ranges) => {
        const all = kinds.map((own, index) => ({ own, index, q: expectedWeight(own, ranges) }));
        const wanted = all
          .filter(({ q }) => q !== undefined && q > 0)
          .sort((a, b) => Number(b.q) - Number(a.q) || a.index - b.index);
        const notRuledOut = all.filter(({ q }) => q !== 0);
        const expected = wanted.length > 0 ? wanted : notRuledOut;
        expect(rankOffers(all, ranges, ({ own }) => own)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('are left as they are for a client that says nothing', () => {
    expect(rankOffers(offers, [], kindOf)).toBe(offers);
  });
});

/** The weight by the words of the draft: of all that fit the most specific, of those the highest. */
function expectedWeight(
  { method, intent }: PaymentKind,
  ranges: readonly PaymentRange[],
): number | undefined {
  const levels = [[`${method}/${intent}`], [`${method}/*`, `*/${intent}`], ['*/*']];
  const fitting = levels.map((names) =>
    ranges.filter((one) => names.includes(`${one.method}/${one.intent}`)),
  );
  const level = fitting.find(({ length }) => length > 0);
  return level && Math.max(...level.map(({ q }) => q));
}
