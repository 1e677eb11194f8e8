import { manualClock } from '@agentpay/primitives';
import { createBatcher } from './Batcher.js';

const settled = () => new Promise((resolve) => setImmediate(resolve));

function setUp({ lanes = 1, fail = 0 } = {}) {
  const clock = manualClock(0);
  const batches: { items: readonly string[]; lane: number; at: number }[] = [];
  let failures = fail;
  const finish: (() => void)[] = [];
  const batcher = createBatcher<string>({
    clock,
    lanes,
    maxBatch: 3,
    windowMs: 5,
    restMs: 30,
    retryMs: 500,
    alone: (item) => item.startsWith('alone'),
    // 'late 100' has to go from the 100th millisecond on.
    pressesAt: (item) => (item.startsWith('late') ? Number(item.split(' ')[1]) : Infinity),
    laneOf: (item) => (item.startsWith('second') ? 1 : undefined),
    flush: async (items, lane) => {
      if (failures-- > 0) throw new Error('chain away');
      batches.push({ items, lane, at: clock.now() });
      await new Promise<void>((resolve) => finish.push(resolve));
    },
    onError: () => undefined,
  });
  const pass = async (ms: number) => {
    for (let i = 0; i < ms; i++) {
      clock.advance(1);
      await settled();
    }
  };
  const finishAll = async () => {
    for (const end of finish.splice(0)) end();
    await settled();
  };
  return { batcher, batches, pass, finishAll };
}

describe('batcher', () => {
  it('sends a lone item after the window, and the others with whom it came', async () => {
    const { batcher, batches, pass } = setUp();
    batcher.add('a');
    await pass(4);
    batcher.add('b');
    expect(batches).toEqual([]);
    await pass(1);
    expect(batches).toEqual([{ items: ['a', 'b'], lane: 0, at: 5 }]);
  });

  it('lets a lane go on at once when the next batch is full already', async () => {
    const { batcher, batches, pass, finishAll } = setUp();
    for (const item of ['a', 'b', 'c', 'd', 'e', 'f']) batcher.add(item);
    await pass(10);
    await finishAll();
    await pass(1);
    expect(batches.map(({ items }) => items.length)).toEqual([3, 3]);
  });

  it('keeps a lane at one batch, lets it rest, and fills no batch beyond its limit', async () => {
    const { batcher, batches, pass, finishAll } = setUp();
    for (const item of ['a', 'b', 'c', 'd', 'e']) batcher.add(item);
    await pass(100);
    expect(batches.map(({ items }) => items)).toEqual([['a', 'b', 'c']]);
    await finishAll();
    await pass(29);
    expect(batches).toHaveLength(1);
    await pass(1);
    expect(batches[1]?.items).toEqual(['d', 'e']);
  });

  it('sends a full batch at once', async () => {
    const { batcher, batches, pass } = setUp();
    for (const item of ['a', 'b']) batcher.add(item);
    await pass(2);
    expect(batches).toEqual([]);
    batcher.add('c');
    await pass(1);
    expect(batches).toEqual([{ items: ['a', 'b', 'c'], lane: 0, at: 2 }]);
  });

  it('sends what presses at once, with whom it finds waiting', async () => {
    const { batcher, batches, pass } = setUp();
    await pass(10);
    batcher.add('a');
    batcher.add('late 12');
    await pass(1);
    expect(batches).toEqual([]);
    await pass(1);
    expect(batches).toEqual([{ items: ['late 12', 'a'], lane: 0, at: 12 }]);
  });

  it('sends what presses before those that have more time, the most pressing first', async () => {
    const { batcher, batches, pass, finishAll } = setUp();
    batcher.add('a');
    await pass(5);
    for (const item of ['b', 'alone-1', 'c', 'late 40', 'late 500', 'late 30', 'd']) batcher.add(item);
    await pass(45);
    await finishAll();
    await pass(30);
    await finishAll();
    await pass(30);
    await finishAll();
    await pass(30);
    expect(batches.map(({ items }) => items)).toEqual([
      ['a'],
      ['late 30', 'late 40', 'b'],
      ['alone-1'],
      ['c', 'late 500', 'd'],
    ]);
  });

  it('works on every lane at once', async () => {
    const { batcher, batches, pass } = setUp({ lanes: 2 });
    for (const item of ['a', 'b', 'c', 'd']) batcher.add(item);
    await pass(5);
    expect(batches).toEqual([
      { items: ['a', 'b', 'c'], lane: 0, at: 0 },
      { items: ['d'], lane: 1, at: 0 },
    ]);
  });

  it('sends alone what must go alone', async () => {
    const { batcher, batches, pass } = setUp({ lanes: 3 });
    for (const item of ['a', 'alone-1', 'b', 'alone-2']) batcher.add(item);
    await pass(5);
    expect(batches.map(({ items }) => items)).toEqual([['a', 'b'], ['alone-1'], ['alone-2']]);
  });

  it('tries a failed batch again, before what came later, and gives back what has not gone', async () => {
    const { batcher, batches, pass } = setUp({ fail: 1 });
    for (const item of ['a', 'b', 'c', 'd']) batcher.add(item);
    await pass(1);
    expect(batcher.remove('b')).toBe(true);
    await pass(499);
    expect(batches).toEqual([]);
    await pass(1);
    expect(batches[0]?.items).toEqual(['a', 'c', 'd']);
    expect(batcher.remove('a')).toBe(false);
  });

  it('waits at its end for the batch at work, and starts no other', async () => {
    const { batcher, batches, pass, finishAll } = setUp();
    for (const item of ['a', 'b', 'c', 'd']) batcher.add(item);
    await pass(5);
    let closed = false;
    const closing = batcher.close().then(() => (closed = true));
    await settled();
    expect(closed).toBe(false);
    await finishAll();
    await closing;
    await pass(100);
    expect(batches).toHaveLength(1);
  });

  it('keeps an item for its lane, and lets others past it', async () => {
    const { batcher, batches, pass, finishAll } = setUp({ lanes: 2 });
    batcher.add('second a');
    await pass(5);
    batcher.add('second b');
    batcher.add('c');
    await pass(5);
    expect(batches.map(({ items, lane }) => [lane, ...items])).toEqual([
      [1, 'second a'],
      [0, 'c'],
    ]);
    await finishAll();
    await pass(30);
    expect(batches[2]).toMatchObject({ items: ['second b'], lane: 1 });
  });
});
