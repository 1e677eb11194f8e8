import {
  credentials,
  errorCode,
  errorsOf,
  pathParams,
  renderError,
  type Auth,
  type Endpoint,
} from '@agentpay/api';
import { AgentPayError, isId, newId, systemRandom, type IdKind } from '@agentpay/primitives';
import { callables, named, type Callable } from './calls.js';
import { ADMIN_KEY } from './testApi.js';
import { headersFor, newWorld, send, type RequestHeaders, type World } from './world.js';

/** What every endpoint refuses, derived from its definition: a new endpoint is covered by being defined. */
let world: World;

beforeAll(async () => {
  world = await newWorld();
});

afterAll(async () => {
  await world.api.close();
  const text = world.api.logged.join('');
  expect(text).toContain(world.agent.id);
  expect(text).not.toContain(world.agent.key);
  expect(text).not.toContain(ADMIN_KEY);
});

function expectRefusal(
  answer: { status: number; body: unknown; headers: RequestHeaders },
  { family, endpoint }: Callable,
  status: number,
): string {
  const { code, error } = answer.body as { code: string; error: { reason: string; request_id: string } };
  const wanted = renderError(family, new AgentPayError('not_found', 'x'), 'req_1').body;
  expect(Object.keys(answer.body as object).sort()).toEqual(Object.keys(wanted).sort());
  expect(error).toEqual(
    expect.objectContaining({
      code,
      reason: expect.any(String),
      message: expect.any(String),
      hint: expect.any(String),
      request_id: answer.headers['x-request-id'],
    }),
  );
  expect(answer.status).toBe(status);
  expect(errorsOf(endpoint).map((kind) => errorCode(family, kind))).toContain(code);
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(Object.keys(answer.headers)).toEqual(
    expect.arrayContaining(['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset']),
  );
  return error.reason;
}

/** The kind of id that a path parameter is. */
function idKindOf(endpoint: Endpoint, param: string): IdKind | undefined {
  return endpoint.params.shape[param]?.meta()?.['idKind'] as IdKind | undefined;
}

const kinds = Object.keys(credentials) as Auth[];
const guarded = callables.filter(({ endpoint }) => endpoint.auth.length > 0);
const withPath = callables.filter(({ endpoint }) => pathParams(endpoint.path).length > 0);
/** Pages are named in their path, everything else has an id there. */
const isNamed = ({ endpoint }: Callable) =>
  pathParams(endpoint.path).every((param) => endpoint.params.shape[param]?.meta()?.['pageName'] === true);
const identified = withPath.filter((callable) => !isNamed(callable));
const withBody = callables.filter(({ endpoint }) => Object.keys(endpoint.body.shape).length > 0);
const withQuery = callables.filter(({ endpoint }) => Object.keys(endpoint.query.shape).length > 0);

describe.each(named(guarded))('%s', (_id, callable) => {
  const { endpoint, family } = callable;
  const taken = endpoint.auth as readonly Auth[];

  it('refuses no credential with 401, and says what it takes', async () => {
    const answer = await send(world, endpoint, { headers: {} });
    expect(expectRefusal(answer, callable, 401)).toBe('unauthorized');
    for (const kind of taken) expect(answer.body.error.message).toContain(credentials[kind].shown);
    if (family.credentials.includes('agent'))
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="agentpay"');
  });

  it.each(taken)('refuses a %s credential that is unknown, empty or malformed', async (kind) => {
    const unknown = `${credentials[kind].prefixes[0] ?? ''}${'0'.repeat(48)}`;
    for (const secret of [unknown, '', 'x', `${unknown} ${unknown}`, 'pk_test_'.repeat(100)]) {
      const answer = await send(world, endpoint, { headers: headersFor(kind, secret) });
      expect(expectRefusal(answer, callable, 401)).toBe('unauthorized');
    }
  });

  it.each(kinds.filter((kind) => !taken.includes(kind)))('refuses a valid %s credential', async (kind) => {
    const answer = await send(world, endpoint, { headers: world.credential(kind) });
    expect(expectRefusal(answer, callable, 401)).toBe('unauthorized');
  });

  it('refuses the key under another scheme', async () => {
    const answer = await send(world, endpoint, { headers: { authorization: `Basic ${world.agent.key}` } });
    expect(expectRefusal(answer, callable, 401)).toBe('unauthorized');
  });
});

