import { systemClock } from '@agentpay/primitives';
import { hexToBytes } from '@agentpay/protocol';
import { ChainError, recoverAuthorizer, simulatedChain, viemChain } from '@agentpay/evm';
import { startLocalChain } from '@agentpay/dev';
import { testWallet } from '@agentpay/solidity';
import { chainCases, freePort } from '@agentpay/testing';
import { createPublicClient, createTestClient, createWalletClient, http, type Hex } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';

chainCases('simulated', async () => {
  const chain = simulatedChain(systemClock);
  return {
    chain,
    fund: async (account, usdc) => chain.mint(account, usdc),
    mine: () => chain.mine(),
    async openAccount(owner) {
      const account = privateKeyToAccount(generatePrivateKey()).address;
      chain.setAccount(account, (digest, signature) => {
        const signer = recoverAuthorizer(hexToBytes(digest), signature.slice(0, 132) as Hex);
        return signature.length === 134 && signer === owner.address;
      });
      return account;
    },
    close: async () => undefined,
  };
});

chainCases('anvil', async () => {
  // Blocks come only when asked for.
  const local = await startLocalChain({ blockTime: 100_000 });
  const transport = http(local.rpcUrl);
  const node = createTestClient({ mode: 'anvil', transport });
  const mine = () => node.mine({ blocks: 1 });
  const minedUntil = async <T>(work: Promise<T>): Promise<T> => {
    let done = false;
    void work.finally(() => (done = true)).catch(() => undefined);
    while (!done) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await mine();
    }
    return work;
  };
  return {
    chain: viemChain({ rpcUrl: local.rpcUrl }),
    fund: (account, usdc) => minedUntil(local.fund(account, { eth: 10n ** 18n, usdc })),
    mine,
    async openAccount(owner) {
      const wallet = createWalletClient({ transport });
      const [account] = (await wallet.getAddresses()) as [Hex];
      const { abi, bytecode } = testWallet;
      const hash = await wallet.deployContract({
        abi: abi as never,
        bytecode,
        args: [owner.address] as never,
        account,
        chain: null,
      });
      await mine();
      const { contractAddress } = await createPublicClient({ transport }).getTransactionReceipt({ hash });
      return contractAddress as Hex;
    },
    close: () => local.close(),
  };
});

describe('a node that is away', () => {
  it('is told apart from one that refuses', async () => {
    const chain = viemChain({ rpcUrl: `http://127.0.0.1:${await freePort()}`, timeoutMs: 500 });
    const failure = await chain.chainId().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ChainError);
    expect(failure).toMatchObject({ kind: 'unreachable' });
  });
});
