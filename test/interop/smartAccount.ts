import { baseSepolia } from '@agentpay/primitives';
import { wrapSignature } from '@agentpay/protocol';
import { smartWalletFactory, testUsdc } from '@agentpay/solidity';
import { wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import { ExactEvmScheme } from '@x402/evm';
import {
  createPublicClient,
  createWalletClient,
  encodeFunctionData,
  hashTypedData,
  http,
  type Abi,
  type Address,
  type Hex,
} from 'viem';
import { fromX402, type Bought } from './peerClients.js';
import type { InteropStack } from './stack.js';

/** The buyer's smart account: it holds test USDC, and does not exist before its first payment. */
export interface SmartAccount {
  readonly address: Address;
  readonly factory: Address;
  isDeployed(): Promise<boolean>;
  /** Buys with the official client. */
  buy(url: string): Promise<Bought>;
}

export async function planSmartAccount({ rpcUrl, buyer }: InteropStack): Promise<SmartAccount> {
  const transport = http(rpcUrl);
  const client = createPublicClient({ transport, pollingInterval: 50 });
  const node = createWalletClient({ transport });
  const [account] = (await node.getAddresses()) as [Address];
  const mined = (hash: Hex) => client.waitForTransactionReceipt({ hash });

  const abi = smartWalletFactory.abi as Abi;
  const deployed = await mined(
    await node.deployContract({ account, abi, bytecode: smartWalletFactory.bytecode, chain: null }),
  );
  const factory = deployed.contractAddress as Address;
  const args = [buyer.address, 0n];
  const address = (await client.readContract({
    address: factory,
    abi,
    functionName: 'getAddress',
    args,
  })) as Address;
  const mint = {
    address: baseSepolia.usdc.address,
    abi: testUsdc.abi as Abi,
    functionName: 'mint',
    args: [address, 1_000_000n],
  };
  await mined(await node.writeContract({ ...mint, account, chain: null }));

  const data = encodeFunctionData({ abi, functionName: 'createAccount', args });
  const signer = {
    address,
    async signTypedData(message: Record<string, unknown>): Promise<Hex> {
      const hash = hashTypedData(message as unknown as Parameters<typeof hashTypedData>[0]);
      return wrapSignature({ factory, data }, `${await buyer.sign({ hash })}01`);
    },
  };
  const pay = wrapFetchWithPaymentFromConfig(fetch, {
    schemes: [{ network: 'eip155:*', client: new ExactEvmScheme(signer) }],
  });
  return {
    address,
    factory,
    isDeployed: async () => (await client.getCode({ address })) !== undefined,
    buy: async (url) => fromX402(await pay(url)),
  };
}
