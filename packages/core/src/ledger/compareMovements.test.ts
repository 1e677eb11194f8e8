import { compareMovements } from './compareMovements.js';

const paid = { id: 'tx_1', journalKey: 'hold_1:close', reference: 'a', amount: 5n };
const open = { id: 'tx_2', journalKey: null, reference: null, amount: 7n };

describe('what books and rail have', () => {
  it('is the same when every movement is there once, also several under one reference', () => {
    const other = { ...paid, id: 'tx_3', amount: 2n };
    const moved = [
      { reference: 'a', amount: 2n },
      { reference: 'a', amount: 5n },
    ];
    expect(compareMovements([paid, other], moved)).toEqual([]);
  });

  it('differs by what is missing, too much, or unknown to the books', () => {
    const known = { reference: 'a', ids: ['tx_1'], journalKeys: ['hold_1:close'], booked: 5n };
    expect(compareMovements([paid], [])).toEqual([{ ...known, moved: 0n }]);
    const twice = [paid, paid].map(({ reference, amount }) => ({ reference, amount }));
    expect(compareMovements([paid], twice)).toEqual([{ ...known, moved: 10n }]);
    expect(compareMovements([], [{ reference: 'b', amount: 3n }])).toEqual([
      { reference: 'b', ids: [], journalKeys: [], booked: 0n, moved: 3n },
    ]);
  });

  it('may be ahead of the books by what is under way, and by nothing else', () => {
    expect(compareMovements([open], [{ reference: 'c', amount: 7n }])).toEqual([]);
    expect(compareMovements([{ ...open, reference: 'c' }], [{ reference: 'c', amount: 7n }])).toEqual([]);
    expect(compareMovements([open], [{ reference: 'c', amount: 8n }])).toHaveLength(1);
    expect(compareMovements([{ ...open, reference: 'd' }], [{ reference: 'c', amount: 7n }])).toHaveLength(1);
  });
});
