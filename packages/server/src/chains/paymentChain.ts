import type { custody } from '@agentpay/core';
import { authorizationStateCall, balanceCall, type Chain, type TransactionReceipt } from '@agentpay/evm';
import type { PaymentNetwork } from '@agentpay/primitives';
import { authorizationUseIn, type Authorization, type Hex } from '@agentpay/protocol';
import { permitChain } from './permitChain.js';

/**
 * A chain as purchases look at it.
 * @param options.confirmations blocks that a transaction must have, its own included, to count
 */
export function paymentChain({
  network,
  chain,
  confirmations,
}: {
  network: PaymentNetwork;
  chain: Chain;
  confirmations: number;
}): custody.PaymentChain {
  const { address: asset } = network.asset;

  /** @param head number of the latest block; what stands in a block has one confirmation whatever that is */
  function useIn(receipt: TransactionReceipt | undefined, authorization: Authorization, head: bigint) {
    if (!receipt?.success) return undefined;
    if (confirmations > 1 && head - receipt.blockNumber + 1n < BigInt(confirmations)) return undefined;
    const use = authorizationUseIn(receipt.logs, asset, authorization);
    return use && { use, transaction: receipt.hash };
  }

  const byPermit = network.asset.transfer === 'permit2';
  return {
    network,
    ...(byPermit && { permits: permitChain({ asset, chain, confirmations }) }),
    async balanceOf(account) {
      const [balance] = await chain.read([balanceCall(asset, account)]);
      if (!balance?.success || balance.data === '0x')
        throw new Error(`${network.asset.symbol} on ${network.name} tells no balance.`);
      return BigInt(balance.data);
    },
    async fateOf(authorization, hint) {
      const { from, nonce, validAfter } = authorization;
      if (hint !== undefined && isHash(hint)) {
        const deep = confirmations > 1 ? chain.block() : undefined;
        const [[receipt], latest] = await Promise.all([chain.receipts([hint]), deep]);
        const named = useIn(receipt, authorization, latest?.number ?? 0n);
        if (named) return named;
      }
      // The block before the state: what is unused after a block past its end can never be used.
      const head = await chain.block();
      const [state] = await chain.read([authorizationStateCall(asset, from, nonce)]);
      if (!state?.success || state.data === '0x') return undefined;
      if (BigInt(state.data) === 0n) return { use: 'unused', at: head.timestamp };
      return useIn(await chain.authorizationUse(asset, from, nonce, validAfter), authorization, head.number);
    },
  };
}

function isHash(text: string): text is Hex {
  return /^0x[0-9a-fA-F]{64}$/.test(text);
}
