import { connect } from 'node:net';
import { endpoints } from '@agentpay/api';
import { createApp, createLogger, readConfig, start, type RunningServer } from '@agentpay/server';
import fc from 'fast-check';
import supertest from 'supertest';
import { newAgent, testApi, type TestAgent, type TestApi } from './testApi.js';

let api: TestApi;
let agent: TestAgent;

beforeAll(async () => {
  api = await testApi();
  agent = await newAgent(api, { funds: 10 });
});

afterAll(() => api.close());

function fund(body: string, headers: Record<string, string> = { 'content-type': 'application/json' }) {
  return api.http.post(`/v1/wallets/${agent.wallet}/fund`).set(agent.auth).set(headers).send(body);
}

describe('the border of the API', () => {
  it('answers an unknown path with 404 and the one error body', async () => {
    const { body, headers } = await api.http.get('/v1/nothing/here').expect(404);
    expect(body).toEqual({
      code: 'not_found',
      error: {
        code: 'not_found',
        reason: 'not_found',
        message: expect.any(String),
        hint: expect.any(String),
        request_id: headers['x-request-id'],
      },
    });
    expect(headers['x-ratelimit-limit']).toBe('1000000');
  });

  it('answers another method with 405 and Allow, and OPTIONS with Allow', async () => {
    const wrong = await api.http.put('/v1/agents').expect(405);
    expect(wrong.headers['allow']).toBe('POST, GET, HEAD, OPTIONS');
    expect(wrong.body.code).toBe('method_not_allowed');
    const options = await api.http.options('/v1/x402/verify').expect(204);
    expect(options.headers['allow']).toBe('POST, OPTIONS');
  });

  it.each(['/v1/agents/%', '/v1/agents/%ff', '/%c0%ae%c0%ae/'])(
    'answers the malformed path %s with 4xx',
    async (path) => {
      const response = await api.http.get(path).set(agent.auth);
      expect([400, 404]).toContain(response.status);
      expect(response.body.code).toMatch(/^(invalid_request|not_found)$/);
    },
  );

  it.each(['', '{', '{"amount":', 'nonsense', '"text"', '{"amount":1}}', '\u0000'])(
    'answers the body %j with 400',
    async (body) => {
      const response = await fund(body).expect(400);
      expect(['invalid_json', 'invalid_request']).toContain(response.body.code);
    },
  );

  it('refuses a body above 100 kB with 413', async () => {
    const response = await fund(JSON.stringify({ amount: 1, source: 'x'.repeat(101 * 1024) })).expect(413);
    expect(response.body.code).toBe('payload_too_large');
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json; charset=klingon',
  ])('refuses the content type %s with 415', async (type) => {
    const response = await fund('{"amount":1,"source":"test_faucet"}', { 'content-type': type }).expect(415);
    expect(response.body.code).toBe('unsupported_media_type');
  });

  it('reads deep JSON without harm', async () => {
    const deep = `${'['.repeat(40_000)}${']'.repeat(40_000)}`;
    await fund(`{"amount":${deep},"source":"test_faucet"}`).expect(400);
    await fund(
      `{"__proto__":{"amount":1},"constructor":{"prototype":{"amount":1}},"source":"test_faucet"}`,
    ).expect(400);
    expect(({} as { amount?: unknown }).amount).toBeUndefined();
  });

  it('takes a plain request id from the caller and replaces any other', async () => {
    const given = await api.http.get('/healthz').set('x-request-id', 'trace-1.2:3_4').expect(200);
    expect(given.headers['x-request-id']).toBe('trace-1.2:3_4');
    for (const id of ['a b', '<script>', 'x'.repeat(65)]) {
      const { headers } = await api.http.get('/healthz').set('x-request-id', id).expect(200);
      expect(headers['x-request-id']).toMatch(/^req_[0-9a-z]{26}$/);
    }
  });

  it('tells whether it is alive and whether it is ready', async () => {
    await api.http.get('/healthz').expect(200, { status: 'ok' });
    await api.http.get('/readyz').expect(200, { status: 'ok', checks: { database: 'ok', tracker: 'ok' } });
  });

  it('is not ready while its database is away, and stays alive', async () => {
    const ready = async () => ({ database: 'failed', tracker: 'ok' }) as const;
    const app = createApp({ ...api.composition, ready }, readConfig({}));
    const response = await supertest(app).get('/readyz').expect(503);
    expect(response.body).toMatchObject({
      code: 'unavailable',
      status: 'unavailable',
      checks: { database: 'failed' },
    });
    await supertest(app).get('/healthz').expect(200);
  });

  it('sets the headers that browsers need to stay out of trouble', async () => {
    const { headers } = await api.http.get('/healthz').expect(200);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-security-policy']).toContain("default-src 'self'");
    expect(headers['x-powered-by']).toBeUndefined();
  });
});

