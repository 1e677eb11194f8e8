import { paymentTokenKey } from '@agentpay/protocol';
import { testDatabase, type TestDatabase } from '@agentpay/testing';
import { ask, exchange, startNode, type Reply, type ApiNode } from '../stress/apiNode.js';

/** Secrets and keys of the operator are rotated with an overlap, at a server that is started anew with each of them. */
const [OLD, NEW] = ['k3vX9mQ2pL7wR4tY8uZ1aB5cD6eF0gH_', 'Zq8nT4wJ1xM6bV3cR9yK2fS7hD5gL0pA_'];
const [OLD_ADMIN, NEW_ADMIN] = [`operator-one-${OLD}`, `operator-two-${NEW}`];
const KEPT = {
  KEY_PEPPER: 'pepper-7Hq2Wz9Lx4Vb6Nc1Mk8Jd3Fs5Ga',
  DEFAULT_SLA_SECONDS: '86400',
  TOKEN_TTL_SECONDS: '86400',
};

let database: TestDatabase;
let node: ApiNode;

/** Starts the server anew. */
async function restart(settings: Record<string, string>): Promise<void> {
  await node?.kill();
  node = await startNode({ database: database.url }, { ...KEPT, ...settings });
}

beforeAll(async () => {
  database = await testDatabase();
  await restart({ JWT_SECRET: OLD, ADMIN_KEY: OLD_ADMIN });
});

afterAll(async () => {
  await node?.kill();
  await database?.drop();
});

const published = async () => {
  const { body } = (await exchange(node, { headers: {}, line: 'GET /.well-known/jwks.json' })) as Reply;
  return (body['keys'] as { kid: string }[]).map(({ kid }) => kid);
};
const kidOf = (secret: string) => paymentTokenKey(secret).kid;

async function statusOf(line: string, headers: Record<string, string>): Promise<number | undefined> {
  return (await exchange(node, { headers, line }))?.status;
}
const asOperator = (key: string) => statusOf('GET /ops/public-alpha/state', { 'x-admin-key': key });

it('what was signed and who was known stays good while the former secret is listed, and ends when it is not', async () => {
  const agent = async (name: string) =>
    (await ask(node, '', 'POST /v1/agents', { name }, 201)) as Record<string, string>;
  const [seller, buyer] = [await agent('Seller'), await agent('Buyer')];
  const [sells, buys] = [seller['api_key'] as string, buyer['api_key'] as string];
  const from = { from_wallet_id: buyer['wallet_id'] };
  await ask(node, buys, `POST /v1/wallets/${from.from_wallet_id}/fund`, { amount: 1, source: 'test_faucet' });
  const { id } = await ask(
    node,
    sells,
    'POST /v1/services',
    { name: 'Rotating', price_per_call: 0.005 },
    201,
  );
  const authorize = () => ask(node, buys, `POST /v1/services/${id}/authorize`, from, 201);
  const verify = (token: string, status?: number) =>
    ask(node, sells, 'POST /v1/x402/verify', { token }, status);
  const [first, second] = [await authorize(), await authorize()];
  const { access_token } = await ask(node, '', 'POST /v1/explorer/sessions', {}, 201);
  const inSession = () =>
    statusOf('GET /v1/explorer/session', { 'x-explorer-access': access_token as string });
  expect(await published()).toEqual([kidOf(OLD)]);

  await restart({
    JWT_SECRET: NEW,
    FORMER_JWT_SECRETS: OLD,
    ADMIN_KEY: NEW_ADMIN,
    FORMER_ADMIN_KEYS: OLD_ADMIN,
  });
  expect(await published()).toEqual([kidOf(NEW), kidOf(OLD)]);
  expect(await verify(first['token'])).toMatchObject({ valid: true });
  for (const step of ['started', 'accepted', 'completed'])
    await ask(node, sells, `POST /v1/x402/tokens/${first['token_id']}/call-${step}`);
  expect(await ask(node, buys, `GET /v1/x402/tokens/${first['token_id']}`)).toMatchObject({
    status: 'settled',
  });
  expect(await inSession()).toBe(200);
  expect(await asOperator(OLD_ADMIN)).toBe(200);
  expect(await asOperator(NEW_ADMIN)).toBe(200);
  const third = await authorize();
  const [head = ''] = (third['token'] as string).replace('x402_tok_', '').split('.');
  expect(JSON.parse(Buffer.from(head, 'base64url').toString())).toMatchObject({ kid: kidOf(NEW) });

  await restart({ JWT_SECRET: NEW, ADMIN_KEY: NEW_ADMIN });
  expect(await published()).toEqual([kidOf(NEW)]);
  expect(await verify(second['token'], 401)).toMatchObject({ error: { reason: 'unknown_key' } });
  expect(await verify(third['token'])).toMatchObject({ valid: true });
  expect(await inSession()).toBe(401);
  expect(await asOperator(OLD_ADMIN)).toBe(401);
  expect(await asOperator(NEW_ADMIN)).toBe(200);
});
