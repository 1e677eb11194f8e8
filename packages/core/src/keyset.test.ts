import { keysetOf, pageOf } from './keyset.js';

interface Row {
  readonly id: string;
  readonly score: number;
}

const letters = {
  of: ({ id }: Row) => id,
  compare: (a: string, b: string) => a.localeCompare(b),
  isKey: (text: string) => /^[a-z]$/.test(text),
};
const rows = (ids: string): Row[] => [...ids].map((id) => ({ id, score: 1 }));
const shown = (page: readonly Row[]) => page.map(({ id }) => id).join('');

describe('a page of rows at hand', () => {
  it('goes on behind the last row that was given, also when that is gone', () => {
    const first = pageOf(rows('abcde'), { limit: 2, offset: 0, cursor: '' }, letters);
    expect([shown(first.rows), first.total]).toEqual(['ab', 5]);
    const cursor = first.nextCursor as string;
    const next = pageOf(rows('acde'), { limit: 2, offset: 3, cursor }, letters);
    expect([shown(next.rows), next.total]).toEqual(['cd', 4]);
    const last = pageOf(rows('acde'), { limit: 2, offset: 0, cursor: next.nextCursor as string }, letters);
    expect([shown(last.rows), last.nextCursor]).toEqual(['e', null]);
  });

  it('by position names no next page', () => {
    expect(pageOf(rows('abc'), { limit: 2, offset: 1 }, letters)).toEqual({ rows: rows('bc'), total: 3 });
  });

  it('is none for what is no key', () => {
    const cursor = Buffer.from('["ab"]').toString('base64url');
    expect(() => pageOf(rows('abc'), { limit: 2, offset: 0, cursor }, letters)).toThrow('cursor');
  });
});

describe('a page of a table', () => {
  const keyset = keysetOf<Row>({ id: 'text', score: 'integer' }, { by: ['-score', 'id'] });

  it('begins behind the place of its cursor, a number with a minus the other way round', () => {
    const { nextCursor } = keyset.page(rows('abc'), { limit: 2, offset: 0, cursor: '' });
    const wanted = { limit: 2, offset: 5, cursor: nextCursor as string };
    expect(keyset.part(wanted, ['first'])).toEqual({
      text: ' and (-score, id) > ($2::integer, $3::text) order by -score, id limit $4 offset $5',
      ofOne: ' and (-score, id) > ($2::integer, $3::text) order by -score, id limit $4::bigint + $5::bigint',
      ofAll: ' order by -score, id limit $4 offset $5',
      params: ['first', -1, 'b', 3, 0],
    });
  });

  it('ends where no row more than wanted was read', () => {
    expect(keyset.page(rows('ab'), { limit: 2, offset: 0, cursor: '' }).nextCursor).toBe(null);
  });
});
