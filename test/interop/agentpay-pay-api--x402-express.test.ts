import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createLogger, csrfTokenOf, readConfig, start } from '@agentpay/server';
import { testDatabase } from '@agentpay/testing';
import { agentpayFacilitator } from './agentpayFacilitator.js';
import { x402Express, type PeerSeller } from './peerServers.js';
import { PRICE, startInteropStack, type InteropStack } from './stack.js';

/** The pay API with a seller that nobody here wrote: the platform settles, and the seller still delivers for it, once. */
let stack: InteropStack;
let api: Awaited<ReturnType<typeof start>>;
let seller: PeerSeller;
let apiKey: string;

beforeAll(async () => {
  stack = await startInteropStack();
  const facilitator = await agentpayFacilitator(stack);
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
  const answers = await Promise.all([pay('one'), pay('one'), pay('one')]);
  const paid = answers.find(({ status }) => status === 200) as Response;
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

const root = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

it('the Python client buys through the API, once', async () => {
  const { write } = (await import(root('packages/sdk-python/generate.mjs'))) as { write(): void };
  write();
  const made = await post('/v1/wallets', { network: 'eip155:84532' }, own());
  const { address } = (await made.json()) as { address: `0x${string}` };
  await stack.fund(address, 2n * PRICE);
  const [before, served] = [await stack.usdc(stack.payTo), seller.served()];
  const program = `
import os
from agentpay import AgentPay, payment_of
with AgentPay(os.environ["API"], api_key=os.environ["KEY"], timeout=120) as client:
    response = client.fetch(os.environ["SELLER"], max_amount="0.01")
    print(response.json(), payment_of(response).amount, client.spent())
    print(client.pay.spend_events.list().spend_events[0].status)
`;
  const env = {
    ...process.env,
    PYTHONPATH: root('packages/sdk-python/src'),
    PYTHONDONTWRITEBYTECODE: '1',
    API: api.url,
    KEY: apiKey,
    SELLER: seller.url,
  };
  const python = process.env['PYTHON'] ?? '/usr/bin/python3';
  const { stdout } = await promisify(execFile)(python, ['-c', program], { env });
  expect(stdout).toBe("{'weather': 'sunny'} 0.01 0.01\nconfirmed\n");
  expect([seller.served() - served, (await stack.usdc(stack.payTo)) - before]).toEqual([1, PRICE]);
});
