import type { Queryable } from '@agentpay/primitives';
import { lookUp } from './lookUp.js';

/** Statements that wait until they are let through. */
function slowDb() {
  const asked: {
    keys: readonly string[];
    resolve: (rows: readonly string[]) => void;
    reject: (error: Error) => void;
  }[] = [];
  const find = lookUp<string>(
    (_db, keys) => new Promise((resolve, reject) => asked.push({ keys, resolve, reject })),
    (row) => row,
  );
  return { asked, find, db: {} as Queryable };
}
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

it('finds what is asked for in one turn by one statement, each key once; what is not there is undefined', async () => {
  const { asked, find, db } = slowDb();
  const found = Promise.all(['a', 'b', 'a', 'c'].map((key) => find(db, key)));
  await turn();
  expect(asked.map(({ keys }) => keys)).toEqual([['a', 'b', 'c']]);
  asked[0]?.resolve(['c', 'a']);
  expect(await found).toEqual(['a', undefined, 'a', 'c']);
});

it('never gives what a statement read that began before it was asked; two are at work at most, and the rest shares the next', async () => {
  const { asked, find, db } = slowDb();
  const first = find(db, 'a');
  await turn();
  const second = find(db, 'a');
  await turn();
  const [third, fourth] = [find(db, 'a'), find(db, 'b')];
  await turn();
  expect(asked.map(({ keys }) => keys)).toEqual([['a'], ['a']]);
  asked[0]?.resolve(['a']);
  expect(await first).toBe('a');
  await turn();
  await turn();
  expect(asked.map(({ keys }) => keys)).toEqual([['a'], ['a'], ['a', 'b']]);
  asked[1]?.resolve([]);
  asked[2]?.resolve(['b']);
  expect(await Promise.all([second, third, fourth])).toEqual([undefined, undefined, 'b']);
});

it('fails all who share a statement that fails, and nobody after them; databases share nothing', async () => {
  const { asked, find, db } = slowDb();
  const lost = Promise.allSettled([find(db, 'a'), find(db, 'b')]);
  const other = find({} as Queryable, 'a');
  await turn();
  asked[0]?.reject(new Error('lost'));
  expect(await lost).toMatchObject([{ reason: { message: 'lost' } }, { reason: { message: 'lost' } }]);
  asked[1]?.resolve(['a']);
  expect(await other).toBe('a');
  const next = find(db, 'a');
  await turn();
  asked[2]?.resolve(['a']);
  expect(await next).toBe('a');
});
