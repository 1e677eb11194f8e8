import { manualClock } from '@agentpay/primitives';
import { progressOf } from './progress.js';

it('says a line for each part that is ready, and every ten seconds what is awaited', () => {
  const clock = manualClock(0);
  const lines: string[] = [];
  const progress = progressOf(clock, (line) => lines.push(line));
  clock.advance(1_500);
  progress.ready('chain', 'http://127.0.0.1:3103');
  clock.advance(20_000);
  progress.stop();
  clock.advance(60_000);
  expect(lines).toEqual([
    'Starting chain, facilitator, API and seller …',
    'chain        ready at http://127.0.0.1:3103 after 1.5 s',
    'Waiting for facilitator, API, seller (10.0 s) …',
    'Waiting for facilitator, API, seller (20.0 s) …',
  ]);
});
