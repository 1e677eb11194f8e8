import { ApiError, createApiClient } from './index.js';
import * as api from '@agentpay/api';
import { closeServers, failure, serve } from './seller.test.support.js';

const AGENT = 'agent_01kb3x9v7f5m2q8r4t6w0y1z3a';
const TOKEN = 'tokid_01kb3x9v7f5m2q8r4t6w0y1z3e';
const WALLET = 'wallet_01kb3x9v7f5m2q8r4t6w0y1z3b';

afterEach(closeServers);

/** Answers everything alike and keeps what came. */
async function startApi(status: number, answer: unknown, headers: Record<string, string> = {}) {
  const calls: { line: string; key: unknown; body: unknown }[] = [];
  const url = await serve(async (message, response) => {
    let text = '';
    for await (const chunk of message) text += String(chunk);
    calls.push({
      line: `${message.method} ${message.url}`,
      key: Object.values(api.credentials).flatMap(({ header }) => message.headers[header] ?? [])[0],
      body: text && JSON.parse(text),
    });
    response.writeHead(status, headers).end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  });
  return { url, calls };
}

const keyOf = (kind: api.Auth | undefined) =>
  kind === undefined ? undefined : kind === 'agent' ? 'Bearer pk_1' : `${kind}_1`;

/** The member of an example that is the body itself, for kinds of endpoints that give no JSON. */
const written = (response: Readonly<Record<string, unknown>>) => ({
  text: response['text'],
  page: response['html'],
  binary: Buffer.from(String(response['bytes']), 'base64').toString(),
  json: response,
  redirect: response,
  stream: response,
});

type AnyNouns = Record<string, Record<string, (input: object) => Promise<unknown>>>;

describe('the API client', () => {
  it('has every endpoint of the API under its noun and verb', async () => {
    // What is paid by x402 is bought as from any seller, and what is heard comes from others.
    const apart = ['paid', 'heard'];
    const called = api.endpoints.filter(({ id }) => !apart.includes(id.split('.')[1] as string));
    for (const endpoint of called) {
      const { example } = endpoint;
      const { url, calls } = await startApi(
        endpoint.status,
        written(example.response)[endpoint.kind],
        endpoint.kind === 'redirect' ? { location: String(example.response['location']) } : undefined,
      );
      const keys = {
        apiKey: 'apiKey_1',
        agentKey: 'agentKey_1',
        gateway: 'gateway_1',
        developer: 'developer_1',
        explorer: 'explorer_1',
      };
      const client = createApiClient({ url, apiKey: 'pk_1', adminKey: 'admin_1', keys });
      const [family = '', noun = '', verb = ''] = endpoint.id.split('.');
      const nouns = (family === 'runtime' ? client : client[family as never]) as unknown as AnyNouns;
      const answer = await nouns[noun]?.[verb]?.({ ...example.params, ...example.query, ...example.body });
      expect(answer).toEqual(api.decodeResponse(endpoint, example.response));
      const path = endpoint.path.replace(/\{(\w+)\}/g, (_, name: string) => example.params?.[name] as string);
      expect(calls[0]?.line.split('?')[0]).toBe(`${endpoint.method} ${path}`);
      // Sessions are of browsers: the client holds none.
      const kinds = [...endpoint.auth, ...endpoint.optionalAuth].filter((kind) => kind !== 'session');
      expect(calls[0]?.key).toBe(keyOf(kinds[0]));
      // Money has several spellings: "20" goes out as "20.00".
      const inputOf = (body: unknown) =>
        api.decodeInput(endpoint, { ...example.params, ...example.query, ...(body as object) });
      if (example.body) expect(inputOf(calls[0]?.body)).toEqual(inputOf(example.body));
    }
  });

  it('has no endpoint in which a name stands for two things', () => {
    for (const { params, query, body } of api.endpoints) {
      const names = [params, query, body].flatMap(({ shape }) => Object.keys(shape));
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it('writes money and numbers as the caller likes and reads money as micro-units', async () => {
    const answer = {
      wallet_id: WALLET,
      balance: 100.5,
      available: 100.5,
      currency: 'USD',
      transaction_id: 'tx_1',
    };
    const { url, calls } = await startApi(200, answer);
    const client = createApiClient({ url: `${url}/`, apiKey: 'pk_1' });
    const funded = await client.wallets.fund({ wallet_id: WALLET, amount: '100.50', source: 'test_faucet' });
    expect(funded.balance).toBe(100_500_000n);
    expect(calls[0]?.body).toEqual({ amount: 100.5, source: 'test_faucet' });
    const listing = await startApi(200, { agents: [], total: 0 });
    await createApiClient({ url: listing.url, apiKey: 'pk_1' }).agents.list({ limit: 5 });
    expect(listing.calls[0]?.line).toBe('GET /v1/agents?limit=5&offset=0');
  });

  it('refuses wrong input before anything is sent', async () => {
    const { url, calls } = await startApi(200, {});
    const client = createApiClient({ url, apiKey: 'pk_1' });
    const fund = client.wallets.fund({ wallet_id: WALLET, amount: '1e3', source: 'x' });
    expect(await failure(fund)).toMatchObject({ kind: 'invalid_amount', param: 'amount' });
    const get = client.tokens.get({ token_id: '../../agents' });
    expect(await failure(get)).toMatchObject({ kind: 'invalid_request', param: 'token_id' });
    expect(calls).toEqual([]);
  });

  it('tells a refusal with code, reason, hint and request id', async () => {
    const cause = { code: 'AP-1001', reason: 'agent_not_found', param: 'agent_id' };
    const error = { ...cause, message: 'No such agent.', hint: 'Look again.', request_id: 'req_1' };
    const { url } = await startApi(404, { error, code: 'AP-1001' }, { 'retry-after': '3' });
    const refusal = await failure(createApiClient({ url, apiKey: 'pk_1' }).agents.get({ agent_id: AGENT }));
    expect(refusal).toBeInstanceOf(ApiError);
    expect(refusal).toMatchObject({
      status: 404,
      code: 'AP-1001',
      reason: 'agent_not_found',
      message: 'No such agent.',
      hint: 'Look again.',
      requestId: 'req_1',
      param: 'agent_id',
      retryAfter: 3,
    });
  });

  it.each<[string, number, unknown]>([
    ["a proxy's page", 502, '<html>'],
    ['another shape', 200, { id: 1 }],
    ['no JSON', 200, 'ok'],
    ['too much', 200, 'x'.repeat(5 * 1024 * 1024)],
    ['a redirect', 302, ''],
  ])('says that the outcome is unknown when the response is %s', async (_, status, answer) => {
    const { url } = await startApi(status, answer, status === 302 ? { location: 'http://127.0.0.1:9/' } : {});
    const error = await failure(
      createApiClient({ url, apiKey: 'pk_1' }).tokens.callCompleted({ token_id: TOKEN }),
    );
    expect(error).toMatchObject({ kind: 'outcome_unknown' });
  });

  it('says that the outcome is unknown when there is no response', async () => {
    const url = await serve(() => undefined);
    const error = await failure(
      createApiClient({ url, apiKey: 'pk_1', timeoutMs: 50 }).tokens.get({ token_id: TOKEN }),
    );
    expect(error).toMatchObject({ kind: 'outcome_unknown' });
  });
});
