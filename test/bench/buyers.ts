import { createClient } from '@agentpay/sdk';
import { csrfTokenOf } from '@agentpay/server';
import { testDatabase } from '@agentpay/testing';
import { ExactEvmScheme } from '@x402/evm';
import { wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { startNode, type ApiNode } from '../stress/apiNode.js';
import { openBed, script, type Bed, type Measured } from './bed.js';
import { closedLoop, load, type LoadResult, type Prepared } from './load.js';
import { failures, ownFacilitator, peer, rounds, SECONDS } from './scenarios.js';
import { figure, markdownTable } from './table.js';

const sellerScript = script('test/dist/bench/seller.js');
const AGENTS = 8;
const FUNDS = 10n ** 12n;
const PRICE = 10_000n;
const IN_FLIGHT = 64;
const THROUGHPUT_BLOCK = 0.2;
/** Short, and each purchase begins at another moment of a block: what is added shows, and is not hidden by the wait for the next one. */
const LATENCY_BLOCK = 0.05;
const limits = { RATE_LIMIT_PER_MINUTE: '1000000', RATE_LIMIT_BURST: '1000000' };

/** A way of buying. */
interface Buyer {
  readonly name: string;
  buy(options: { concurrency: number; pauseMs: number }): Promise<LoadResult>;
}

/**
 * Purchases by `POST /api/agents/{id}/pay` against buying directly, from the same seller by the same facilitator on the same chain, and
 * against `@x402/fetch` with its own seller and facilitator. Needs DATABASE_URL.
 */
export async function buyers(): Promise<string> {
  return [await throughput(), await latency()].join('\n\n');
}

async function throughput(): Promise<string> {
  const shown = await withBuyers(THROUGHPUT_BLOCK, async (bed, all) => {
    const moved = new Map(all.map(({ name }) => [name, { onChain: 0n, ok: 0 }]));
    const results = await rounds(all, async ({ name, buy }) => {
      const before = await bed.received();
      const result = await buy({ concurrency: IN_FLIGHT, pauseMs: 0 });
      const sums = moved.get(name) as { onChain: bigint; ok: number };
      sums.onChain += ((await bed.received()) - before) / PRICE;
      sums.ok += result.ok;
      return result;
    });
    const base = results[0]?.perSecond ?? Number.NaN;
    return results.map((result, i) => {
      const { name = '' } = all[i] ?? {};
      const { onChain, ok } = moved.get(name) as { onChain: bigint; ok: number };
      const figures = [figure(result.perSecond, 1), figure(result.perSecond / base, 2)];
      return [name, ...figures, ...times(result), failures(result), `${onChain}/${ok}`];
    });
  });
  const header = [`purchases, ${IN_FLIGHT} in flight, ${THROUGHPUT_BLOCK} s blocks`, 'ok/s', 'x first'];
  return markdownTable([...header, 'p50 ms', 'p99 ms', 'failed', 'on chain/ok'], shown);
}

async function latency(): Promise<string> {
  const shown = await withBuyers(LATENCY_BLOCK, async (_bed, [, ...ours]) => {
    const results = await rounds(ours, ({ buy }) => buy({ concurrency: 1, pauseMs: LATENCY_BLOCK * 1000 }));
    const sdk = results[ours.findIndex(({ name }) => name === SDK)]?.p50 ?? Number.NaN;
    return results.map((result, i) => [
      ours[i]?.name ?? '',
      ...times(result),
      figure(result.p50 - sdk, 1),
      failures(result),
    ]);
  });
  const header = [`one after the other, ${LATENCY_BLOCK} s blocks`, 'p50 ms', 'p99 ms', 'p50 over our SDK'];
  return markdownTable([...header, 'failed'], shown);
}

const times = ({ p50, p99 }: LoadResult) => [figure(p50, 1), figure(p99, 1)];

const SDK = '@agentpay/sdk > AgentPay: paywall + facilitator';

async function withBuyers<T>(
  blockTime: number,
  use: (bed: Bed, all: readonly Buyer[]) => Promise<T>,
): Promise<T> {
  const bed = await openBed(blockTime);
  const database = await testDatabase();
  let api: ApiNode | undefined;
  try {
    const sellerOf = (name: string, { url }: Measured) =>
      bed.start(sellerScript, [name], { PAY_TO: bed.payTo, FACILITATOR_URL: url });
    const official = await bed.start(peer, ['x402-facilitator'], {
      KEY: await bed.facilitatorKey(),
      RPC_URL: bed.rpcUrl,
    });
    const facilitator = await ownFacilitator(bed);
    const theirs = (await sellerOf('x402-express', official)).url;
    const ours = (await sellerOf('agentpay', facilitator)).url;
    api = await startNode(
      { database: database.url },
      {
        ...limits,
        RPC_URLS: `base-sepolia=${bed.rpcUrl}`,
        FACILITATOR_URL: facilitator.url,
        DEV_SIGN_IN: 'true',
        OUTBOUND_LOOPBACK: 'true',
      },
    );
    return await use(bed, [
      inProcess('@x402/fetch > @x402/express + @x402 facilitator, tuned', bed, theirs, officialFetch),
      inProcess('@x402/fetch > AgentPay: paywall + facilitator', bed, ours, officialFetch),
      inProcess(SDK, bed, ours, ownFetch),
      await throughApi(bed, api, ours),
    ]);
  } finally {
    await api?.kill();
    await bed.close();
    await database.drop();
  }
}

type PayingFetch = (url: string) => Promise<Response>;

function officialFetch(key: Hex): PayingFetch {
  const client = new ExactEvmScheme(privateKeyToAccount(key));
  return wrapFetchWithPaymentFromConfig(fetch, { schemes: [{ network: 'eip155:*', client }] });
}

function ownFetch(privateKey: Hex): PayingFetch {
  const client = createClient({ privateKey, budget: { perRequest: '$1', total: '$1000000' } });
  return (url) => client.fetch(url);
}

function inProcess(name: string, bed: Bed, sellerUrl: string, make: (key: Hex) => PayingFetch): Buyer {
  const clients = bed.buyerKeys.map(make);
  let turn = 0;
  const once = async () => {
    const paying = clients[turn++ % clients.length] as PayingFetch;
    const response = await paying(`${sellerUrl}/weather`);
    const body = await response.text();
    return response.status === 200 && body === '{"weather":"sunny"}' ? 'ok' : `HTTP ${response.status}`;
  };
  return {
    name,
    buy: ({ concurrency, pauseMs }) => closedLoop({ once, concurrency, seconds: SECONDS, pauseMs }),
  };
}

async function throughApi(bed: Bed, api: ApiNode, sellerUrl: string): Promise<Buyer> {
  const calls: Prepared[] = [];
  const owner = await signedIn(api);
  for (let n = 0; n < AGENTS; n++) {
    const { id, address } = await owner('/api/agents', { name: `Buyer ${n}` });
    const { key } = await owner(`/api/agents/${id}/api-keys`, {});
    await bed.fund(address as Hex, FUNDS);
    const body = Buffer.from(JSON.stringify({ sellerUrl: `${sellerUrl}/weather` }));
    const headers = { 'content-type': 'application/json', 'x-agent-key': key as string };
    calls.push({ path: `/api/agents/${id}/pay`, method: 'POST', headers, body });
  }
  let turn = 0;
  return {
    name: 'POST /api/agents/{id}/pay > AgentPay: paywall + facilitator',
    buy: ({ concurrency, pauseMs }) =>
      load({
        url: api.url,
        next: () => calls[turn++ % calls.length],
        concurrency,
        seconds: SECONDS,
        judge: ({ status, body }) =>
          status === 200 && body.includes('"weather":"sunny"') ? 'ok' : `HTTP ${status}`,
        pid: process.pid,
        pauseMs,
      }),
  };
}

/** Writes of a user who is signed in. */
async function signedIn(api: ApiNode) {
  const post = async (path: string, body: object, headers: Record<string, string>) => {
    const response = await fetch(api.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  const answer = await post('/api/auth/callback/development', { login: 'bench' }, {});
  const cookie = (answer.headers.getSetCookie()[0] as string).split(';')[0] as string;
  const writes = { cookie, 'x-csrf-token': csrfTokenOf(cookie.slice(cookie.indexOf('=') + 1)) };
  return async (path: string, body: object) =>
    (await (await post(path, body, writes)).json()) as Record<string, string>;
}
