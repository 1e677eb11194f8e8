import { manualClock } from '@agentpay/primitives';
import { table } from '../table.js';
import { entity } from './Entity.js';
import { rowCache } from './RowCache.js';

const rows = table<{ id: string }>('rows', { id: 'text' });
const kind = (keptMs: number, kept = () => true) =>
  entity({ table: rows, key: ['id'], rank: 1, keptMs, kept });
const a = { id: 'a' };

describe('a cache of rows', () => {
  it('gives a row for as long as its kind is kept', () => {
    const clock = manualClock(0);
    const cache = rowCache(10, clock);
    const [always, second] = [kind(Infinity), kind(1_000)];
    cache.set(always, 'a', a);
    cache.set(second, 'a', a);
    cache.set(second, 'b', null);
    clock.advance(999);
    expect([cache.get(always, 'a'), cache.get(second, 'a'), cache.get(second, 'b')]).toEqual([a, a, null]);
    clock.advance(1);
    expect([cache.get(always, 'a'), cache.get(second, 'a')]).toEqual([a, undefined]);
  });

  it('forgets a row that has come to be one that is not kept', () => {
    const cache = rowCache(10, manualClock(0));
    let ended = false;
    const ending = kind(Infinity, () => !ended);
    cache.set(ending, 'a', a);
    expect(cache.get(ending, 'a')).toBe(a);
    ended = true;
    cache.set(ending, 'a', a);
    expect(cache.get(ending, 'a')).toBeUndefined();
  });

  it('keeps no row of a kind that may be long, and not more of the others than it may', () => {
    const cache = rowCache(2, manualClock(0));
    const [long, short] = [kind(0), kind(Infinity)];
    cache.set(long, 'a', a);
    for (const key of ['a', 'b', 'c']) cache.set(short, key, a);
    expect(cache.get(long, 'a')).toBeUndefined();
    expect(['a', 'b', 'c'].map((key) => cache.get(short, key))).toEqual([undefined, a, a]);
  });
});
