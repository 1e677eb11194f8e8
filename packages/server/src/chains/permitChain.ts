import type { custody } from '@agentpay/core';
import {
  isPermitNonceUsed,
  permitNonceCall,
  permitNonceInvalidated,
  permitNonceInvalidations,
  provesProxyPayment,
  settledPermit,
  tokenNonceCall,
  TRANSFER,
  word,
  type Chain,
  type FoundTransaction,
  type TransactionReceipt,
} from '@agentpay/evm';
import { sameHex, type Address, type Permit2Authorization } from '@agentpay/protocol';

/** What purchases by Permit2 ask a chain about; see `paymentChain`. */
export function permitChain({
  asset,
  chain,
  confirmations,
}: {
  asset: Address;
  chain: Chain;
  confirmations: number;
}): custody.PermitChain {
  return {
    async nextNonce(account) {
      const [nonce] = await chain.read([tokenNonceCall(asset, account)]);
      if (!nonce?.success || nonce.data === '0x') throw new Error(`The token at ${asset} takes no permits.`);
      return BigInt(nonce.data);
    },
    async fateOf(permit, hint) {
      const { from, nonce } = permit;
      // The block first: what is unused after a block past its end can never be used.
      const head = await chain.block();
      const [word] = await chain.read([permitNonceCall(from, nonce)]);
      const used = word && isPermitNonceUsed(word, nonce);
      if (used === undefined) return undefined;
      if (!used) return { use: 'unused', at: head.timestamp };
      const proof = await findUse(chain, permit, hint);
      const isDeep = proof && head.number - proof.receipt.blockNumber + 1n >= BigInt(confirmations);
      return isDeep ? { use: proof.use, transaction: proof.receipt.hash } : undefined;
    },
  };
}

/** What used a nonce that is known to be used; undefined while nothing shows it. */
async function findUse(
  chain: Chain,
  permit: Permit2Authorization,
  hint: string | undefined,
): Promise<{ use: 'payment' | 'other'; receipt: TransactionReceipt } | undefined> {
  const { from, permitted, spender: proxy, nonce, witness } = permit;
  const { to, validAfter: since } = witness;
  const { token, amount } = permitted;
  const topics = [TRANSFER, word(from), word(to)];
  const payments = (await chain.transactionsWith({ address: token, topics, since })).filter(({ receipt }) =>
    provesProxyPayment(receipt.logs, { proxy, token, from, to, amount }),
  );
  const paid = payments.find((found) => isOf(permit, found));
  if (paid) return { use: 'payment', receipt: paid.receipt };
  const invalidations = await chain.transactionsWith({ ...permitNonceInvalidations(from), since });
  const invalidated = invalidations.find(({ receipt }) => permitNonceInvalidated(receipt.logs, from, nonce));
  if (invalidated) return { use: 'other', receipt: invalidated.receipt };
  const unnamed = through(payments, hint);
  return unnamed && { use: 'payment', receipt: unnamed.receipt };
}

/** Whether a transaction is the call of the proxy with this very permit. */
function isOf({ from, nonce }: Permit2Authorization, { call }: FoundTransaction): boolean {
  const settled = settledPermit(call);
  return settled !== undefined && sameHex(settled.owner, from) && settled.nonce === nonce;
}

/**
 * A payment that was brought to the chain through another contract does not name its nonce. That the nonce is used proves the payment all
 * the same, as it is signed for nothing else; which of several equal ones it was is what the seller says, or not known.
 */
function through(payments: readonly FoundTransaction[], hint = ''): FoundTransaction | undefined {
  const unnamed = payments.filter(({ call }) => settledPermit(call) === undefined);
  return unnamed.find(({ receipt }) => sameHex(receipt.hash, hint)) ?? unnamed[0];
}