/** Credentials are read by what an endpoint takes: one endpoint of each family stands for all that take the same. */
const takes = ({ family, endpoint }: Callable) => `${family.id} ${endpoint.auth.join(' ')}`;
const oneOfEach = [...new Map(guarded.map((callable) => [takes(callable), callable])).values()];

describe.each(named(oneOfEach))('%s', (_id, callable) => {
  it('refuses valid secrets in the headers of other kinds', async () => {
    for (const [own, other] of kinds.flatMap((a) => kinds.map((b) => [a, b] as const))) {
      if (own === other || credentials[own].header === credentials[other].header) continue;
      const headers = headersFor(other, secretIn(world.credential(own)));
      const answer = await send(world, callable.endpoint, { headers });
      expect(expectRefusal(answer, callable, 401)).toBe('unauthorized');
    }
  });
});

describe.each(named(callables.filter(({ endpoint }) => endpoint.optionalAuth.length > 0)))(
  '%s',
  (_id, callable) => {
    const { endpoint } = callable;
    it.each(endpoint.optionalAuth)(
      'needs no credential, but refuses a wrong one of kind %s',
      async (kind) => {
        const unknown = `${credentials[kind].prefixes[0] ?? ''}${'0'.repeat(48)}`;
        for (const secret of [unknown, 'x', `${unknown} ${unknown}`]) {
          const answer = await send(world, endpoint, { headers: headersFor(kind, secret) });
          expect(expectRefusal(answer, callable, 401)).toBe('unauthorized');
        }
        const { shared: _, ...sent } = await callable.call(world);
        for (const headers of [{}, { authorization: 'Bearer ' }, { authorization: 'Basic eDp5' }])
          expect((await send(world, endpoint, { ...sent, headers })).status).toBe(endpoint.status);
        const headers = world.credential(kind);
        expect((await send(world, endpoint, { ...sent, headers })).status).toBe(endpoint.status);
      },
    );
  },
);

/** The bare secret of a header that {@link World.credential} made. */
function secretIn(headers: RequestHeaders): string {
  return (Object.values(headers)[0] as string).replace(/^(Bearer |[\w]+=)/, '');
}

describe.each(named(identified))('%s', (_id, callable) => {
  const { endpoint } = callable;
  const [param] = pathParams(endpoint.path) as [string];
  const kind = idKindOf(endpoint, param);

  it('names the kind of its ids', () => expect(kind).toBeDefined());

  it("answers 404 for an id that nobody has, or 401 where only the caller's own will do", async () => {
    const id = newId(kind as IdKind, { clock: world.api.clock, random: systemRandom });
    const answer = await send(world, endpoint, { params: { [param]: id } });
    // A payment is a transaction between two parties.
    const noun = kind === 'transaction' ? 'payment' : kind;
    if (endpoint.self) return void expect(expectRefusal(answer, callable, 401)).toBe('unauthorized');
    expect(expectRefusal(answer, callable, 404)).toBe(`${noun}_not_found`);
  });

  it.each([
    'x',
    "' or 1=1 --",
    '../etc/passwd',
    '\u0000',
    'hold_01kb3x9v7f5m2q8r4t6w0y1z3c',
    'é'.repeat(200),
  ])('answers 400 for the malformed id %j', async (id) => {
    expect(isId(kind as IdKind, id)).toBe(false);
    const answer = await send(world, endpoint, { params: { [param]: id } });
    expect(expectRefusal(answer, callable, 400)).toBe('invalid_request');
    expect(answer.body.error.param).toBe(param);
  });

  const owned = (endpoint.auth as readonly Auth[]).filter((auth) => credentials[auth].party !== 'platform');
  it('does not show what it names to a stranger', async () => {
    for (const auth of owned) {
      const { shared, ...sent } = await callable.call(world);
      const answer = await send(world, endpoint, { ...sent, headers: world.foreign(auth) });
      if (shared) expect(answer.status).toBe(endpoint.status);
      else if (endpoint.self) expect(expectRefusal(answer, callable, 401)).toBe('unauthorized');
      else expect(expectRefusal(answer, callable, 404)).toMatch(/_not_found$/);
    }
  });
});

