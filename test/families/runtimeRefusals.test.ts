import { endpoints, errorCode, errorsOf, pathParams, runtime, type Auth, type Endpoint } from '@agentpay/api';
import { isId, newId, systemRandom, type IdKind } from '@agentpay/primitives';
import {
  ADMIN_KEY,
  authorize,
  newAgent,
  newService,
  testApi,
  type TestAgent,
  type TestApi,
} from './testApi.js';

/** What every endpoint refuses, derived from its definition: a new endpoint is covered by being defined. */
let api: TestApi;
let agent: TestAgent;

beforeAll(async () => {
  api = await testApi();
  agent = await newAgent(api, { funds: 10 });
});

afterAll(async () => {
  await api.close();
  const text = api.logged.join('');
  expect(text).not.toContain('undocumented error');
  expect(text).not.toContain('request failed');
  expect(text).toContain(agent.id);
  expect(text).not.toContain(agent.key);
  expect(text).not.toContain(ADMIN_KEY);
});

const kinds: Record<string, IdKind> = {
  agent_id: 'agent',
  wallet_id: 'wallet',
  service_id: 'service',
  token_id: 'token',
};

type Headers = Record<string, string>;
interface Sent {
  readonly params?: Record<string, string>;
  readonly query?: Record<string, string>;
  readonly body?: unknown;
  readonly headers?: Headers;
}

async function send(endpoint: Endpoint, sent: Sent = {}) {
  const params = { ...endpoint.example.params, ...sent.params };
  const path = endpoint.path.replace(/\{(\w+)\}/g, (_match, name: string) =>
    encodeURIComponent(params[name] as string),
  );
  const request = api.http[endpoint.method.toLowerCase() as 'get' | 'post' | 'delete'](path)
    .query(sent.query ?? endpoint.example.query ?? {})
    .set(sent.headers ?? credential(endpoint));
  if (endpoint.method === 'GET') return request;
  return request
    .set('content-type', 'application/json')
    .send(JSON.stringify('body' in sent ? sent.body : (endpoint.example.body ?? {})));
}

function credential(endpoint: Endpoint): Headers {
  const [kind] = endpoint.auth;
  const headers: Record<Auth, Headers> = { agent: { ...agent.auth }, admin: { 'x-admin-key': ADMIN_KEY } };
  return kind === undefined ? {} : headers[kind];
}

function expectRefusal(
  answer: { status: number; body: unknown; headers: Headers },
  endpoint: Endpoint,
  status: number,
): string {
  expect(answer.body).toEqual({
    code: expect.stringMatching(/^[\w-]+$/),
    error: expect.objectContaining({
      code: (answer.body as { code: string }).code,
      reason: expect.any(String),
      message: expect.any(String),
      hint: expect.any(String),
      request_id: answer.headers['x-request-id'],
    }),
  });
  expect(answer.status).toBe(status);
  expect(errorsOf(endpoint).map((kind) => errorCode(runtime, kind))).toContain(
    (answer.body as { code: string }).code,
  );
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(Object.keys(answer.headers)).toEqual(
    expect.arrayContaining(['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset']),
  );
  return (answer.body as { error: { reason: string } }).error.reason;
}

const guarded = endpoints.filter((endpoint) => endpoint.auth.length > 0);
const identified = endpoints.filter((endpoint) => pathParams(endpoint.path).length > 0);
const withBody = endpoints.filter((endpoint) => Object.keys(endpoint.body.shape).length > 0);
const withQuery = endpoints.filter((endpoint) => Object.keys(endpoint.query.shape).length > 0);
const named = (list: readonly Endpoint[]) => list.map((endpoint) => [endpoint.id, endpoint] as const);

describe.each(named(guarded))('%s', (_id, endpoint) => {
  const wrong: [string, () => Headers][] = [
    ['no credential', () => ({})],
    ['an unknown key', () => ({ authorization: `Bearer pk_test_${'0'.repeat(48)}` })],
    ['the key under another scheme', () => ({ authorization: `Basic ${agent.key}` })],
    ['the key of an agent as admin key', () => ({ 'x-admin-key': agent.key })],
    ['the admin key as bearer', () => ({ authorization: `Bearer ${ADMIN_KEY}` })],
    ['the key in a header of another product', () => ({ 'x-api-key': agent.key, 'x-agent-key': agent.key })],
    ['an empty key', () => ({ authorization: 'Bearer ', 'x-admin-key': '' })],
  ];
  it.each(wrong)('refuses %s with 401', async (_what, headers) => {
    const answer = await send(endpoint, { headers: headers() });
    expect(expectRefusal(answer, endpoint, 401)).toBe('unauthorized');
    expect(answer.headers['www-authenticate']).toContain('Bearer');
  });
});

