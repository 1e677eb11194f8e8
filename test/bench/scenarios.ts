import { baseSepolia } from '@agentpay/primitives';
import { openBed, script, type Bed, type Measured } from './bed.js';
import { load, median, type Answer, type LoadResult, type Prepared } from './load.js';
import { AMOUNT, facilitatorRequests } from './payments.js';
import { figure, markdownTable } from './table.js';

const ROUNDS = 3;
const peer = script('test/dist/bench/peer.js');
const facilitatorBin = script('packages/facilitator/dist/bin.js');
const sellerMain = script('examples/paid-api/dist/main.js');

interface Target {
  readonly name: string;
  readonly server: Measured;
  readonly path: string;
  readonly status: number;
}

/** Unpaid request -> 402, next to a bare Express route. */
export async function challenge(): Promise<string> {
  const bed = await openBed(1);
  try {
    const facilitator = await ownFacilitator(bed);
    const env = { PAY_TO: bed.payTo, FACILITATOR_URL: facilitator.url, RPC_URL: bed.rpcUrl };
    const targets: Target[] = [
      { name: 'bare Express 5, 200', server: await bed.start(peer, ['bare-express'], env), path: '/weather', status: 200 },
      { name: '@x402/express (v2)', server: await bed.start(peer, ['x402-express'], env), path: '/weather', status: 402 },
      { name: 'x402-express (v1)', server: await bed.start(peer, ['x402-express-v1'], env), path: '/weather', status: 402 },
      { name: 'mppx (MPP + v2)', server: await bed.start(peer, ['mppx-express'], env), path: '/weather', status: 402 },
      { name: 'AgentPay (v2 + v1 + MPP)', server: await bed.start(sellerMain, [], env), path: '/paid', status: 402 },
    ];
    const results = await rounds(targets, ({ server, path, status }) => {
      const request: Prepared = { path, method: 'GET', headers: { accept: 'application/json' } };
      return load({ ...server, next: () => request, concurrency: 32, seconds: 3, judge: expectStatus(status) });
    });
    const bare = results[0]?.perSecond ?? Number.NaN;
    const rows = targets.map(({ name }, i) => {
      const result = results[i] as LoadResult;
      return [
        name,
        figure(result.perSecond),
        figure(result.perSecond / bare, 2),
        figure(result.p50, 2),
        figure(result.cpuMs * 1000),
        failures(result),
      ];
    });
    return markdownTable(['unpaid -> 402, c=32', 'req/s', 'of bare', 'p50 ms', 'CPU us/req', 'failed'], rows);
  } finally {
    await bed.close();
  }
}

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

function ownFacilitator(bed: Bed): Promise<Measured> {
  return bed
    .facilitatorKey()
    .then((key) =>
      bed.start(facilitatorBin, [], { SIGNER_KEYS: key, RPC_URL: bed.rpcUrl, NETWORKS: baseSepolia.name, DATA_DIR: bed.folder() }),
    );
}

/** Interleaved rounds (A B, A B, …), so that a slow minute hits everybody; the median round of each target. */
async function rounds<T>(targets: readonly T[], run: (target: T) => Promise<LoadResult>): Promise<LoadResult[]> {
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

function failures({ failed }: LoadResult): string {
  const kinds = Object.entries(failed).map(([kind, count]) => `${kind}: ${count}`);
  return kinds.join(', ') || '0';
}

function expectStatus(expected: number) {
  return ({ status }: Answer) => (status === expected ? 'ok' : `HTTP ${status}`);
}

function expectTrue(member: 'isValid' | 'success') {
  return ({ status, body }: Answer) => {
    if (body.includes(`"${member}":true`)) return 'ok';
    return /"(?:invalidReason|errorReason)":"([^"]+)"/.exec(body)?.[1] ?? `HTTP ${status}`;
  };
}
