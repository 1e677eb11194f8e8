import type { Clock } from '@agentpay/primitives';
import { ChainError, isResponse, type Chain } from './Chain.js';

export interface FailoverOptions {
  readonly clock: Clock;
  /** What every node must say; one that says otherwise is never asked again. */
  readonly chainId: number;
  /** Milliseconds in which a node that did not respond is passed over. Default 5 000. */
  readonly restMs?: number;
  /** Hears of nodes that did not respond. */
  readonly onError?: (error: unknown) => void;
}

interface Node {
  readonly chain: Chain;
  /** Passed over until then, ms. */
  restsUntil: number;
  /** The same for single methods: a node that cannot do one may do the others. */
  readonly methodsRestUntil: Map<string, number>;
  isProved: boolean;
}

/**
 * Several RPC nodes as one: the first that answers does, in the order given. A revert is a response, and so is what a node says of a
 * transaction; silence, a limit, an unknown method or a fault of the node are none, and the next node is asked. A transaction travels as
 * the same signed bytes wherever it is sent, so that a second broadcast cannot be a second payment.
 * @example
 * const nodes = [viemChain({ rpcUrl: first }), viemChain({ rpcUrl: second })] as const;
 * const chain = failoverChain(nodes, { clock: systemClock, chainId: baseSepolia.chainId });
 */
export function failoverChain(chains: readonly [Chain, ...Chain[]], options: FailoverOptions): Chain {
  const [only] = chains;
  if (chains.length === 1) return only;
  const { clock, chainId, restMs = 5_000, onError } = options;
  const nodes = chains.map((chain): Node => ({
    chain,
    restsUntil: 0,
    methodsRestUntil: new Map(),
    isProved: false,
  }));

  async function prove(node: Node): Promise<void> {
    if (node.isProved) return;
    const actual = await node.chain.chainId();
    node.isProved = actual === chainId;
    if (node.isProved) return;
    node.restsUntil = Infinity;
    throw new ChainError('unreachable', `A node is on chain ${actual}, not on ${chainId}.`);
  }

  const isAwake = ({ restsUntil, methodsRestUntil }: Node, method: string) =>
    Math.max(restsUntil, methodsRestUntil.get(method) ?? 0) <= clock.now();

  function rest(node: Node, method: string, error: ChainError): void {
    const until = clock.now() + restMs;
    if (error.kind === 'declined') node.methodsRestUntil.set(method, until);
    else node.restsUntil = Math.max(node.restsUntil, until);
  }

  async function ask(method: keyof Chain, args: readonly unknown[]): Promise<unknown> {
    const awake = nodes.filter((node) => isAwake(node, method));
    const others = nodes.filter((node) => node.restsUntil !== Infinity && !awake.includes(node));
    let last: unknown = new ChainError('unreachable', `No node is on chain ${chainId}.`);
    // Those that rest come last: a wrong guess must not make the chain unreachable.
    for (const node of [...awake, ...others]) {
      try {
        await prove(node);
        return await (node.chain[method] as Method)(...args);
      } catch (error) {
        if (!(error instanceof ChainError) || isResponse(error)) throw error;
        rest(node, method, error);
        onError?.(error);
        last = error;
      }
    }
    throw last;
  }

  const names = Object.keys(only) as (keyof Chain)[];
  return Object.fromEntries(
    names.map((name) => [name, (...args: unknown[]) => ask(name, args)]),
  ) as unknown as Chain;
}

type Method = (...args: unknown[]) => Promise<unknown>;
