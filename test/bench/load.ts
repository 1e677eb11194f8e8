import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';

/** A request made ready beforehand, so that the generator costs little of what it measures. */
export interface Prepared {
  readonly path: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: Buffer;
}

export interface Answer {
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
  readonly judge: (answer: Answer) => string;
  /** Process whose CPU time is counted. */
  readonly pid: number;
}

const ANSWER_TIMEOUT_MS = 60_000;

/** A closed loop over keep-alive connections, bounded by time and by the supply of requests. */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: options.concurrency });
  const latencies: number[] = [];
  const failed: Record<string, number> = {};
  let ok = 0;
  const cpuBefore = cpuMilliseconds(options.pid);
  const began = performance.now();
  const until = began + options.seconds * 1000;
  const worker = async () => {
    for (let prepared = options.next(); prepared && performance.now() < until; prepared = options.next()) {
      const sent = performance.now();
      const verdict = await send(agent, options.url, prepared).then(options.judge, (error: unknown) =>
        String((error as { code?: string }).code ?? error),
      );
      latencies.push(performance.now() - sent);
      if (verdict === 'ok') ok++;
      else failed[verdict] = (failed[verdict] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, worker));
  const seconds = (performance.now() - began) / 1000;
  agent.destroy();
  latencies.sort((a, b) => a - b);
  return {
    ok,
    failed,
    perSecond: ok / seconds,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    cpuMs: (cpuMilliseconds(options.pid) - cpuBefore) / Math.max(ok, 1),
  };
}

export function send(agent: Agent, url: string, { path, method, headers, body }: Prepared): Promise<Answer> {
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
