import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Measured } from './bed.js';
import { percentile, type Prepared } from './load.js';
import { settleFinally } from './settleFinally.js';

/** What was seen in one stretch of time. */
export interface Window {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Payments without their final answer at its end. */
  readonly waiting: number;
  readonly memoryMb: number;
}

export interface SteadyLoad {
  readonly ok: number;
  /** Final answers other than success, by kind. */
  readonly failed: Readonly<Record<string, number>>;
  /** Why payments were asked for again, by kind. */
  readonly again: Readonly<Record<string, number>>;
  readonly windows: readonly Window[];
}

export interface SteadyLoadOptions {
  readonly server: Measured;
  readonly perSecond: number;
  readonly windowSeconds: number;
  readonly windows: number;
  /** Signs so many payments. */
  readonly payments: (count: number) => Prepared[];
  readonly onWindow: (window: Window, index: number) => void;
}

const TICK_MS = 20;

/** Sends payments at a fixed rate, whatever the answers do, and stays with each until its final answer. */
export async function steadyLoad(options: SteadyLoadOptions): Promise<SteadyLoad> {
  const { server, perSecond, windowSeconds, payments, onWindow } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: 4_096 });
  const failed: Record<string, number> = {};
  const again: Record<string, number> = {};
  const windows: Window[] = [];
  const open = new Set<Promise<void>>();
  let latencies: number[] = [];
  let ok = 0;

  async function settle(payment: Prepared): Promise<void> {
    const sent = performance.now();
    const response = await settleFinally(agent, server.url, payment);
    latencies.push(performance.now() - sent);
    for (const why of response.again) count(again, why);
    if (response.verdict === 'ok') ok += 1;
    else count(failed, response.verdict);
  }

  function start(payment: Prepared): void {
    const work = settle(payment).finally(() => open.delete(work));
    open.add(work);
  }

  /** The payments of one second, signed at its beginning. */
  async function sendSecond(from: number): Promise<void> {
    const supply = payments(Math.round(perSecond));
    for (let sent = 0; sent < supply.length; await sleep(TICK_MS)) {
      const due = ((performance.now() - from) / 1_000) * supply.length;
      while (sent < due && sent < supply.length) start(supply[sent++] as Prepared);
    }
    await sleep(Math.max(0, from + 1_000 - performance.now()));
  }

  const began = performance.now();
  for (let second = 1; second <= options.windows * windowSeconds; second++) {
    await sendSecond(began + (second - 1) * 1_000);
    if (second % windowSeconds > 0) continue;
    const sorted = latencies.sort((a, b) => a - b);
    latencies = [];
    const times = { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
    windows.push({
      perSecond: sorted.length / windowSeconds,
      ...times,
      waiting: open.size,
      memoryMb: memoryMb(server.pid),
    });
    onWindow(windows.at(-1) as Window, windows.length - 1);
  }
  await Promise.all(open);
  agent.destroy();
  return { ok, failed, again, windows };
}

function count(counts: Record<string, number>, kind: string): void {
  counts[kind] = (counts[kind] ?? 0) + 1;
}

/** Resident memory of a process, from /proc (Linux). */
function memoryMb(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}
