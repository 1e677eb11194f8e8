import type { Core, custody } from '@agentpay/core';
import { baseSepolia, usdcOn, type PaymentNetwork } from '@agentpay/primitives';
import { toBase64, x402v2, type ExactPayload } from '@agentpay/protocol';
import { privateKeyToAccount } from 'viem/accounts';

const usdc = usdcOn(baseSepolia);
/** Another chain with another dollar. */
const other: PaymentNetwork = {
  ...usdc,
  id: 'eip155:31399',
  name: 'other-chain',
  title: 'Other Chain',
  chainId: 31_399,
  asset: {
    address: privateKeyToAccount(`0x${'5a'.repeat(32)}`).address,
    symbol: 'PYUSD',
    decimals: 6,
    eip712: { name: 'Other Dollar', version: '1' },
  },
};
export const networks = [usdc, other] as const;

/** Whom everybody pays. */
export const PAY_TO = privateKeyToAccount(`0x${'5b'.repeat(32)}`).address;
/** What every address has, in each asset. */
const FUNDS = 1_000_000_000n;

/** Two chains on paper, and a seller there that settles whatever it is sent, each authorization once. */
export interface PaperSale {
  readonly chains: readonly custody.PaymentChain[];
  readonly sellers: Core['ports']['sellers'];
  /** Where something is sold on a network for so much. */
  url(network: PaymentNetwork, amount: bigint): string;
  /** What an address has paid, in all assets together. */
  paidBy(payers: readonly string[]): bigint;
}

type Wire = ExactPayload['authorization'];

export function paperSale(): PaperSale {
  const settled = new Map<string, Wire & { readonly network: string }>();
  const paid = (payer: string, network?: string) =>
    [...settled.values()]
      .filter((one) => one.from === payer && (network === undefined || one.network === network))
      .reduce((sum, { value }) => sum + BigInt(value), 0n);

  function settle(proof: string): Record<string, string> {
    const { accepted, payload } = x402v2.decodePaymentPayload(proof);
    const authorization = payload['authorization'] as Wire;
    const { network } = accepted;
    settled.set(authorization.nonce, { ...authorization, network });
    const receipt = { success: true, transaction: authorization.nonce, network, payer: authorization.from };
    return { 'payment-response': x402v2.encodeSettleResponse(receipt) };
  }

  const answer = (url: string, status: number, headers: Record<string, string>) => ({
    status,
    headers,
    body: new Uint8Array(),
    url,
  });
  return {
    chains: networks.map((network) => ({
      network,
      balanceOf: async (account) => FUNDS - paid(account, network.id),
      fateOf: async ({ nonce, validAfter }) =>
        settled.has(nonce) ? { use: 'payment', transaction: nonce } : { use: 'unused', at: validAfter },
    })),
    sellers: {
      async fetchOut(url, request) {
        const proof = request?.headers?.['payment-signature'];
        if (proof !== undefined) return answer(url, 200, settle(proof));
        const [, chainId, amount] = new URL(url).pathname.split('/');
        const { id, asset } = networks.find((one) => String(one.chainId) === chainId) as PaymentNetwork;
        const offer = {
          scheme: 'exact',
          network: id,
          amount,
          asset: asset.address,
          payTo: PAY_TO,
          maxTimeoutSeconds: 60,
          extra: asset.eip712,
        };
        const demand = { x402Version: 2, resource: { url }, accepts: [offer] };
        return answer(url, 402, { 'payment-required': toBase64(demand) });
      },
    },
    url: ({ chainId }, amount) => `https://seller.test/${chainId}/${amount}`,
    paidBy: (payers) => payers.reduce((sum, payer) => sum + paid(payer), 0n),
  };
}
