import { wrap as wrapFaremeter } from '@faremeter/fetch';
import { createPaymentHandler } from '@faremeter/payment-evm/exact';
import { wrapAxiosWithPaymentFromConfig } from '@x402/axios';
import { decodePaymentResponseHeader, wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import { ExactEvmScheme } from '@x402/evm';
import { ExactEvmSchemeV1 } from '@x402/evm/exact/v1/client';
import axios from 'axios';
import { Receipt } from 'mppx';
import { Mppx, evm } from 'mppx/client';
import { createWalletClient, http } from 'viem';
import { baseSepolia as viemBaseSepolia } from 'viem/chains';
import { withPaymentInterceptor } from 'x402-axios';
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

/** `@x402/fetch` in one of its published versions, x402 v2 and v1. */
export async function buyWithX402Fetch(
  stack: InteropStack,
  url: string,
  wrap = wrapFetchWithPaymentFromConfig,
): Promise<Bought> {
  // 2.0 wants a second argument.
  return fromX402(await wrap(fetch, officialSchemes(stack))(url, {}));
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

/** The wallet that the clients of x402 v1 take; each brings the types of its own viem. */
function walletV1<T>(stack: InteropStack): T {
  const wallet = createWalletClient({
    account: stack.buyer,
    chain: viemBaseSepolia,
    transport: http(stack.rpcUrl),
  });
  return wallet as unknown as T;
}

const transactionV1 = (header: unknown) =>
  typeof header === 'string' ? decodeXPaymentResponse(header).transaction : undefined;

/** The legacy `x402-fetch` in one of its published versions, x402 v1. */
export async function buyWithX402FetchV1(
  stack: InteropStack,
  url: string,
  wrap = wrapFetchV1,
): Promise<Bought> {
  const response = await wrap(fetch, walletV1(stack))(url);
  const transaction = transactionV1(response.headers.get('x-payment-response'));
  return { status: response.status, body: await response.json(), transaction };
}

/** The legacy `x402-axios`, x402 v1. */
export async function buyWithX402AxiosV1(stack: InteropStack, url: string): Promise<Bought> {
  const pay = withPaymentInterceptor(
    axios.create() as unknown as Parameters<typeof withPaymentInterceptor>[0],
    walletV1(stack),
  );
  const { status, data, headers } = await pay.get<unknown>(url);
  return { status, body: data, transaction: transactionV1(headers['x-payment-response']) };
}

/** `@faremeter/fetch`, x402 v2 and v1. */
export async function buyWithFaremeter(stack: InteropStack, url: string): Promise<Bought> {
  const { address } = stack.buyer;
  const account = stack.buyer as unknown as Parameters<typeof createPaymentHandler>[0]['account'];
  const chain = { id: viemBaseSepolia.id, name: viemBaseSepolia.name };
  const pay = wrapFaremeter(fetch, { handlers: [createPaymentHandler({ chain, address, account })] });
  return fromX402(await pay(url));
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

/** What a response of x402 gave. */
export async function fromX402(response: Response): Promise<Bought> {
  const header = response.headers.get('payment-response') ?? response.headers.get('x-payment-response');
  return {
    status: response.status,
    body: await response.json(),
    transaction: header ? decodePaymentResponseHeader(header).transaction : undefined,
  };
}
