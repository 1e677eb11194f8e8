import { errorCode, families, renderError, type Endpoint, type Family } from '@agentpay/api';
import { AgentPayError, type ErrorName } from '@agentpay/primitives';
import type { Response } from 'supertest';
import { callables } from './calls.js';
import { newWorld, type World } from './world.js';

/** What is refused before an endpoint has its say is worded by the family of the path all the same. */
let world: World;

beforeAll(async () => {
  world = await newWorld();
});

afterAll(() => world.api.close());

const all = Object.values<Family>(families);
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
type Method = (typeof methods)[number];

function ask(method: Method, path: string, headers: Record<string, string> = {}, body?: string) {
  const request = world.api.http[method.toLowerCase() as Lowercase<Method>](path).redirects(0).set(headers);
  return body === undefined ? request : request.set('content-type', 'application/json').send(body);
}

/** Code, status, shape and request id of an error as this family words it. */
function expectError(answer: Response, family: Family, kind: ErrorName): void {
  const { request: sent, status, headers } = answer;
  const wanted = renderError(family, new AgentPayError(kind, 'x'), headers['x-request-id'] as string);
  const { error, ...rest } = answer.body as { error: object };
  const { error: wantedError, ...wantedRest } = wanted.body;
  const said = { message: expect.any(String), hint: expect.any(String) };
  expect([sent.url, status, rest, error]).toEqual([
    sent.url,
    wanted.status,
    // What a family says in words of its own, it may say of this error.
    Object.fromEntries(
      Object.entries(wantedRest).map(([name, value]) => [name, value === 'x' ? expect.any(String) : value]),
    ),
    expect.objectContaining({ ...wantedError, ...said }),
  ]);
  expect(headers['content-type']).toContain('application/json');
  expect(headers['x-request-id']).toMatch(/^req_/);
}

it('families differ in how they word errors, or nothing here would tell them apart', () => {
  const worded = all.map((family) =>
    (['not_found', 'unauthorized', 'invalid_json'] as const).map(
      (kind) => renderError(family, new AgentPayError(kind, 'x'), 'req_1').body,
    ),
  );
  expect(new Set(worded.map((bodies) => JSON.stringify(bodies))).size).toBeGreaterThanOrEqual(5);
  expect(all.map((family) => errorCode(family, 'invalid_json'))).toEqual(
    expect.arrayContaining(['invalid_json', 'bad_request', 'INVALID_JSON']),
  );
});

/** Under these every path is something, for those who may see it. */
const closed = ['/dashboard', '/metered-proxy'];

const pathOf = ({ path, example }: Endpoint) =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(example.params?.[name])));

const matches = (endpoint: Endpoint, path: string) =>
  new RegExp(`^${endpoint.path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`).test(path);

describe.each(all.map((family) => [family.id, family] as const))('%s', (_id, family) => {
  const own = callables.filter((each) => each.family === family).map(({ endpoint }) => endpoint);

  it('answers a path that nothing stands at with its 404, under each of its prefixes', async () => {
    for (const prefix of family.paths) {
      const path = `${prefix.replace(/\/$/, '')}/nothing/stands/just/here/now`;
      const kind = closed.includes(prefix) ? 'unauthorized' : 'not_found';
      expectError(await ask('GET', path), family, kind);
      if (kind === 'not_found') expectError(await ask('POST', path, {}, '{'), family, kind);
    }
  });

  it('answers a method that a path does not have with its 405, and says which it has', async () => {
    const paths = [...new Set(own.map(pathOf))];
    expect(paths.length).toBeGreaterThan(2);
    for (const path of paths) {
      const here = callables.map(({ endpoint }) => endpoint).filter((endpoint) => matches(endpoint, path));
      const other = methods.find((method) => here.every((endpoint) => endpoint.method !== method)) as Method;
      const answer = await ask(other, path);
      expectError(answer, family, 'method_not_allowed');
      const offered = own.filter((endpoint) => pathOf(endpoint) === path).map(({ method }) => method);
      expect(String(answer.headers['allow']).split(', ')).toEqual(
        expect.arrayContaining([...offered, 'OPTIONS']),
      );
    }
  });

  it('answers a body that is no JSON, and one above the limit, with its own errors', async () => {
    const taking = own.filter(({ body }) => Object.keys(body.shape).length > 0);
    expect(taking.length).toBeGreaterThan(0);
    const long = JSON.stringify({ text: 'x'.repeat(100 * 1024) });
    for (const endpoint of taking) {
      const [kind] = endpoint.auth;
      const headers = kind ? world.credential(kind) : {};
      const send = (body: string) => ask(endpoint.method, pathOf(endpoint), headers, body);
      expectError(await send('{'), family, 'invalid_json');
      expectError(await send(long), family, 'payload_too_large');
    }
  });
});