describe.each(named(identified))('%s', (_id, endpoint) => {
  const [param] = pathParams(endpoint.path) as [string];
  const kind = kinds[param] as IdKind;

  it('answers 404 for an id that nobody has', async () => {
    const id = newId(kind, { clock: api.clock, random: systemRandom });
    expect(expectRefusal(await send(endpoint, { params: { [param]: id } }), endpoint, 404)).toBe(
      `${kind}_not_found`,
    );
  });

  it.each(['x', "' or 1=1 --", '../etc/passwd', '\u0000', 'tx_01kb3x9v7f5m2q8r4t6w0y1z3c', 'é'.repeat(200)])(
    'answers 400 for the malformed id %j',
    async (id) => {
      expect(isId(kind, id)).toBe(false);
      const answer = await send(endpoint, { params: { [param]: id } });
      expect(expectRefusal(answer, endpoint, 400)).toBe('invalid_request');
      expect(answer.body.error.param).toBe(param);
    },
  );
});

describe.each(named(withBody))('%s', (_id, endpoint) => {
  const fields = Object.keys(endpoint.body.shape);
  const required = fields.filter(
    (field) => !endpoint.body.shape[field]?.safeDecode(undefined as never).success,
  );

  it.each([[[]], ['text'], [5], [null], [[[]]]])('refuses the body %j', async (body) => {
    expect((await send(endpoint, { body })).status).toBe(400);
  });

  it('names each field of a wrong type', async () => {
    for (const field of fields) {
      const answer = await send(endpoint, { body: { ...endpoint.example.body, [field]: [{}] } });
      expect(expectRefusal(answer, endpoint, 400)).toBe('invalid_request');
      expect(answer.body.error).toMatchObject({
        param: field,
        message: expect.stringContaining(`"${field}"`),
      });
    }
  });

  it('names each required field that is missing', async () => {
    for (const field of required) {
      const answer = await send(endpoint, { body: { ...endpoint.example.body, [field]: undefined } });
      expect(expectRefusal(answer, endpoint, 400)).toBe('invalid_request');
      expect(answer.body.error).toMatchObject({ param: field, message: expect.stringContaining('required') });
    }
  });

  it('refuses malformed amounts by their own name', async () => {
    for (const field of fields.filter((name) => /amount|price/.test(name))) {
      for (const amount of [-1, 0, 1e-7, 1e300, '1e3', '0x1', '', '1.0000001']) {
        const answer = await send(endpoint, { body: { ...endpoint.example.body, [field]: amount } });
        expect(expectRefusal(answer, endpoint, 400)).toBe('invalid_amount');
      }
    }
  });
});

describe.each(named(withQuery))('%s', (_id, endpoint) => {
  it('names each query parameter that is malformed', async () => {
    for (const field of Object.keys(endpoint.query.shape)) {
      const answer = await send(endpoint, { query: { ...endpoint.example.query, [field]: '\u0000' } });
      expect(expectRefusal(answer, endpoint, 400)).toBe('invalid_request');
      expect(answer.body.error.param).toBe(field);
    }
  });
});

describe('what belongs to somebody else', () => {
  const theirs: Record<string, string> = {};
  let stranger: TestAgent;
  let provider: TestAgent;

  beforeAll(async () => {
    stranger = await newAgent(api, { funds: 1 });
    provider = await newAgent(api);
    const service_id = await newService(api, provider);
    const { token_id } = await authorize(api, agent, service_id);
    Object.assign(theirs, { agent_id: agent.id, wallet_id: agent.wallet, token_id });
  });

  const owned = identified.filter(
    (endpoint) => endpoint.auth.includes('agent') && !endpoint.path.includes('{service_id}'),
  );
  it.each(named(owned))('does not exist for a stranger: %s', async (_id, endpoint) => {
    const [param] = pathParams(endpoint.path) as [string];
    const answer = await send(endpoint, {
      params: { [param]: theirs[param] as string },
      headers: { ...stranger.auth },
    });
    expect(expectRefusal(answer, endpoint, 404)).toBe(`${kinds[param]}_not_found`);
  });

  it('a token is cancelled by its consumer only and served by its provider only', async () => {
    const url = `/v1/x402/tokens/${theirs['token_id']}`;
    await api.http.delete(url).set(provider.auth).expect(404);
    for (const event of ['call-started', 'call-accepted', 'call-completed', 'call-failed']) {
      await api.http.post(`${url}/${event}`).set(agent.auth).expect(404);
    }
  });

  it('a token is redeemed by the provider of its service only', async () => {
    const { token } = await authorize(api, agent, await newService(api, provider));
    await api.http.post('/v1/x402/verify').set(stranger.auth).send({ token }).expect(404);
    await api.http.post('/v1/x402/verify').set(agent.auth).send({ token }).expect(404);
    await api.http.post('/v1/x402/verify').set(provider.auth).send({ token }).expect(200);
  });

  it('a wallet of somebody else does not pay', async () => {
    const service = await newService(api, provider);
    const url = `/v1/services/${service}/authorize`;
    const answer = await api.http
      .post(url)
      .set(stranger.auth)
      .send({ from_wallet_id: agent.wallet })
      .expect(404);
    expect(answer.body.error.reason).toBe('wallet_not_found');
  });
});
