import { baseSepolia } from '@agentpay/primitives';
import { script, type Bed, type Measured } from './bed.js';
import { median, type Reply, type LoadResult } from './load.js';

const ROUNDS = Number(process.env['ROUNDS'] ?? 3);
/** How long a round of payments may take. */
export const SECONDS = Number(process.env['SECONDS'] ?? 8);
export const peer = script('test/dist/bench/peer.js');
const facilitatorBin = script('packages/facilitator/dist/bin.js');
/** As its first line and its image start it. */
const FACILITATOR_FLAGS = ['--max-semi-space-size=32'];

/** The facilitator with its default configuration, but for the log of every request. `flags`: of Node. */
export async function ownFacilitator(
  bed: Bed,
  rpcUrl = bed.rpcUrl,
  flags: readonly string[] = [],
): Promise<Measured> {
  const own = { SIGNER_KEYS: await bed.facilitatorKey(), DATA_DIR: bed.folder(), LOG_LEVEL: 'warn' };
  const [first = facilitatorBin, ...rest] = [...FACILITATOR_FLAGS, ...flags, facilitatorBin];
  return bed.start(first, rest, { ...own, RPC_URL: rpcUrl, NETWORKS: baseSepolia.name });
}

/** Interleaved rounds (A B, A B, …), so that a slow minute hits everybody; the median round of each target. */
export async function rounds<T>(
  targets: readonly T[],
  run: (target: T) => Promise<LoadResult>,
): Promise<LoadResult[]> {
  const all: LoadResult[][] = targets.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, target] of targets.entries()) all[i]?.push(await run(target));
  }
  return all.map((results) => {
    const middle = median(results.map(({ perSecond }) => perSecond));
    return results.find(({ perSecond }) => perSecond === middle) as LoadResult;
  });
}

export function failures({ failed }: LoadResult): string {
  const kinds = Object.entries(failed).map(([kind, count]) => `${kind}: ${count}`);
  return kinds.join(', ') || '0';
}

export function expectStatus(expected: number) {
  return ({ status }: Reply) => (status === expected ? 'ok' : `HTTP ${status}`);
}

export function expectTrue(member: 'isValid' | 'success') {
  return ({ status, body }: Reply) => {
    if (body.includes(`"${member}":true`)) return 'ok';
    return /"(?:invalidReason|errorReason)":"([^"]+)"/.exec(body)?.[1] ?? `HTTP ${status}`;
  };
}
