import { fileURLToPath } from 'node:url';
import { baseSepolia } from '@agentpay/primitives';
import {
  authorizationTypedData,
  fromAuthorization,
  type FacilitatorRequest,
  type Hex,
} from '@agentpay/protocol';
import type { LocalChain } from '@agentpay/dev';
import { spawnNode } from '@agentpay/testing';
import { createPublicClient, http, parseAbi } from 'viem';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import { bundled } from './bundled.js';

const BIN = fileURLToPath(new URL('../../../packages/facilitator/dist/bin.js', import.meta.url));

/** A process that runs `agentpay-facilitator`. */
export interface FacilitatorNode {
  settle(request: FacilitatorRequest): Promise<SettleReply>;
  post(path: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> }>;
  /** SIGKILL; resolves when the process has ended. */
  kill(): Promise<void>;
  /** SIGTERM; gives the exit code. */
  stop(): Promise<number | null>;
}

export interface SettleReply {
  readonly success: boolean;
  readonly transaction: string;
  readonly errorReason?: string;
}

export async function startFacilitator(env: Record<string, string>): Promise<FacilitatorNode> {
  const node = spawnNode(await bundled(BIN), {
    env: { PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'error', DATABASE_URL: '', ...env },
  });
  const [, url] = await node.line(/^facilitator on (http:\S+) for /);
  const post = async (path: string, body: unknown) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: text,
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return {
    post,
    settle: async (request) => (await post('/settle', request)).body as unknown as SettleReply,
    kill: () => node.kill(),
    async stop() {
      await node.kill('SIGTERM');
      return (await node.ended).code;
    },
  };
}

export const newAccount = (): PrivateKeyAccount => privateKeyToAccount(generatePrivateKey());

/** A signed x402 v2 payment of a cent, as a facilitator gets it. */
export async function paymentOf(account: PrivateKeyAccount, payTo: Hex): Promise<FacilitatorRequest> {
  const { usdc, id, chainId } = baseSepolia;
  const validBefore = BigInt(Math.floor(Date.now() / 1000)) + 300n;
  const authorization = {
    from: account.address,
    to: payTo,
    value: 10_000n,
    validAfter: 0n,
    validBefore,
    nonce: generatePrivateKey(),
  };
  const domain = { ...usdc.eip712, chainId, verifyingContract: usdc.address };
  const payload = {
    signature: await account.signTypedData(authorizationTypedData(domain, authorization)),
    authorization: fromAuthorization(authorization),
  };
  const token = { asset: usdc.address, extra: { ...usdc.eip712 } };
  const terms = { scheme: 'exact', network: id, amount: '10000', payTo, maxTimeoutSeconds: 300, ...token };
  return {
    x402Version: 2,
    paymentPayload: { x402Version: 2, accepted: terms, payload },
    paymentRequirements: terms,
  };
}

/** What the chain holds: test USDC of an account, and its transactions in blocks or, with `pending`, also in the pool. */
export function readChain(chain: LocalChain): {
  usdc(account: Hex): Promise<bigint>;
  nonce(account: Hex, blockTag?: 'latest' | 'pending'): Promise<number>;
} {
  const client = createPublicClient({ transport: http(chain.rpcUrl) });
  const abi = parseAbi(['function balanceOf(address) view returns (uint256)']);
  return {
    usdc: (account) =>
      client.readContract({
        address: baseSepolia.usdc.address,
        abi,
        functionName: 'balanceOf',
        args: [account],
      }),
    nonce: (address, blockTag = 'latest') => client.getTransactionCount({ address, blockTag }),
  };
}
