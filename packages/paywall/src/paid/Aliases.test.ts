import { memoryStore, type Clock } from '@agentpay/primitives';
import { aliasesIn } from './Aliases.js';

const clock: Clock & { time: number } = { time: 0, now: () => clock.time, timer: () => () => undefined };
const aliases = () => aliasesIn(memoryStore(clock));

describe('a name of a payment', () => {
  it('belongs to the first of payments that ask for it at the same time', async () => {
    const { bind } = aliases();
    const bound = await Promise.all(['a', 'b', 'c', 'a'].map((payment) => bind('id', payment)));
    expect(bound).toEqual([true, false, false, true]);
  });

  it('belongs to its payment for a day', async () => {
    const { bind } = aliases();
    await bind('id', 'a');
    clock.time += 23 * 3_600_000;
    expect(await bind('id', 'b')).toBe(false);
    clock.time += 2 * 3_600_000;
    expect(await bind('id', 'b')).toBe(true);
  });

  it('is freed by its own payment only', async () => {
    const { bind, free } = aliases();
    await bind('id', 'a');
    await free('id', 'b');
    expect(await bind('id', 'b')).toBe(false);
    await free('id', 'a');
    expect(await bind('id', 'b')).toBe(true);
    await free('id', 'a');
    expect(await bind('id', 'a')).toBe(false);
  });

  it('that was given up takes no room for long, so that payments that are refused fill no store', async () => {
    const store = memoryStore(clock);
    const { bind, free } = aliasesIn(store);
    await bind('id', 'a');
    await free('id', 'a');
    clock.time += 61_000;
    expect(await store.get('id')).toBeUndefined();
  });
});
