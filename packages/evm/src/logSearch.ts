import type { Address, Hex } from '@agentpay/protocol';
import { HttpRequestError, type PublicClient } from 'viem';
import type { Block } from './Chain.js';
import { refusalIn } from './NodeRefusal.js';

/** Clocks of ours may be ahead of the chain's by so many seconds. */
const CLOCK_SLACK = 120n;
/** The first guess at how far back the start of a search is, in blocks; it is doubled until it is far enough. */
const FIRST_DISTANCE = 16n;
/** Ranges of one search. */
const MOST_RANGES = 1_000;

/** Logs to look for. */
export interface LogQuery {
  readonly address: Address;
  readonly topics: readonly (Hex | readonly Hex[] | null)[];
  /** Seconds since the Unix epoch before which there are none; undefined: as far back as is searched at all. */
  readonly since?: bigint | undefined;
  /** The first one is enough. */
  readonly one?: boolean;
}

interface FoundLog {
  readonly transactionHash: Hex;
}

/**
 * Looks for logs in recent blocks of a node; gives the hashes of their transactions, oldest first. A range that the node refuses is
 * halved, and no wider one is asked for from then on: public nodes allow 10 to 10,000 blocks.
 */
export function logSearch(
  client: PublicClient,
  furthest: bigint,
): (query: LogQuery) => Promise<readonly Hex[]> {
  let width = furthest + 1n;

  const blockAt = async (blockNumber?: bigint): Promise<Block> =>
    client.getBlock(blockNumber === undefined ? { blockTag: 'latest' } : { blockNumber });

  async function startOf(since: bigint | undefined, latest: Block): Promise<bigint> {
    const first = latest.number > furthest ? latest.number - furthest : 0n;
    if (since === undefined) return first;
    for (let distance = FIRST_DISTANCE; latest.number - distance > first; distance *= 2n) {
      const { number, timestamp } = await blockAt(latest.number - distance);
      if (timestamp + CLOCK_SLACK < since) return number;
    }
    return first;
  }

  function ask({ address, topics }: LogQuery, fromBlock: bigint, toBlock: bigint): Promise<FoundLog[]> {
    const range = { fromBlock: hexBlock(fromBlock), toBlock: hexBlock(toBlock) };
    return client.request({
      method: 'eth_getLogs',
      params: [{ address, topics, ...range }] as never,
    }) as Promise<FoundLog[]>;
  }

  /** Logs from a block on, in the widest range that the node takes; with the block after it. */
  async function askFrom(query: LogQuery, from: bigint, latest: bigint) {
    for (let size = width; ;) {
      const to = min(from + size - 1n, latest);
      try {
        const logs = await ask(query, from, to);
        if (size < width) width = size;
        return { logs, next: to + 1n };
      } catch (error) {
        const asked = to - from + 1n;
        if (asked === 1n || !isForRange(error)) throw error;
        size = (asked + 1n) / 2n;
      }
    }
  }

  return async (query) => {
    const latest = await blockAt();
    const found: Hex[] = [];
    let from = await startOf(query.since, latest);
    for (let ranges = 0; from <= latest.number && ranges < MOST_RANGES; ranges++) {
      const { logs, next } = await askFrom(query, from, latest.number);
      found.push(...logs.map(({ transactionHash }) => transactionHash));
      if (query.one && found.length > 0) break;
      from = next;
    }
    return found;
  };
}

/** Whether fewer blocks may be looked through. */
function isForRange(error: unknown): boolean {
  const refusal = refusalIn(error);
  if (refusal) return refusal.isForRange;
  const { status } = (error ?? {}) as { status?: unknown };
  return error instanceof HttpRequestError && (status === 400 || status === 413);
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function hexBlock(number: bigint): Hex {
  return `0x${number.toString(16)}`;
}
