import type { Clock } from '@agentpay/primitives';
import { ChainError, type Chain } from './Chain.js';

export interface FailoverOptions {
  readonly clock: Clock;
  /** What every node must say; one that says otherwise is never asked again. */
  readonly chainId: number;
  /** Milliseconds in which a node that did not answer is passed over. Default 5 000. */
  readonly restMs?: number;
  /** Hears of nodes that did not answer. */
  readonly onError?: (error: unknown) => void;
}

interface Node {
  readonly chain: Chain;
  /** Passed over until then, ms. */
  restsUntil: number;
  isProved: boolean;
}

/**
 * Several nodes as one: the first that answers does, in the order given. Only silence makes it go on to the next; a node that says no has
 * answered. A transaction travels as the same signed bytes wherever it is handed over, so that a second hand-over cannot be a second
 * payment.
 */
export function failoverChain(chains: readonly [Chain, ...Chain[]], options: FailoverOptions): Chain {
  const [only] = chains;
  if (chains.length === 1) return only;
  const { clock, chainId, restMs = 5_000, onError } = options;
  const nodes = chains.map((chain): Node => ({ chain, restsUntil: 0, isProved: false }));

  async function prove(node: Node): Promise<void> {
    if (node.isProved) return;
    const actual = await node.chain.chainId();
    node.isProved = actual === chainId;
    if (node.isProved) return;
    node.restsUntil = Infinity;
    throw new ChainError('unreachable', `A node is on chain ${actual}, not on ${chainId}.`);
  }

  async function ask<T>(question: (chain: Chain) => Promise<T>): Promise<T> {
    const awake = nodes.filter(({ restsUntil }) => restsUntil <= clock.now());
    // When all rest, all that may be asked are: a wrong guess must not make the chain unreachable.
    const candidates = awake.length > 0 ? awake : nodes.filter(({ restsUntil }) => restsUntil !== Infinity);
    let last: unknown = new ChainError('unreachable', `No node is on chain ${chainId}.`);
    for (const node of candidates) {
      try {
        await prove(node);
        return await question(node.chain);
      } catch (error) {
        if (!(error instanceof ChainError) || error.kind !== 'unreachable') throw error;
        node.restsUntil = Math.max(node.restsUntil, clock.now() + restMs);
        onError?.(error);
        last = error;
      }
    }
    throw last;
  }

  type Method = (...args: unknown[]) => Promise<unknown>;
  const names = Object.keys(only) as (keyof Chain)[];
  const methods = names.map((name) => [
    name,
    (...args: unknown[]) => ask((chain) => (chain[name] as Method)(...args)),
  ]);
  return Object.fromEntries(methods) as Chain;
}
