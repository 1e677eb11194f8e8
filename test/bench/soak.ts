/**
 * `npm run soak [-- --minutes 10 --share 0.8]`: settlements at a share of the capacity measured first, for minutes. Stays with every
 * payment until its final answer. Prints what memory, queue and latency do; ends with 1 when one of them grows after the first third,
 * when a payment failed, or when the transfers on the chain are not exactly the payments acknowledged.
 */
import { Agent } from 'node:http';
import { parseArgs } from 'node:util';
import { openBed, type Bed, type Measured } from './bed.js';
import { median } from './load.js';
import { AMOUNT, facilitatorRequests } from './payments.js';
import { ownFacilitator } from './scenarios.js';
import { settleFinally } from './settleFinally.js';
import { steadyLoad, type SteadyLoad, type Window } from './steadyLoad.js';
import { figure } from './table.js';

const WINDOW_SECONDS = 10;
const CALIBRATION = { concurrency: 256, payments: 30_000, seconds: 10 };
/** Memory may grow by this much after the first third, in MB: the collector of Node is in no hurry. */
const MEMORY_SLACK_MB = 40;
const GROWTH_LIMIT = 1.5;

interface Capacity {
  readonly perSecond: number;
  readonly ok: number;
}

/** Successes per second of a closed loop. */
async function capacityOf(bed: Bed, { url }: Measured): Promise<Capacity> {
  const { concurrency, payments, seconds } = CALIBRATION;
  const supply = facilitatorRequests('/settle', payments, bed.buyerKeys, bed.payTo);
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const began = performance.now();
  let ok = 0;
  const worker = async () => {
    for (
      let payment = supply.pop();
      payment && performance.now() - began < seconds * 1_000;
      payment = supply.pop()
    ) {
      if ((await settleFinally(agent, url, payment)).verdict === 'ok') ok += 1;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const perSecond = (ok * 1_000) / (performance.now() - began);
  agent.destroy();
  return { perSecond, ok };
}

/** What grew from the middle third to the last one; the first is for warming up. */
function growths(windows: readonly Window[]): string[] {
  const third = Math.floor(windows.length / 3);
  const inPart = (part: number) => windows.slice(part * third, (part + 1) * third);
  const of = (part: number, member: keyof Window) => median(inPart(part).map((window) => window[member]));
  const grew = (member: keyof Window, slack: number) => of(2, member) > of(1, member) * GROWTH_LIMIT + slack;
  return [
    ...(of(2, 'memoryMb') > of(1, 'memoryMb') + MEMORY_SLACK_MB ? ['memory'] : []),
    ...(grew('waiting', 20) ? ['queue'] : []),
    ...(grew('p50', 50) ? ['median latency'] : []),
    ...(grew('p99', 200) ? ['p99 latency'] : []),
  ].map((what) => `${what} grows`);
}

const kinds = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);

/** Prints the verdict; gives whether it is a good one. */
function judge({ ok, failed, again, windows }: SteadyLoad, acknowledged: number, transfers: number): boolean {
  const faults = [...growths(windows), ...kinds(failed)];
  if (transfers !== acknowledged)
    faults.push(`${transfers} transfers on the chain for ${acknowledged} payments acknowledged`);
  const asked = kinds(again).join(', ') || 'nothing';
  console.log(`asked again for ${asked}`);
  console.log(
    faults.length === 0
      ? `steady: ${ok} payments, none failed, all on the chain once`
      : `not steady: ${faults.join(', ')}`,
  );
  return faults.length === 0;
}

function readArguments(): { minutes: number; share: number } {
  const { values } = parseArgs({
    options: { minutes: { type: 'string', default: '10' }, share: { type: 'string', default: '0.8' } },
  });
  const [minutes, share] = [Number(values.minutes), Number(values.share)];
  if (!(minutes >= 1)) throw new Error('--minutes must be at least 1.');
  if (!(share > 0 && share <= 1)) throw new Error('--share must be above 0 and at most 1.');
  return { minutes, share };
}

const { minutes, share } = readArguments();
const bed = await openBed(0.2, { endures: true });
try {
  const server = await ownFacilitator(bed);
  const capacity = await capacityOf(bed, server);
  const perSecond = capacity.perSecond * share;
  const measured = `${figure(capacity.perSecond)}/s at ${CALIBRATION.concurrency} at once`;
  console.log(`capacity ${measured}; ${minutes} minutes at ${figure(perSecond)}/s`);
  console.log(
    ['second', 'ok/s', 'p50 ms', 'p99 ms', 'waiting', 'RSS MB'].map((name) => name.padStart(8)).join(' '),
  );
  const load = await steadyLoad({
    server,
    perSecond,
    windowSeconds: WINDOW_SECONDS,
    windows: Math.round((minutes * 60) / WINDOW_SECONDS),
    payments: (count) => facilitatorRequests('/settle', count, bed.buyerKeys, bed.payTo),
    onWindow(window, i) {
      console.log(
        [(i + 1) * WINDOW_SECONDS, ...Object.values(window)]
          .map((cell) => figure(cell).padStart(8))
          .join(' '),
      );
    },
  });
  const transfers = Number((await bed.received()) / AMOUNT);
  process.exitCode = judge(load, capacity.ok + load.ok, transfers) ? 0 : 1;
} finally {
  await bed.close();
}
