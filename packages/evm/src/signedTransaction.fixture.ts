import { baseSepolia } from '@agentpay/primitives';
import { privateKeyToAccount } from 'viem/accounts';

export const account = privateKeyToAccount(`0x${'42'.repeat(32)}`);

/** The first transaction of the account, which gives it nothing, as a node takes it. */
export const signedTransaction = () =>
  account.signTransaction({
    type: 'eip1559',
    chainId: baseSepolia.chainId,
    nonce: 0,
    to: account.address,
    gas: 21_000n,
    maxFeePerGas: 2n,
    maxPriorityFeePerGas: 1n,
  });
