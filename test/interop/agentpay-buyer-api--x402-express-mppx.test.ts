import { viemChain } from '@agentpay/evm';
import { baseSepolia, radiusTestnet } from '@agentpay/primitives';
import { createLogger, csrfTokenOf, readConfig, start } from '@agentpay/server';
import { testDatabase } from '@agentpay/testing';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { agentpayFacilitator } from './agentpayFacilitator.js';
import {
  mppxAlone,
  mppxExpress,
  officialFacilitator,
  x402Express,
  x402ExpressV1,
  type PeerSeller,
} from './peerServers.js';
import { agentpaySbc, placeSbc, x402ExpressSbc, type LocalSbc } from './permit2.js';
import { PRICE, startInteropStack, type InteropStack } from './stack.js';

/** `POST /api/agents/{id}/pay` against sellers that nobody here wrote. */
let stack: InteropStack;
let api: Api;
let facilitator: `${string}://${string}`;

/** The API with a user who has signed in. */
interface Api {
  readonly url: string;
  /** Headers of what the user writes. */
  readonly writes: Record<string, string>;
}

beforeAll(async () => {
  stack = await startInteropStack();
  facilitator = (await agentpayFacilitator(stack)) as `${string}://${string}`;
  api = await startApi({ RPC_URLS: `base-sepolia=${stack.rpcUrl}`, FACILITATOR_URL: facilitator });
});
afterAll(() => stack.close());

async function startApi(own: Readonly<Record<string, string>>): Promise<Api> {
  const database = await testDatabase();
  const settings = {
    PORT: '0',
    DATABASE_URL: database.url,
    JWT_SECRET: 'secret-of-the-tests-that-signs-0123456789',
    DEV_SIGN_IN: 'true',
    OUTBOUND_LOOPBACK: 'true',
    ...own,
  };
  const server = await start(readConfig(settings), { log: createLogger('error') });
  stack.onClose(async () => {
    await server.close(0);
    await database.drop();
  });
  const signedIn = await post(server, '/api/auth/callback/development', { login: 'developer' }, {});
  const cookie = (signedIn.headers.getSetCookie()[0] as string).split(';')[0] as string;
  const csrf = csrfTokenOf(cookie.slice(cookie.indexOf('=') + 1));
  return { url: server.url, writes: { cookie, 'x-csrf-token': csrf } };
}

function post(
  { url }: Pick<Api, 'url'>,
  path: string,
  body: object,
  headers: Record<string, string>,
): Promise<Response> {
  return fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

async function newBuyer(at: Api) {
  const agent = (await (await post(at, '/api/agents', { name: 'Buyer' }, at.writes)).json()) as {
    id: string;
    address: `0x${string}`;
  };
  const made = await post(at, `/api/agents/${agent.id}/api-keys`, {}, at.writes);
  return { ...agent, key: ((await made.json()) as { key: string }).key };
}

const sellers: [string, string, () => Promise<PeerSeller>][] = [
  ['@x402/express', 'x402', () => x402Express(stack, facilitator)],
  ['x402-express', 'x402', () => x402ExpressV1(stack, facilitator)],
  ['mppx, in x402,', 'x402', () => mppxExpress(stack, facilitator)],
  ['mppx alone', 'mpp', () => mppxAlone(stack)],
];

it.each(sellers)('a seller by %s is paid once by %s, and delivers', async (_name, protocol, serve) => {
  const [seller, buyer] = [await serve(), await newBuyer(api)];
  await stack.fund(buyer.address, 20n * PRICE);
  const before = await stack.usdc(stack.payTo);
  const pay = () =>
    post(
      api,
      `/api/agents/${buyer.id}/pay`,
      { sellerUrl: seller.url },
      { 'x-agent-key': buyer.key, 'idempotency-key': 'once' },
    );
  const response = await pay();
  const body = (await response.json()) as { payment: { txHash: string } };
  expect([response.status, body]).toEqual([
    200,
    expect.objectContaining({
      success: true,
      sellerResponse: { weather: 'sunny' },
      payment: expect.objectContaining({
        protocol,
        amount: '0.01',
        txHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      }),
      agent: { address: buyer.address },
    }),
  ]);
  expect(((await (await pay()).json()) as typeof body).payment.txHash).toBe(body.payment.txHash);
  expect([seller.served(), (await stack.usdc(stack.payTo)) - before]).toEqual([1, PRICE]);
});

it('over MCP an agent buys once from x402-express, by fetch_paid, however often it repeats the call', async () => {
  const [seller, buyer] = [await x402ExpressV1(stack, facilitator), await newBuyer(api)];
  await stack.fund(buyer.address, 2n * PRICE);
  const before = await stack.usdc(stack.payTo);
  const client = new Client({ name: 'agent', version: '1.0.0' });
  const requestInit = { headers: { 'x-agent-key': buyer.key } };
  const transport = new StreamableHTTPClientTransport(new URL('/mcp', api.url), { requestInit });
  await client.connect(transport as Parameters<Client['connect']>[0]);
  await client.listTools();
  const buy = () =>
    client.callTool({
      name: 'fetch_paid',
      arguments: { url: seller.url, max_amount: 0.01, idempotency_key: 'a' },
    });
  const { structuredContent: bought } = await buy();
  expect(bought).toMatchObject({
    status: 200,
    body: '{"weather":"sunny"}',
    payment: { dialect: 'x402v1', amount: '10000', transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/) },
  });
  expect((await buy()).structuredContent).toEqual(bought);
  expect([seller.served(), (await stack.usdc(stack.payTo)) - before]).toEqual([1, PRICE]);
  await client.close();
});

