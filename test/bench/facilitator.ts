import { createPublicClient, http, type Hex } from 'viem';
import { openBed, script, type Bed, type Measured } from './bed.js';
import { load, median, type Reply, type LoadResult } from './load.js';
import { AMOUNT, facilitatorRequests } from './payments.js';
import { startRpcCounter } from './rpcCounter.js';
import { expectTrue, failures, ownFacilitator, peer, rounds } from './scenarios.js';
import { figure, markdownTable } from './table.js';

/** A facilitator under measurement, and its twin behind a counter of RPC requests. */
interface Target {
  readonly name: string;
  readonly server: Measured;
  readonly counted: Measured;
  /** How many payments at once it is asked to settle; the peers that lose most of them are not asked for more. */
  readonly widths: readonly number[];
}

interface Counts {
  readonly requests: number;
  readonly calls: number;
}

const OWN = 'AgentPay';
const TUNED = '@x402, nonceManager, 50 ms poll';
const peers = [
  { name: '@x402, as in its example', script: 'x402-facilitator-example', widths: [64] },
  { name: '@x402, nonceManager', script: 'x402-facilitator-nonces', widths: [64] },
  { name: TUNED, script: 'x402-facilitator', widths: [1, 64, 512] },
];

/** `/verify` of distinct payments. */
export async function verify(): Promise<string> {
  const bed = await openBed(0.2);
  const counter = await startRpcCounter(bed.rpcUrl);
  try {
    const targets = await startTargets(bed, counter.url, peers.slice(0, 1));
    const fallback = (rpcUrl?: string) =>
      ownFacilitator(bed, rpcUrl, ['--import', script('test/dist/bench/withoutAddon.js')]);
    targets.push({
      name: `${OWN}, no native addon`,
      widths: [],
      server: await fallback(),
      counted: await fallback(counter.url),
    });
    const requests = facilitatorRequests('/verify', 4_000, bed.buyerKeys, bed.payTo);
    const rows: string[][] = [];
    for (const concurrency of [1, 16, 64]) {
      const run = (server: Measured, seconds: number) => {
        let i = 0;
        return load({
          ...server,
          next: () => requests[i++ % requests.length],
          concurrency,
          seconds,
          judge: expectTrue('isValid'),
        });
      };
      const results = await rounds(targets, ({ server }) => run(server, 3));
      for (const [i, { name, counted }] of targets.entries()) {
        counter.take();
        const { ok } = await run(counted, 1);
        rows.push([
          ...row(name, concurrency, results[i] as LoadResult, results[0]),
          ...perPayment(counter.take(), ok),
        ]);
      }
    }
    return markdownTable([...header('/verify', 'stock peer'), 'RPC requests/ok', 'RPC calls/ok'], rows);
  } finally {
    counter.close();
    await bed.close();
  }
}

/** `/settle` of distinct payments with 0.2 s blocks; the payee's balance must have grown by what was acknowledged. */
export async function settle(): Promise<string> {
  const bed = await openBed(0.2);
  const counter = await startRpcCounter(bed.rpcUrl);
  try {
    const targets = await startTargets(bed, counter.url, peers);
    const rows: string[][] = [];
    for (const concurrency of [1, 64, 512]) {
      const here = targets.filter(({ widths }) => widths.includes(concurrency));
      const runs = new Map(here.map((target) => [target.name, [] as Settled[]]));
      const results = await rounds(here, async ({ name, server }) => {
        const settled = await settleRound(bed, server, concurrency, name === OWN);
        runs.get(name)?.push(settled);
        return settled.result;
      });
      const tuned = results[here.findIndex(({ name }) => name === TUNED)];
      for (const [i, { name, counted }] of here.entries()) {
        counter.take();
        const { result } = await settleRound(bed, counted, concurrency, name === OWN);
        const counts = perPayment(counter.take(), result.ok);
        rows.push([
          ...row(name, concurrency, results[i] as LoadResult, tuned),
          ...counts,
          ...chainSide(runs.get(name) ?? []),
        ]);
      }
    }
    const more = ['RPC requests/ok', 'RPC calls/ok', 'gas/ok', 'on chain/ok'];
    return markdownTable([...header('/settle, 0.2 s blocks', 'tuned peer'), ...more], rows);
  } finally {
    counter.close();
    await bed.close();
  }
}

interface Settled {
  readonly result: LoadResult;
  readonly moved: bigint;
  readonly gas: bigint;
}

async function settleRound(bed: Bed, server: Measured, concurrency: number, own: boolean): Promise<Settled> {
  // Enough for about four seconds at the rates seen, so that it is the clock or the supply that ends a round, and never a thin tail.
  const supply = facilitatorRequests(
    '/settle',
    Math.min(concurrency * 24, own ? 16_000 : 1_200),
    bed.buyerKeys,
    bed.payTo,
  );
  const before = await bed.received();
  const hashes = new Set<Hex>();
  const verdict = expectTrue('success');
  const judge = (answer: Reply) => {
    const hash = /"transaction":"(0x[0-9a-f]{64})"/.exec(answer.body)?.[1];
    if (hash) hashes.add(hash as Hex);
    return verdict(answer);
  };
  const result = await load({ ...server, next: () => supply.pop(), concurrency, seconds: 8, judge });
  return {
    result,
    moved: ((await bed.received()) - before) / AMOUNT,
    gas: await gasOf(bed.rpcUrl, [...hashes]),
  };
}

async function gasOf(rpcUrl: string, hashes: readonly Hex[]): Promise<bigint> {
  const client = createPublicClient({ transport: http(rpcUrl, { batch: { batchSize: 20 } }) });
  const receipts = await Promise.all(
    hashes.map((hash) => client.getTransactionReceipt({ hash }).catch(() => undefined)),
  );
  return receipts.reduce((sum, receipt) => sum + (receipt?.gasUsed ?? 0n), 0n);
}

async function startTargets(bed: Bed, counterUrl: string, wanted: typeof peers): Promise<Target[]> {
  const targets: Target[] = [];
  for (const { name, script, widths } of wanted) {
    const start = async (rpcUrl: string) =>
      bed.start(peer, [script], { KEY: await bed.facilitatorKey(), RPC_URL: rpcUrl });
    targets.push({ name, widths, server: await start(bed.rpcUrl), counted: await start(counterUrl) });
  }
  const own = { server: await ownFacilitator(bed), counted: await ownFacilitator(bed, counterUrl) };
  return [...targets, { name: OWN, widths: [1, 64, 512], ...own }];
}

function header(what: string, against: string): string[] {
  return [what, 'c', 'ok/s', `x ${against}`, 'p50 ms', 'p99 ms', 'CPU ms/ok', 'failed'];
}

function row(
  name: string,
  concurrency: number,
  result: LoadResult,
  against: LoadResult | undefined,
): string[] {
  return [
    name,
    String(concurrency),
    figure(result.perSecond, 1),
    figure(result.perSecond / (against?.perSecond ?? Number.NaN), 2),
    figure(result.p50, 1),
    figure(result.p99, 1),
    figure(result.cpuMs, 2),
    failures(result),
  ];
}

function perPayment({ requests, calls }: Counts, ok: number): string[] {
  return [requests, calls].map((count) => figure(count / ok, 3));
}

function chainSide(runs: readonly Settled[]): string[] {
  const ok = runs.reduce((sum, { result }) => sum + result.ok, 0);
  const moved = runs.reduce((sum, run) => sum + run.moved, 0n);
  const gas = median(runs.map((run) => Number(run.gas) / run.result.ok));
  return [figure(gas), `${moved}/${ok}`];
}