describe('rate limits', () => {
  it('refuse the call after the burst with 429, Retry-After and AP-3002, and let it pass when time has gone by', async () => {
    const limited = await testApi({ RATE_LIMIT_PER_MINUTE: '60', RATE_LIMIT_BURST: '2' });
    try {
      const buyer = await newAgent(limited);
      const other = await newAgent(limited);
      const read = (who: TestAgent) => limited.http.get('/v1/agents').set(who.auth);
      const first = await read(buyer).expect(200);
      expect(first.headers).toMatchObject({ 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '1' });
      expect(Number(first.headers['x-ratelimit-reset'])).toBe(limited.clock.now() / 1000 + 1);
      await read(buyer).expect(200);
      const refused = await read(buyer).expect(429);
      expect(refused.body.error).toMatchObject({ code: 'AP-3002', reason: 'rate_limited' });
      expect(refused.headers).toMatchObject({ 'retry-after': '1', 'x-ratelimit-remaining': '0' });
      await read(other).expect(200);
      limited.clock.advance(1000);
      await read(buyer).expect(200);
    } finally {
      await limited.close();
    }
  });

  it('are charged to the address by those who guess keys', async () => {
    const limited = await testApi({ RATE_LIMIT_PER_MINUTE: '60', RATE_LIMIT_BURST: '3' });
    try {
      const guess = (n: number) => limited.http.get('/v1/agents').set('authorization', `Bearer pk_test_${n}`);
      const statuses = [];
      for (let n = 0; n < 5; n++) statuses.push((await guess(n)).status);
      expect(statuses).toEqual([401, 401, 401, 429, 429]);
    } finally {
      await limited.close();
    }
  });

  it('meet a right key, too, from an address that guessed too much, in whatever spelling it comes', async () => {
    const limited = await testApi({
      RATE_LIMIT_PER_MINUTE: '60',
      RATE_LIMIT_BURST: '3',
      TRUST_PROXY_HOPS: '1',
    });
    try {
      const buyer = await newAgent(limited);
      const from = async (address: string, key: string) =>
        (await limited.http.get('/v1/agents').set({ authorization: key, 'x-forwarded-for': address })).status;
      for (const address of ['203.0.113.7:50001', '203.0.113.7:50002', '::ffff:203.0.113.7'])
        expect(await from(address, 'Bearer pk_test_1')).toBe(401);
      const right = buyer.auth.authorization;
      expect(await from('203.0.113.7', right)).toBe(429);
      expect(await from('203.0.113.8', right)).toBe(200);
      limited.clock.advance(1000);
      expect(await from('203.0.113.7', right)).toBe(200);
    } finally {
      await limited.close();
    }
  });

  it('are counted at /mcp like anywhere else', async () => {
    const limited = await testApi({
      RATE_LIMIT_PER_MINUTE: '60',
      RATE_LIMIT_BURST: '3',
      TRUST_PROXY_HOPS: '1',
    });
    try {
      const right = (await newAgent(limited)).auth.authorization;
      const listed = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
      const accept = 'application/json, text/event-stream';
      const call = async (authorization: string) => {
        const headers = { authorization, accept, 'x-forwarded-for': '203.0.113.7' };
        return (await limited.http.post('/mcp').set(headers).send(listed)).status;
      };
      expect(await call(right)).toBe(200);
      for (let n = 0; n < 3; n++) expect(await call('Bearer pk_test_1')).toBe(401);
      expect(await call(right)).toBe(429);
      limited.clock.advance(1000);
      expect(await call(right)).toBe(200);
    } finally {
      await limited.close();
    }
  });
});

