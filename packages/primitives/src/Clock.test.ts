import { manualClock, sleep, systemClock, unixSeconds } from './Clock.js';

test('a manual clock fires timers in the order they fall due, each at its own time', () => {
  const clock = manualClock(1_000);
  const fired: [string, number][] = [];
  clock.timer(30, () => fired.push(['late', clock.now()]));
  clock.timer(10, () => {
    fired.push(['early', clock.now()]);
    clock.timer(5, () => fired.push(['nested', clock.now()]));
  });
  const cancel = clock.timer(20, () => fired.push(['cancelled', clock.now()]));
  cancel();
  clock.advance(40);
  expect(fired).toEqual([
    ['early', 1_010],
    ['nested', 1_015],
    ['late', 1_030],
  ]);
  expect(clock.now()).toBe(1_040);
});

test('sleep ends when its time has come or its signal aborts', async () => {
  const clock = manualClock(0);
  const asleep = sleep(clock, 50);
  clock.advance(50);
  await asleep;
  const abort = new AbortController();
  const interrupted = sleep(clock, 1_000, abort.signal);
  abort.abort();
  await interrupted;
  await sleep(clock, 1_000, abort.signal);
});

test('the system clock counts milliseconds and cancels timers', async () => {
  let fired = false;
  systemClock.timer(5, () => (fired = true))();
  await sleep(systemClock, 20);
  expect(fired).toBe(false);
  const before = Math.floor(Date.now() / 1000);
  const seconds = unixSeconds(systemClock);
  const after = Math.floor(Date.now() / 1000);
  // A second may begin between two looks.
  expect(before <= seconds && seconds <= after).toBe(true);
  expect(unixSeconds(manualClock(1_700_000_000_999))).toBe(1_700_000_000);
});
