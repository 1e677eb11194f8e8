import { startLocalChain } from '@agentpay/dev';
import { baseSepolia } from '@agentpay/primitives';
import type { Artifact } from '@agentpay/solidity';
import {
  BaseError,
  ContractFunctionRevertedError,
  createPublicClient,
  createWalletClient,
  http,
  parseAbi,
  type Abi,
  type Account,
  type Address,
  type Hex,
  type TransactionReceipt,
} from 'viem';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';

/** A call of a contract by an account. */
export interface ContractCall {
  readonly account: Account | Address;
  readonly address: Address;
  readonly abi: Abi;
  readonly functionName: string;
  readonly args: readonly unknown[];
}

/** A local chain with accounts that call contracts on it. */
export interface ContractBed {
  readonly rpcUrl: string;
  /** Accounts of the node, with ether. */
  readonly facilitator: Address;
  readonly stranger: Address;
  /** A new account with a little ether and so much test USDC (base units). */
  payer(usdc: bigint): Promise<PrivateKeyAccount>;
  fund(address: Address, usdc: bigint): Promise<void>;
  /** Sends the call. @throws Error when it reverts */
  send(call: ContractCall): Promise<TransactionReceipt>;
  /** Sends data from the facilitator with so much gas, whether or not it will revert. */
  sendData(to: Address, data: Hex, gas: bigint): Promise<TransactionReceipt>;
  read(call: Omit<ContractCall, 'account'>): Promise<unknown>;
  /** The name of the error, or the sentence, with which the contract refuses. @throws Error when it does not */
  refusal(call: ContractCall): Promise<string | undefined>;
  deploy(artifact: Artifact): Promise<Address>;
  usdc(address: Address): Promise<bigint>;
  close(): Promise<void>;
}

export const usdcAbi = parseAbi([
  'function balanceOf(address) view returns (uint256)',
  'function nonces(address) view returns (uint256)',
  'function approve(address spender, uint256 amount) returns (bool)',
]);

export async function startContractBed(): Promise<ContractBed> {
  const chain = await startLocalChain({ blockTime: 0.1 });
  const transport = http(chain.rpcUrl);
  const client = createPublicClient({ transport, pollingInterval: 20 });
  const wallet = createWalletClient({ transport });
  const [facilitator, stranger] = (await wallet.getAddresses()) as [Address, Address];

  const mined = (hash: Hex) => client.waitForTransactionReceipt({ hash });

  return {
    rpcUrl: chain.rpcUrl,
    facilitator,
    stranger,
    async payer(usdc) {
      const account = privateKeyToAccount(generatePrivateKey());
      await chain.fund(account.address, { eth: 10n ** 18n, usdc });
      return account;
    },
    fund: (address, usdc) => chain.fund(address, { usdc }),
    async send(call) {
      const receipt = await mined(await wallet.writeContract({ ...call, chain: null }));
      if (receipt.status !== 'success')
        throw new Error(`${call.functionName} reverted in ${receipt.transactionHash}.`);
      return receipt;
    },
    sendData: async (to, data, gas) =>
      mined(await wallet.sendTransaction({ account: facilitator, to, data, gas, chain: null })),
    read: (call) => client.readContract(call),
    async refusal(call) {
      try {
        await client.simulateContract(call);
      } catch (error) {
        const revert =
          error instanceof BaseError && error.walk((cause) => cause instanceof ContractFunctionRevertedError);
        if (!(revert instanceof ContractFunctionRevertedError)) throw error;
        return revert.reason ?? revert.data?.errorName;
      }
      throw new Error(`${call.functionName} was not refused.`);
    },
    async deploy({ abi, bytecode }) {
      const { contractAddress } = await mined(
        await wallet.deployContract({ account: facilitator, abi: abi as Abi, bytecode, chain: null }),
      );
      return contractAddress as Address;
    },
    usdc: (address) =>
      client.readContract({
        address: baseSepolia.usdc.address,
        abi: usdcAbi,
        functionName: 'balanceOf',
        args: [address],
      }),
    close: () => chain.close(),
  };
}
