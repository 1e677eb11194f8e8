import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';

/** A request made ready beforehand, so that the generator costs little of what it measures. */
export interface Prepared {
  readonly path: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: Buffer;
}

export interface Reply {
  readonly status: number;
  readonly body: string;
}

export interface LoadResult {
  readonly ok: number;
  readonly failed: Readonly<Record<string, number>>;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** CPU milliseconds of the measured process per success. */
  readonly cpuMs: number;
}

export interface LoadOptions {
  readonly url: string;
  /** Gives the next request, or undefined when the supply is used up. */
  readonly next: () => Prepared | undefined;
  readonly concurrency: number;
  readonly seconds: number;
  /** "ok", or what went wrong. */
  readonly judge: (answer: Reply) => string;
  /** Process whose CPU time is counted. */
  readonly pid: number;
  /** Before each request passes a random time below this. */
  readonly pauseMs?: number;
}

const ANSWER_TIMEOUT_MS = 60_000;

/** A closed loop over keep-alive connections, bounded by time and by the supply of requests. */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const { url, next, judge, pid, ...loop } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: options.concurrency });
  const cpuBefore = cpuMilliseconds(pid);
  const once = () => {
    const prepared = next();
    return prepared && send(agent, url, prepared).then(judge);
  };
  const result = await closedLoop({ ...loop, once });
  agent.destroy();
  return { ...result, cpuMs: (cpuMilliseconds(pid) - cpuBefore) / Math.max(result.ok, 1) };
}

export interface LoopOptions {
  /** "ok", or what went wrong; undefined when there is nothing left to do. */
  readonly once: () => Promise<string> | undefined;
  readonly concurrency: number;
  readonly seconds: number;
  /** Before each of them passes a random time below this. */
  readonly pauseMs?: number | undefined;
}

/** So many workers, each of which does one after the other. The CPU time is not measured. */
export async function closedLoop(options: LoopOptions): Promise<LoadResult> {
  const { once, concurrency, seconds, pauseMs = 0 } = options;
  const latencies: number[] = [];
  const failed: Record<string, number> = {};
  let ok = 0;
  const began = performance.now();
  const until = began + seconds * 1000;
  const worker = async () => {
    while (performance.now() < until) {
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, Math.random() * pauseMs));
      const sent = performance.now();
      const doing = once();
      if (!doing) return;
      const verdict = await doing.catch((error: unknown) =>
        String((error as { code?: string }).code ?? error),
      );
      latencies.push(performance.now() - sent);
      if (verdict === 'ok') ok++;
      else failed[verdict] = (failed[verdict] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const lasted = (performance.now() - began) / 1000;
  latencies.sort((a, b) => a - b);
  return {
    ok,
    failed,
    perSecond: ok / lasted,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    cpuMs: Number.NaN,
  };
}

export function send(agent: Agent, url: string, { path, method, headers, body }: Prepared): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const length = body ? { 'content-length': String(body.length) } : {};
    const outgoing = request(
      url + path,
      { agent, method, headers: { ...headers, ...length }, timeout: ANSWER_TIMEOUT_MS },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
        );
        response.on('error', reject);
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('timeout')));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** User and system CPU time of a process so far, from /proc (Linux; 10 ms steps). */
export function cpuMilliseconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return Number.NaN;
  }
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}
