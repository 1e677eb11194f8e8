import type { Hex } from 'viem';
import { markdownTable } from '../bench/table.js';
import { agentpayPaywall, buyWithAgentpay } from './agentpay.js';
import { agentpayFacilitator } from './agentpayFacilitator.js';
import { wrapFetchWithPayment as wrapFetch0x7 } from 'x402-fetch-0.7';
import { wrapFetchWithPayment as wrapFetch1x0 } from 'x402-fetch-1.0';
import { wrapFetchWithPaymentFromConfig as wrapFetch2x0 } from 'x402-fetch-2.0';
import { wrapFetchWithPaymentFromConfig as wrapFetch2x11 } from 'x402-fetch-2.11';
import {
  buyWithFaremeter,
  buyWithMppx,
  buyWithMppxOverX402,
  buyWithX402Axios,
  buyWithX402AxiosV1,
  buyWithX402Fetch,
  buyWithX402FetchV1,
  type Bought,
} from './peerClients.js';
import {
  mppxExpress,
  officialFacilitator,
  x402Express,
  x402ExpressV1,
  x402Hono,
  x402HonoV1,
  type PeerSeller,
} from './peerServers.js';
import { newPayee, PRICE, type InteropStack } from './stack.js';

const wording = { x402v2: 'x402 v2', x402v1: 'x402 v1', mpp: 'MPP' };
type Dialect = keyof typeof wording;

export interface Client {
  readonly name: string;
  readonly speaks: readonly Dialect[];
  buy(stack: InteropStack, url: string): Promise<Bought>;
}

export interface Server {
  readonly name: string;
  readonly offers: readonly Dialect[];
  open(stack: InteropStack, facilitator: string): Promise<PeerSeller>;
}

export interface Facilitator {
  readonly name: string;
  start(stack: InteropStack): Promise<string>;
  /** Whether it settles for several sellers at once. */
  readonly atOnce: boolean;
}

const ownClient = (dialect: Dialect): Client => ({
  name: `@agentpay/sdk, ${wording[dialect]}`,
  speaks: [dialect],
  buy: (stack, url) => buyWithAgentpay(stack, url, dialect),
});

/** An earlier release of the official client of x402 v2. */
const fetchV2 = (version: string, wrap: Parameters<typeof buyWithX402Fetch>[2]): Client => ({
  name: `@x402/fetch ${version}`,
  speaks: ['x402v2', 'x402v1'],
  buy: (stack, url) => buyWithX402Fetch(stack, url, wrap),
});

/** An earlier release of the official client of x402 v1. */
const fetchV1 = (version: string, wrap: Parameters<typeof buyWithX402FetchV1>[2]): Client => ({
  name: `x402-fetch ${version}`,
  speaks: ['x402v1'],
  buy: (stack, url) => buyWithX402FetchV1(stack, url, wrap),
});

export const clients: readonly Client[] = [
  { name: '@x402/fetch', speaks: ['x402v2', 'x402v1'], buy: (stack, url) => buyWithX402Fetch(stack, url) },
  fetchV2('2.11', wrapFetch2x11 as never),
  fetchV2('2.0', wrapFetch2x0 as never),
  { name: '@x402/axios', speaks: ['x402v2', 'x402v1'], buy: buyWithX402Axios },
  { name: '@faremeter/fetch', speaks: ['x402v2', 'x402v1'], buy: buyWithFaremeter },
  { name: 'x402-fetch', speaks: ['x402v1'], buy: (stack, url) => buyWithX402FetchV1(stack, url) },
  fetchV1('1.0', wrapFetch1x0 as never),
  fetchV1('0.7', wrapFetch0x7 as never),
  { name: 'x402-axios', speaks: ['x402v1'], buy: buyWithX402AxiosV1 },
  { name: 'mppx, MPP', speaks: ['mpp'], buy: buyWithMppx },
  { name: 'mppx, x402', speaks: ['x402v2'], buy: buyWithMppxOverX402 },
  ...(['x402v2', 'x402v1', 'mpp'] as const).map(ownClient),
];

export const servers: readonly Server[] = [
  { name: '@agentpay/paywall', offers: ['x402v2', 'x402v1', 'mpp'], open: agentpayPaywall },
  { name: '@x402/express', offers: ['x402v2'], open: x402Express },
  { name: '@x402/hono', offers: ['x402v2'], open: x402Hono },
  { name: 'x402-express', offers: ['x402v1'], open: x402ExpressV1 },
  { name: 'x402-hono', offers: ['x402v1'], open: x402HonoV1 },
  { name: 'mppx/express', offers: ['mpp', 'x402v2'], open: mppxExpress },
];

