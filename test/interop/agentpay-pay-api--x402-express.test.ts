import { formatDecimal } from '@agentpay/primitives';
import { createClient, paymentOf } from '@agentpay/sdk';
import { createLogger, csrfTokenOf, readConfig, start } from '@agentpay/server';
import { testDatabase } from '@agentpay/testing';
import { agentpayFacilitator } from './agentpayFacilitator.js';
import { agentpayPaywall } from './agentpay.js';
import { x402Express, x402ExpressV1, type PeerSeller } from './peerServers.js';
import { buyByPython } from './python.js';
import { PRICE, startInteropStack, type InteropStack } from './stack.js';

/** The pay API with a seller that nobody here wrote: the platform settles, and the seller still delivers for it, once. */
let stack: InteropStack;
let api: Awaited<ReturnType<typeof start>>;
let seller: PeerSeller;
let apiKey: string;
let facilitator: string;

beforeAll(async () => {
  stack = await startInteropStack();
  facilitator = await agentpayFacilitator(stack);
  seller = await x402Express(stack, facilitator);
  const database = await testDatabase();
  const settings = {
    PORT: '0',
    DATABASE_URL: database.url,
    JWT_SECRET: 'secret-of-the-tests-that-signs-0123456789',
    RPC_URLS: `base-sepolia=${stack.rpcUrl}`,
    FACILITATOR_URL: facilitator,
    DEV_SIGN_IN: 'true',
  };
  api = await start(readConfig(settings), { log: createLogger('error') });
  stack.onClose(async () => {
    await api.close(0);
    await database.drop();
  });
  apiKey = await newKey();
});
afterAll(() => stack.close());

async function newKey(): Promise<string> {
  const signedIn = await post('/api/auth/callback/development', { login: 'developer' }, {});
  const cookie = (signedIn.headers.getSetCookie()[0] as string).split(';')[0] as string;
  const secret = cookie.slice(cookie.indexOf('=') + 1);
  const made = await post('/v1/keys', { name: 'ci' }, { cookie, 'x-csrf-token': csrfTokenOf(secret) });
  return ((await made.json()) as { api_key: string }).api_key;
}

function post(path: string, body: object, headers: Record<string, string>): Promise<Response> {
  return fetch(`${api.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

const own = () => ({ 'x-api-key': apiKey });
const read = async (path: string) => (await fetch(`${api.url}${path}`, { headers: own() })).json();

it('a 402 is paid by the API, and the seller delivers once for the signature', async () => {
  const made = await post('/v1/wallets', { network: 'eip155:84532' }, own());
  const { address } = (await made.json()) as { address: `0x${string}` };
  const again = await post('/v1/wallets', { network: 'base-sepolia' }, own());
  expect([made.status, again.status, ((await again.json()) as { address: string }).address]).toEqual([
    201,
    201,
    address,
  ]);

  const demand = await fetch(seller.url);
  const paymentRequired = demand.headers.get('payment-required') as string;
  const pay = (key: string) =>
    post('/v1/pay', { paymentRequired, url: seller.url }, { ...own(), 'idempotency-key': key });
  expect((await pay('too-early')).status).toBe(402);

  await stack.fund(address, 20n * PRICE);
  const before = await stack.usdc(stack.payTo);
  const responses = await Promise.all([pay('one'), pay('one'), pay('one')]);
  const paid = responses.find(({ status }) => status === 200) as Response;
  const { paymentSignature, transaction } = (await paid.json()) as Record<string, string>;
  expect(transaction).toMatch(/^0x[0-9a-f]{64}$/);
  expect((await stack.usdc(stack.payTo)) - before).toBe(PRICE);

  const buy = () => fetch(seller.url, { headers: { 'payment-signature': paymentSignature as string } });
  const bought = await buy();
  expect([bought.status, await bought.json()]).toEqual([200, { weather: 'sunny' }]);
  const replays = await Promise.all([buy(), buy(), buy()]);
  expect(replays.map(({ status }) => status)).toEqual([402, 402, 402]);
  expect([seller.served(), (await stack.usdc(stack.payTo)) - before]).toEqual([1, PRICE]);

  expect(await read('/v1/spend-events')).toMatchObject({
    spend_events: [{ status: 'confirmed', amount: '0.01', asset: 'USDC', transaction }],
    total: 1,
  });
  expect(await read('/v1/wallets')).toMatchObject({ wallets: [{ address, balance: '0.19', held: '0.00' }] });
});

it('the TypeScript client buys through the API without an account, and pays once for one request', async () => {
  const made = await post('/v1/wallets', { network: 'eip155:84532' }, own());
  const { address } = (await made.json()) as { address: `0x${string}` };
  await stack.fund(address, PRICE);
  const [before, served] = [await stack.usdc(stack.payTo), seller.served()];
  const client = createClient({ agentpay: { url: api.url, apiKey }, budget: { total: '$0.01' } });
  const response = await client.fetch(seller.url);
  expect([response.status, await response.json()]).toEqual([200, { weather: 'sunny' }]);
  expect(paymentOf(response)).toMatchObject({
    dialect: 'x402v2',
    amount: PRICE,
    transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/),
  });
  await expect(client.fetch(seller.url)).rejects.toMatchObject({ kind: 'budget_exceeded' });
  expect([seller.served() - served, (await stack.usdc(stack.payTo)) - before]).toEqual([1, PRICE]);
});

describe('the Python client', () => {
  const paid = (dialect: string) => ({
    body: { weather: 'sunny' },
    dialect,
    amount: '0.01',
    transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/),
  });

  /** Buys sync and async from each; every seller is paid for what it served, which the chain tells. */
  async function buyFrom(sellers: readonly PeerSeller[], dialects: string[], env: Record<string, string>) {
    const before = await stack.usdc(stack.payTo);
    const served = sellers.map((each) => each.served());
    const { bought, spent } = await buyByPython(sellers, { API: api.url, ...env });
    expect(bought).toEqual([...dialects, ...dialects].map(paid));
    const times = 2n * BigInt(sellers.length);
    expect(sellers.map((each, i) => each.served() - (served[i] as number))).toEqual(sellers.map(() => 2));
    expect((await stack.usdc(stack.payTo)) - before).toBe(times * PRICE);
    expect(spent).toBe(formatDecimal(times * PRICE));
  }

  it('buys with a key of its own, sync and async, from x402-express, @x402/express and our paywall', async () => {
    const sellers = await Promise.all([
      x402ExpressV1(stack, facilitator),
      x402Express(stack, facilitator),
      agentpayPaywall(stack, facilitator),
    ]);
    await buyFrom(sellers, ['x402v1', 'x402v2', 'x402v2'], { PRIVATE_KEY: stack.buyerKey });
  });

  it('buys through the API, sync and async, from @x402/express and our paywall', async () => {
    const made = await post('/v1/wallets', { network: 'eip155:84532' }, own());
    const { address } = (await made.json()) as { address: `0x${string}` };
    await stack.fund(address, 4n * PRICE);
    const sellers = [seller, await agentpayPaywall(stack, facilitator)];
    await buyFrom(sellers, ['x402v2', 'x402v2'], { API_KEY: apiKey });
    expect(await read('/v1/spend-events?limit=4')).toMatchObject({
      spend_events: Array.from({ length: 4 }, () => ({ status: 'confirmed', amount: '0.01' })),
    });
  });
});
