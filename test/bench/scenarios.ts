import { baseSepolia } from '@agentpay/primitives';
import { openBed, script, type Bed, type Measured } from './bed.js';
import { load, median, type Answer, type LoadResult } from './load.js';
import { AMOUNT, facilitatorRequests } from './payments.js';
import { figure, markdownTable } from './table.js';

const ROUNDS = 3;
export const peer = script('test/dist/bench/peer.js');
const facilitatorBin = script('packages/facilitator/dist/bin.js');

/** `/verify` of distinct payments. */
export async function verify(): Promise<string> {
  const bed = await openBed(0.2);
  try {
    const [official, own] = [await officialFacilitator(bed), await ownFacilitator(bed)];
    const requests = await facilitatorRequests('/verify', 400, bed.buyerKeys, bed.payTo);
    const rows: string[][] = [];
    for (const concurrency of [1, 16, 64]) {
      const results = await rounds([official, own], (server) => {
        let i = 0;
        return load({ ...server, next: () => requests[i++ % requests.length], concurrency, seconds: 3, judge: expectTrue('isValid') });
      });
      rows.push(...compare(concurrency, results));
    }
    return markdownTable(['/verify', 'c', 'ok/s', 'x peer', 'p50 ms', 'p99 ms', 'CPU ms/ok', 'failed'], rows);
  } finally {
    await bed.close();
  }
}

/** `/settle` of distinct payments with 0.2 s blocks; the payee's balance must have grown by what was acknowledged. */
export async function settle(): Promise<string> {
  const bed = await openBed(0.2);
  try {
    const [official, own] = [await officialFacilitator(bed), await ownFacilitator(bed)];
    const rows: string[][] = [];
    for (const concurrency of [1, 16, 64]) {
      const supply = await facilitatorRequests('/settle', concurrency * 30 * ROUNDS * 2, bed.buyerKeys, bed.payTo);
      const before = await bed.received();
      let acknowledged = 0;
      const results = await rounds([official, own], async (server) => {
        const share = supply.splice(0, concurrency * 30);
        const result = await load({ ...server, next: () => share.pop(), concurrency, seconds: 10, judge: expectTrue('success') });
        acknowledged += result.ok;
        return result;
      });
      const moved = ((await bed.received()) - before) / AMOUNT;
      rows.push(...compare(concurrency, results).map((row) => [...row, `${moved}/${acknowledged}`]));
    }
    return markdownTable(
      ['/settle, 0.2 s blocks', 'c', 'ok/s', 'x peer', 'p50 ms', 'p99 ms', 'CPU ms/ok', 'failed', 'on chain/ok (both)'],
      rows,
    );
  } finally {
    await bed.close();
  }
}

function officialFacilitator(bed: Bed): Promise<Measured> {
  return bed.facilitatorKey().then((KEY) => bed.start(peer, ['x402-facilitator'], { KEY, RPC_URL: bed.rpcUrl }));
}

export function ownFacilitator(bed: Bed): Promise<Measured> {
  return bed
    .facilitatorKey()
    .then((key) =>
      bed.start(facilitatorBin, [], { SIGNER_KEYS: key, RPC_URL: bed.rpcUrl, NETWORKS: baseSepolia.name, DATA_DIR: bed.folder() }),
    );
}

/** Interleaved rounds (A B, A B, …), so that a slow minute hits everybody; the median round of each target. */
export async function rounds<T>(targets: readonly T[], run: (target: T) => Promise<LoadResult>): Promise<LoadResult[]> {
  const all: LoadResult[][] = targets.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, target] of targets.entries()) all[i]?.push(await run(target));
  }
  return all.map((results) => {
    const middle = median(results.map(({ perSecond }) => perSecond));
    return results.find(({ perSecond }) => perSecond === middle) as LoadResult;
  });
}

function compare(concurrency: number, [official, own]: readonly LoadResult[]): string[][] {
  return (
    [
      ['@x402/core + @x402/evm', official],
      ['AgentPay', own],
    ] as [string, LoadResult][]
  ).map(([name, result]) => [
    name,
    String(concurrency),
    figure(result.perSecond, 1),
    figure(result.perSecond / (official?.perSecond ?? Number.NaN), 2),
    figure(result.p50, 1),
    figure(result.p99, 1),
    figure(result.cpuMs, 2),
    failures(result),
  ]);
}

export function failures({ failed }: LoadResult): string {
  const kinds = Object.entries(failed).map(([kind, count]) => `${kind}: ${count}`);
  return kinds.join(', ') || '0';
}

export function expectStatus(expected: number) {
  return ({ status }: Answer) => (status === expected ? 'ok' : `HTTP ${status}`);
}

function expectTrue(member: 'isValid' | 'success') {
  return ({ status, body }: Answer) => {
    if (body.includes(`"${member}":true`)) return 'ok';
    return /"(?:invalidReason|errorReason)":"([^"]+)"/.exec(body)?.[1] ?? `HTTP ${status}`;
  };
}
