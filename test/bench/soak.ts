/**
 * `npm run soak [-- --minutes 10]`: settlements at 80 % of the capacity measured first, for minutes. Prints what memory, queue and latency
 * do, and whether any of them grows; ends with 1 when one does, when a payment failed, or when one is missing on the chain.
 */
import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openBed, type Bed, type Measured } from './bed.js';
import { load, median, percentile, send, type Prepared } from './load.js';
import { AMOUNT, facilitatorRequests } from './payments.js';
import { expectTrue, ownFacilitator } from './scenarios.js';
import { figure } from './table.js';

const SHARE = 0.8;
const WINDOW_MS = 10_000;
const TICK_MS = 20;
const CALIBRATION = { concurrency: 256, seconds: 10 };
/** Memory may grow by this much after the first third, in MB: the collector of Node is in no hurry. */
const MEMORY_SLACK_MB = 40;
const GROWTH_LIMIT = 1.5;

interface Window {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly waiting: number;
  readonly memoryMb: number;
}

const judge = expectTrue('success');

async function capacityOf(bed: Bed, server: Measured): Promise<{ perSecond: number; ok: number }> {
  const supply = facilitatorRequests('/settle', 30_000, bed.buyerKeys, bed.payTo);
  const { perSecond, ok } = await load({ ...server, ...CALIBRATION, next: () => supply.pop(), judge });
  return { perSecond, ok };
}

interface Soak {
  readonly ok: number;
  readonly failed: Readonly<Record<string, number>>;
  readonly windows: readonly Window[];
}

/** Sends at a fixed rate, whatever the answers do, and looks at memory, queue and latency in every window. */
async function soak(bed: Bed, server: Measured, perSecond: number, minutes: number): Promise<Soak> {
  const agent = new Agent({ keepAlive: true, maxSockets: 4_096 });
  const failed: Record<string, number> = {};
  const windows: Window[] = [];
  let latencies: number[] = [];
  let waiting = 0;
  let ok = 0;

  async function sendOne(prepared: Prepared): Promise<void> {
    const sent = performance.now();
    waiting += 1;
    const verdict = await send(agent, server.url, prepared).then(judge, (error: unknown) => String(error));
    waiting -= 1;
    latencies.push(performance.now() - sent);
    if (verdict === 'ok') ok += 1;
    else failed[verdict] = (failed[verdict] ?? 0) + 1;
  }

  async function sendWindow(from: number): Promise<void> {
    const total = Math.round((perSecond * WINDOW_MS) / 1000);
    const supply = facilitatorRequests('/settle', total, bed.buyerKeys, bed.payTo);
    for (; supply.length > 0; await sleep(TICK_MS)) {
      const due = ((performance.now() - from) / WINDOW_MS) * total;
      while (supply.length > 0 && total - supply.length < due) void sendOne(supply.pop() as Prepared);
    }
    await sleep(Math.max(0, from + WINDOW_MS - performance.now()));
  }

  function closeWindow(): void {
    const sorted = latencies.sort((a, b) => a - b);
    latencies = [];
    const times = { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
    const window = { perSecond: (sorted.length * 1000) / WINDOW_MS, ...times, waiting, memoryMb: memoryMb(server.pid) };
    windows.push(window);
    const second = (windows.length * WINDOW_MS) / 1000;
    console.log([second, ...Object.values(window)].map((cell) => figure(cell).padStart(8)).join(' '));
  }

  const began = performance.now();
  for (let window = 0; window < (minutes * 60_000) / WINDOW_MS; window++) {
    await sendWindow(began + window * WINDOW_MS);
    closeWindow();
  }
  for (let tries = 0; waiting > 0 && tries < 600; tries++) await sleep(100);
  agent.destroy();
  return { ok, failed, windows };
}

/** Resident memory of a process, from /proc (Linux). */
function memoryMb(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
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
  ];
}

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const minutes = Number(values.minutes);
if (!(minutes >= 1)) throw new Error('--minutes must be at least 1.');
const bed = await openBed(0.2);
try {
  const server = await ownFacilitator(bed);
  const capacity = await capacityOf(bed, server);
  const rate = capacity.perSecond * SHARE;
  const measured = `${figure(capacity.perSecond)}/s at ${CALIBRATION.concurrency} at once`;
  console.log(`capacity ${measured}; ${minutes} minutes at ${figure(rate)}/s`);
  console.log(['second', 'ok/s', 'p50 ms', 'p99 ms', 'waiting', 'RSS MB'].map((name) => name.padStart(8)).join(' '));
  const { ok, failed, windows } = await soak(bed, server, rate, minutes);
  const missing = Number((await bed.received()) / AMOUNT) - capacity.ok - ok;
  const failures = Object.entries(failed).map(([kind, count]) => `${count} ${kind}`);
  const faults = [...growths(windows).map((what) => `${what} grows`), ...failures];
  if (missing !== 0) faults.push(`${missing} transfers more on the chain than successes`);
  console.log(faults.length === 0 ? `steady: ${ok} payments, none failed, all on the chain` : `not steady: ${faults.join(', ')}`);
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  await bed.close();
}
