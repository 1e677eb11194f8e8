import { createLogger, csrfTokenOf, readConfig, start } from '@agentpay/server';
import { testDatabase } from '@agentpay/testing';
import { agentpayFacilitator } from './agentpayFacilitator.js';
import { mppxAlone, mppxExpress, x402Express, x402ExpressV1, type PeerSeller } from './peerServers.js';
import { PRICE, startInteropStack, type InteropStack } from './stack.js';

/** `POST /api/agents/{id}/pay` against sellers that nobody here wrote. */
let stack: InteropStack;
let api: Awaited<ReturnType<typeof start>>;
let facilitator: `${string}://${string}`;
let writes: Record<string, string>;

beforeAll(async () => {
  stack = await startInteropStack();
  facilitator = (await agentpayFacilitator(stack)) as `${string}://${string}`;
  const database = await testDatabase();
  const settings = {
    PORT: '0',
    DATABASE_URL: database.url,
    JWT_SECRET: 'secret-of-the-tests-that-signs-0123456789',
    RPC_URLS: `base-sepolia=${stack.rpcUrl}`,
    FACILITATOR_URL: facilitator,
    DEV_SIGN_IN: 'true',
    OUTBOUND_LOOPBACK: 'true',
  };
  api = await start(readConfig(settings), { log: createLogger('error') });
  stack.onClose(async () => {
    await api.close(0);
    await database.drop();
  });
  const signedIn = await post('/api/auth/callback/development', { login: 'developer' }, {});
  const cookie = (signedIn.headers.getSetCookie()[0] as string).split(';')[0] as string;
  writes = { cookie, 'x-csrf-token': csrfTokenOf(cookie.slice(cookie.indexOf('=') + 1)) };
});
afterAll(() => stack.close());

function post(path: string, body: object, headers: Record<string, string>): Promise<Response> {
  return fetch(`${api.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

async function newBuyer() {
  const agent = (await (await post('/api/agents', { name: 'Buyer' }, writes)).json()) as {
    id: string;
    address: `0x${string}`;
  };
  const made = await post(`/api/agents/${agent.id}/api-keys`, {}, writes);
  await stack.fund(agent.address, 20n * PRICE);
  return { ...agent, key: ((await made.json()) as { key: string }).key };
}

const sellers: [string, string, () => Promise<PeerSeller>][] = [
  ['@x402/express', 'x402', () => x402Express(stack, facilitator)],
  ['x402-express', 'x402', () => x402ExpressV1(stack, facilitator)],
  ['mppx, in x402,', 'x402', () => mppxExpress(stack, facilitator)],
  ['mppx alone', 'mpp', () => mppxAlone(stack)],
];

it.each(sellers)('a seller by %s is paid once by %s, and delivers', async (_name, protocol, serve) => {
  const [seller, buyer] = [await serve(), await newBuyer()];
  const before = await stack.usdc(stack.payTo);
  const pay = () =>
    post(
      `/api/agents/${buyer.id}/pay`,
      { sellerUrl: seller.url },
      { 'x-agent-key': buyer.key, 'idempotency-key': 'once' },
    );
  const answer = await pay();
  const body = (await answer.json()) as { payment: { txHash: string } };
  expect([answer.status, body]).toEqual([
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