describe.each(named(withPath.filter(isNamed)))('%s', (_id, callable) => {
  const { endpoint } = callable;
  const [param] = pathParams(endpoint.path) as [string];

  it('answers 404 for the name of no page', async () => {
    for (const name of ['nothing', 'constructor', '__proto__', 'README', 'package.json'])
      expect((await send(world, endpoint, { params: { [param]: name } })).status).toBe(
        name === '__proto__' ? 400 : 404,
      );
  });

  it.each(["' or 1=1 --", '../etc/passwd', '\u0000', 'é'.repeat(200)])(
    'answers 400 for the malformed name %j',
    async (name) => {
      const answer = await send(world, endpoint, { params: { [param]: name } });
      expect(expectRefusal(answer, callable, 400)).toBe('invalid_request');
      expect(answer.body.error.param).toBe(param);
    },
  );
});

describe.each(named(withBody))('%s', (_id, callable) => {
  const { endpoint } = callable;
  const fields = Object.keys(endpoint.body.shape);
  const required = fields.filter(
    (field) => !endpoint.body.shape[field]?.safeDecode(undefined as never).success,
  );

  it.each([[[]], ['text'], [5], [null], [[[]]]])('refuses the body %j', async (body) => {
    expect((await send(world, endpoint, { body })).status).toBe(400);
  });

  it('names each field of a wrong type', async () => {
    for (const field of fields) {
      const found = endpoint.body.shape[field]?.safeDecode(0 as never);
      const [issue] = found?.error?.issues ?? [];
      const wrong = issue?.code === 'invalid_type' && issue.expected === 'array' ? {} : [{}];
      const answer = await send(world, endpoint, { body: { ...endpoint.example.body, [field]: wrong } });
      expect(expectRefusal(answer, callable, 400)).toBe('invalid_request');
      expect(answer.body.error).toMatchObject({
        // of a list it is the item that is at fault
        param: expect.stringMatching(new RegExp(`^${field}(\\.0)?$`)),
        message: expect.stringContaining(`"${field}`),
      });
    }
  });

  it('names each required field that is missing', async () => {
    for (const field of required) {
      const answer = await send(world, endpoint, { body: { ...endpoint.example.body, [field]: undefined } });
      expect(expectRefusal(answer, callable, 400)).toBe('invalid_request');
      expect(answer.body.error).toMatchObject({ param: field, message: expect.stringContaining('required') });
    }
  });

  it('refuses malformed amounts by their own name', async () => {
    for (const field of fields.filter((name) => /amount|price/.test(name))) {
      for (const amount of [-1, 0, 1e-7, 1e300, '1e3', '0x1', '', '1.0000001']) {
        const answer = await send(world, endpoint, { body: { ...endpoint.example.body, [field]: amount } });
        expect(expectRefusal(answer, callable, 400)).toBe('invalid_amount');
      }
    }
  });
});

describe.each(named(withQuery))('%s', (_id, callable) => {
  const { endpoint } = callable;
  it('names each query parameter that is malformed', async () => {
    for (const field of Object.keys(endpoint.query.shape)) {
      const answer = await send(world, endpoint, { query: { ...endpoint.example.query, [field]: '\u0000' } });
      expect(expectRefusal(answer, callable, 400)).toBe('invalid_request');
      expect(answer.body.error.param).toBe(field);
    }
  });
});
