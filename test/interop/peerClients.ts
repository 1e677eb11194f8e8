import { wrapAxiosWithPaymentFromConfig } from '@x402/axios';
import { decodePaymentResponseHeader, wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import { ExactEvmScheme } from '@x402/evm';
import { ExactEvmSchemeV1 } from '@x402/evm/exact/v1/client';
import axios from 'axios';
import { Receipt } from 'mppx';
import { Mppx, evm } from 'mppx/client';
import { createWalletClient, http } from 'viem';
import { baseSepolia as viemBaseSepolia } from 'viem/chains';
import { wrapFetchWithPayment as wrapFetchV1, decodeXPaymentResponse } from 'x402-fetch';
import type { InteropStack } from './stack.js';

/** What a client got for its money. */
export interface Bought {
  readonly status: number;
  readonly body: unknown;
  /** Hash out of the receipt header of the dialect that paid. */
  readonly transaction: string | undefined;
}

/** Both versions, as the official clients are set up for sellers of either. */
function officialSchemes({ buyer }: InteropStack): Parameters<typeof wrapFetchWithPaymentFromConfig>[1] {
  // What v1 calls a network is no CAIP-2 id, which is all that the type knows.
  const v1 = {
    network: 'base-sepolia' as `${string}:${string}`,
    client: new ExactEvmSchemeV1(buyer),
    x402Version: 1,
  };
  return { schemes: [{ network: 'eip155:*', client: new ExactEvmScheme(buyer) }, v1] };
}

/** `@x402/fetch`, x402 v2 and v1. */
export async function buyWithX402Fetch(stack: InteropStack, url: string): Promise<Bought> {
  return fromX402(await wrapFetchWithPaymentFromConfig(fetch, officialSchemes(stack))(url));
}

/** `@x402/axios`, x402 v2 and v1. */
export async function buyWithX402Axios(stack: InteropStack, url: string): Promise<Bought> {
  const pay = wrapAxiosWithPaymentFromConfig(axios.create(), officialSchemes(stack));
  const answer = await pay.get(url, { validateStatus: (status) => status !== 402 });
  const header: unknown = answer.headers['payment-response'] ?? answer.headers['x-payment-response'];
  return {
    status: answer.status,
    body: answer.data,
    transaction: typeof header === 'string' ? decodePaymentResponseHeader(header).transaction : undefined,
  };
}

/** The legacy `x402-fetch`, x402 v1. */
export async function buyWithX402FetchV1(stack: InteropStack, url: string): Promise<Bought> {
  const wallet = createWalletClient({
    account: stack.buyer,
    chain: viemBaseSepolia,
    transport: http(stack.rpcUrl),
  });
  const pay = wrapFetchV1(fetch, wallet as unknown as Parameters<typeof wrapFetchV1>[1]);
  const response = await pay(url);
  const header = response.headers.get('x-payment-response');
  return {
    status: response.status,
    body: await response.json(),
    transaction: header ? decodeXPaymentResponse(header).transaction : undefined,
  };
}

/** mppx's client, native MPP. */
export async function buyWithMppx(stack: InteropStack, url: string): Promise<Bought> {
  const response = await mppxClient(stack).fetch(url);
  const header = response.headers.get('payment-receipt');
  return {
    status: response.status,
    body: await response.json(),
    transaction: header ? Receipt.deserialize(header).reference : undefined,
  };
}

/** mppx's client made to choose the x402 offer. */
export async function buyWithMppxOverX402(stack: InteropStack, url: string): Promise<Bought> {
  const withoutMpp: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const headers = new Headers(response.headers);
    headers.delete('www-authenticate');
    return new Response(response.body, { status: response.status, headers });
  };
  return fromX402(await mppxClient(stack, withoutMpp).fetch(url));
}

function mppxClient(stack: InteropStack, fetchImpl: typeof fetch = fetch) {
  return Mppx.create({
    fetch: fetchImpl,
    polyfill: false,
    methods: [evm.charge({ account: stack.buyer, currencies: [evm.assets.baseSepolia.USDC] })],
  });
}

/** What an answer of x402 gave. */
export async function fromX402(response: Response): Promise<Bought> {
  const header = response.headers.get('payment-response') ?? response.headers.get('x-payment-response');
  return {
    status: response.status,
    body: await response.json(),
    transaction: header ? decodePaymentResponseHeader(header).transaction : undefined,
  };
}
