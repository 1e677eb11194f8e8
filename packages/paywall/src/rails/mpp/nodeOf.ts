import type { PaywallConfig } from '../../seller/PaywallConfig.js';
import type { PaymentOption, Transfers } from '../../seller/PaymentOption.js';
import { chainNode, type ChainNode } from './ChainNode.js';

const nodes = new WeakMap<Transfers, ChainNode>();

/** The RPC node by which transfers of an option are watched, opened when the first one comes. */
export function nodeOf(
  transfers: Transfers,
  { network: { chainId } }: Pick<PaymentOption, 'network'>,
  { clock, fetch = globalThis.fetch, report }: PaywallConfig,
): ChainNode {
  const { rpcUrl } = transfers;
  const node = nodes.get(transfers) ?? chainNode({ rpcUrl, chainId, clock, fetch, report });
  nodes.set(transfers, node);
  return node;
}