export const facilitators: readonly Facilitator[] = [
  { name: '@agentpay/facilitator', start: agentpayFacilitator, atOnce: true },
  // viem's nonce manager, which it uses, can hand out a used nonce.
  { name: '@x402/core facilitator', start: (stack) => officialFacilitator(stack), atOnce: false },
];

/** One way through the grid: sold, impossible for lack of a common dialect, or failed. */
export interface Cell {
  readonly client: string;
  readonly server: string;
  readonly facilitator: string;
  readonly result: 'sold' | 'impossible' | 'failed';
  /** Why it is impossible, or what went wrong. */
  readonly reason?: string;
}

/** Every client buys once from every server by every facilitator, on one chain. Facilitators run side by side. */
export async function playGrid(stack: InteropStack): Promise<readonly Cell[]> {
  const lanes = facilitators.map(async (facilitator) => {
    const url = await facilitator.start({ ...stack, facilitatorKey: await stack.newFacilitatorKey() });
    const play = (server: Server) => playSeller(stack, server, { name: facilitator.name, url });
    if (facilitator.atOnce) return (await Promise.all(servers.map(play))).flat();
    const cells: Cell[] = [];
    for (const server of servers) cells.push(...(await play(server)));
    return cells;
  });
  return (await Promise.all(lanes)).flat();
}

async function playSeller(
  stack: InteropStack,
  server: Server,
  facilitator: { name: string; url: string },
): Promise<Cell[]> {
  const shop = { ...stack, payTo: newPayee() };
  const seller = await server.open(shop, facilitator.url);
  const cells: Cell[] = [];
  for (const client of clients) {
    const outcome = strangers(client, server) ?? (await purchase(shop, seller, client));
    cells.push({ client: client.name, server: server.name, facilitator: facilitator.name, ...outcome });
  }
  return cells;
}

type Outcome = Pick<Cell, 'result' | 'reason'>;

function strangers({ speaks }: Client, { offers }: Server): Outcome | undefined {
  if (speaks.some((dialect) => offers.includes(dialect))) return undefined;
  return { result: 'impossible', reason: `the client speaks ${list(speaks)}, the server ${list(offers)}` };
}

/** Buys once and compares: one run of the handler, its response, the receipt, and exactly the price on the chain. */
async function purchase(shop: InteropStack, seller: PeerSeller, client: Client): Promise<Outcome> {
  const before = { served: seller.served(), money: await shop.usdc(shop.payTo) };
  try {
    const { status, body, transaction } = await client.buy(shop, seller.url);
    const paid = (await shop.usdc(shop.payTo)) - before.money;
    const runs = seller.served() - before.served;
    const right =
      status === 200 &&
      JSON.stringify(body) === '{"weather":"sunny"}' &&
      isHash(transaction) &&
      paid === PRICE &&
      runs === 1;
    if (right) return { result: 'sold' };
    return {
      result: 'failed',
      reason: `status ${status}, ${runs} runs, ${paid} paid, receipt ${transaction}, ${JSON.stringify(body)}`,
    };
  } catch (error) {
    return { result: 'failed', reason: String(error) };
  }
}

const isHash = (text: string | undefined): text is Hex => /^0x[0-9a-f]{64}$/.test(text ?? '');
const list = (dialects: readonly Dialect[]) => dialects.map((dialect) => wording[dialect]).join(' and ');

/** A table for each facilitator, and the reasons for what is not sold. */
export function gridText(cells: readonly Cell[]): string {
  const tables = facilitators.map(({ name }) => {
    const rows = clients.map((client) => {
      const own = cells.filter((cell) => cell.facilitator === name && cell.client === client.name);
      return [
        client.name,
        ...servers.map((server) => own.find((cell) => cell.server === server.name)?.result ?? 'missing'),
      ];
    });
    return markdownTable([`${name}: client \\ server`, ...servers.map((server) => server.name)], rows);
  });
  const reasons = cells.flatMap(({ result, client, server, facilitator, reason }) => {
    if (result === 'sold') return [];
    return [
      result === 'failed'
        ? `${client} > ${server} > ${facilitator} failed: ${reason}`
        : `${client} > ${server}: ${reason}`,
    ];
  });
  return [...tables, [...new Set(reasons)].join('\n')].join('\n\n');
}
