import { systemClock, type Clock } from '@agentpay/primitives';
import { readLatest } from './readLatest.js';

/** Pauses need not be waited for. */
const hurried: Clock = { now: systemClock.now, timer: (_ms, fn) => systemClock.timer(0, fn) };

it('a read that blocks came in between is made again', async () => {
  let refusals = 3;
  const read = async () => {
    if (refusals-- > 0) throw new Error('BlockOutOfRangeError');
    return 7n;
  };
  expect(await readLatest(read, hurried)).toBe(7n);
});

it('a chain that refuses every read is asked for two seconds, and its last refusal is told', async () => {
  let reads = 0;
  const read = () => Promise.reject(new Error(`refused ${++reads}`));
  await expect(readLatest(read, hurried)).rejects.toThrow('refused 40');
  expect(reads).toBe(40);
});