describe('in SBC, which moves by Permit2 alone,', () => {
  let sbc: LocalSbc;
  let ours: string;
  let at: Api;
  beforeAll(async () => {
    sbc = await placeSbc(stack);
    ours = await agentpayFacilitator(stack, {
      SIGNER_KEYS: await stack.newFacilitatorKey(),
      ASSETS: radiusTestnet.asset.address,
    });
    at = await startApi({ PAYMENT_NETWORKS: JSON.stringify([sbc.entry]), FACILITATOR_URL: ours });
  });

  it('sellers by @x402/express, and ours, are paid by an agent that has no gas, whoever settles', async () => {
    const buyer = await newBuyer(at);
    await sbc.fund(buyer.address, 7n * PRICE);
    const theirs = await officialFacilitator({ ...stack, facilitatorKey: await stack.newFacilitatorKey() });
    const pay = async (sellerUrl: string) => {
      const headers = { 'x-agent-key': buyer.key };
      const response = await post(at, `/api/agents/${buyer.id}/pay`, { sellerUrl }, headers);
      return [response.status, await response.json()];
    };
    const bought = [
      200,
      expect.objectContaining({
        sellerResponse: { weather: 'sunny' },
        payment: expect.objectContaining({
          protocol: 'x402',
          amount: '0.01',
          txHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
          explorer: expect.stringContaining('testnet.radiustech.xyz/tx/0x'),
        }),
        agent: { address: buyer.address },
      }),
    ];
    const sales: [PeerSeller, bigint][] = [
      [await x402ExpressSbc(stack, theirs), 3n],
      [await x402ExpressSbc(stack, ours), 3n],
      [await agentpaySbc(stack, ours), 1n],
    ];
    for (const [seller, times] of sales) {
      const before = await sbc.balance(stack.payTo);
      // Each brings the next permit of the wallet to the chain.
      for (let n = 0n; n < times; n++) expect(await pay(seller.url)).toEqual(bought);
      const paid = (await sbc.balance(stack.payTo)) - before;
      expect([BigInt(seller.served()), paid]).toEqual([times, times * PRICE]);
    }
    expect(await sbc.balance(buyer.address)).toBe(0n);
    expect(await viemChain({ rpcUrl: stack.rpcUrl }).balance(buyer.address)).toBe(0n);
  });

  it('the pay API pays for a caller that has met the 402, whose seller then delivers once', async () => {
    const key = await post(at, '/v1/keys', { name: 'ci' }, at.writes);
    const own = { 'x-api-key': ((await key.json()) as { api_key: string }).api_key };
    const wallet = await post(at, '/v1/wallets', { network: baseSepolia.id }, own);
    const { address } = (await wallet.json()) as { address: `0x${string}` };
    await sbc.fund(address, PRICE);
    const seller = await x402ExpressSbc(stack, ours);
    const demand = await fetch(seller.url);
    const paymentRequired = demand.headers.get('payment-required') as string;
    const before = await sbc.balance(stack.payTo);
    const paid = await post(at, '/v1/pay', { paymentRequired, url: seller.url }, own);
    const { paymentSignature } = (await paid.json()) as { paymentSignature: string };
    expect([paid.status, (await sbc.balance(stack.payTo)) - before]).toEqual([200, PRICE]);
    const take = () => fetch(seller.url, { headers: { 'payment-signature': paymentSignature } });
    const taken = await take();
    expect([taken.status, await taken.json()]).toEqual([200, { weather: 'sunny' }]);
    expect([(await take()).status, seller.served(), await sbc.balance(address)]).toEqual([402, 1, 0n]);
  });
});