describe('any request at all', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.constantFrom('tokid_', '%', '\u0000', '..', '🜁'),
  );
  const headerValue = fc.stringMatching(/^[\t\x20-\x7e\x80-\xff]{0,80}$/);
  const headerName = fc.constantFrom(
    'authorization',
    'x-admin-key',
    'idempotency-key',
    'x-request-id',
    'content-type',
    'x-forwarded-for',
  );
  const headers = fc.dictionary(headerName, headerValue);
  const filled = fc
    .jsonValue()
    .map((value) => JSON.stringify({ amount: value, name: value, token: value, price_per_call: 1 }));
  const body = fc.oneof(fc.json({ maxDepth: 4 }), fc.string({ unit: 'binary' }), filled);

  it('is answered below 500, and refused with a stable code', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...endpoints),
        text,
        headers,
        body,
        fc.boolean(),
        async (endpoint, id, extra, payload, known) => {
          const path = endpoint.path.replace(/\{\w+\}/g, encodeURIComponent(id) || 'x');
          const request = api.http[endpoint.method.toLowerCase() as 'get' | 'post' | 'delete'](path)
            .set('content-type', 'application/json')
            .set(extra)
            .set(known ? agent.auth : {});
          const response = await (endpoint.method === 'GET'
            ? request.query({ limit: id, url: id })
            : request.send(payload));
          expect(response.status).toBeLessThan(500);
          if (response.status >= 400) {
            expect(response.body.error).toMatchObject({
              code: expect.stringMatching(/^[\w-]+$/),
              request_id: response.headers['x-request-id'],
            });
            expect(JSON.stringify(response.body)).not.toMatch(/\bat .*\.js:\d+/);
          }
        },
      ),
      { numRuns: 300 },
    );
    expect(api.logged.join('')).not.toContain('request failed');
  });
});

describe('what is not even HTTP', () => {
  let running: RunningServer;
  beforeAll(async () => {
    running = await start(readConfig({ PORT: '0' }), { log: createLogger('silent') });
  });
  afterAll(() => running.close());

  /** Sends bytes and reads until the server closes. */
  function raw(
    bytes: string,
  ): Promise<{ status: number; body: { code: string; error: { request_id: string } } }> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = new URL(running.url);
      const socket = connect(Number(port), hostname, () => socket.write(bytes));
      let response = '';
      socket.on('data', (chunk) => (response += chunk.toString()));
      socket.on('error', reject);
      socket.on('close', () => {
        const [head = '', text = ''] = response.split('\r\n\r\n');
        resolve({ status: Number(head.split(' ')[1]), body: JSON.parse(text) as never });
      });
    });
  }

  const post = 'POST /v1/agents HTTP/1.1\r\nHost: x\r\n';
  it.each([
    [
      'headers above the limit',
      `GET / HTTP/1.1\r\nHost: x\r\nX-Big: ${'a'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    ['nonsense', 'NONSENSE\r\n\r\n', 400, 'invalid_request'],
    ['a bad header', 'GET / HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n', 400, 'invalid_request'],
    ['two lengths', `${post}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}`, 400, 'invalid_request'],
    [
      'length and chunks',
      `${post}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
      400,
      'invalid_request',
    ],
    ['no host', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'invalid_request'],
    [
      'an unknown expectation',
      `${post}Expect: 200-maybe\r\nContent-Length: 0\r\n\r\n`,
      400,
      'invalid_request',
    ],
  ])('%s: the one error body', async (_what, bytes, status, code) => {
    const response = await raw(bytes);
    expect(response).toMatchObject({
      status,
      body: { code, error: { code, request_id: expect.stringMatching(/^req_/) } },
    });
  });
});
