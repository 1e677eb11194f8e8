import {
  callName,
  endpoints,
  endpointsOf,
  errorsOf,
  families,
  errorCodes,
  type Endpoint,
  type Family,
} from '@agentpay/api';
import { Validator } from '@seriousme/openapi-schema-validator';
import { newAgent, testApi, type TestApi } from '../testApi.js';

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

type Schema = Record<string, unknown>;
interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: unknown;
  readonly responses: Record<string, { description: string }>;
  readonly security: readonly object[];
}
type Paths = Record<string, Record<string, Operation>>;

function operationOf(paths: Paths, { path, method }: Endpoint): Operation {
  const operation = paths[path]?.[method.toLowerCase()];
  if (!operation) throw new Error(`${method} ${path} is missing.`);
  return operation;
}

async function read(path: string): Promise<Schema> {
  return (await api.http.get(path).expect(200)).body as Schema;
}

describe.each([
  ['/openapi/spec.json', '3.1'],
  ['/openapi/v2.json', '2.0'],
])('%s', (path, version) => {
  it(`is a valid document of version ${version}`, async () => {
    const validator = new Validator();
    const result = await validator.validate(await read(path));
    expect(result.errors).toBeUndefined();
    expect([result.valid, validator.version]).toEqual([true, version]);
  });

  it('has every endpoint under its method and path, with its parameters and the name of its call', async () => {
    const paths = (await read(path))['paths'] as Paths;
    for (const endpoint of endpoints) {
      const operation = operationOf(paths, endpoint);
      expect(operation.operationId).toBe(callName(endpoint));
      const names = (place: string) =>
        operation.parameters.filter((each) => each.in === place).map(({ name }) => name);
      expect(names('path')).toEqual(Object.keys(endpoint.params.shape));
      expect(names('query')).toEqual(Object.keys(endpoint.query.shape));
      const { auth, optionalAuth } = endpoint;
      const kinds = [...auth, ...optionalAuth].map((kind) => [kind]);
      expect(operation.security.map((one) => Object.keys(one))).toEqual(
        optionalAuth.length > 0 ? [[], ...kinds] : kinds,
      );
    }
    const count = Object.values(paths).flatMap((operations) => Object.keys(operations)).length;
    expect(count).toBe(endpoints.length);
  });

  it('names every error of every endpoint with its code under its status', async () => {
    const paths = (await read(path))['paths'] as Paths;
    for (const family of Object.values<Family>(families)) {
      for (const endpoint of endpointsOf(family)) {
        const { responses } = operationOf(paths, endpoint);
        const text = Object.values(responses)
          .map(({ description }) => description)
          .join('\n');
        for (const name of errorsOf(endpoint)) {
          const codes = errorCodes(family, name).map((code) => `\`${code}\``);
          expect(text).toContain(`${codes.join(', ')}, reason \`${name}\``);
        }
      }
    }
  });
});

describe('/openapi/spec.json', () => {
  it('says where this API is, and what money, times and ids look like', async () => {
    const document = await read('/openapi/spec.json');
    expect(document['servers']).toEqual([{ url: 'http://api.test' }]);
    const paths = document['paths'] as Record<string, Record<string, Schema>>;
    const fund = JSON.stringify(paths['/v1/wallets/{wallet_id}/fund']?.['post']);
    expect(fund).toContain('"pattern":"^wallet_[0-9a-z]{26}$"');
    expect(fund).toContain('"amount":{"type":"number"');
    expect(fund).toContain('Idempotency-Key');
    expect(JSON.stringify(paths['/v1/x402/tokens/{token_id}']?.['get'])).toContain('"format":"date-time"');
  });
});

describe('what is no call of a client', () => {
  const apart = [
    ['get', '/api/demo/seller', 'buyer.paid'],
    ['post', '/gateway/fund/x402', 'gateway.paid'],
    ['post', '/billing/authorize', 'gateway.paid'],
    ['post', '/stripe/webhook', 'gateway.heard'],
  ] as const;

  it.each(apart)('%s %s is documented all the same, as one of %s', async (method, path, section) => {
    const document = (await read('/openapi/spec.json')) as unknown as {
      paths: Paths;
      tags: { name: string }[];
    };
    expect(document.paths[path]?.[method]).toMatchObject({ tags: [section] });
    expect(document.tags).toContainEqual({ name: section });
    const page = await api.http.get(`/docs/api/${section}.md`).expect(200);
    expect(page.text).toContain(`## ${method.toUpperCase()} ${path}`);
    expect((await api.http.get('/docs/api.md').expect(200)).text).toContain(`/docs/api/${section}`);
  });
});

describe('/.well-known/ai-plugin.json', () => {
  it('names a Swagger 2.0 document and a logo that exist', async () => {
    const manifest = (await read('/.well-known/ai-plugin.json')) as {
      api: { url: string };
      logo_url: string;
    };
    expect((await read(new URL(manifest.api.url).pathname))['swagger']).toBe('2.0');
    const logo = await api.http.get(new URL(manifest.logo_url).pathname).expect(200);
    expect(logo.headers['content-type']).toContain('image/svg+xml');
    expect(logo.body.toString()).toContain('<svg');
  });
});

describe('/ai/tools', () => {
  interface Listed {
    readonly name: string;
    readonly description: string;
  }
  const parts: Record<string, (tool: Schema) => [Listed, Schema]> = {
    openai: (tool) => [tool['function'] as Listed, (tool['function'] as Schema)['parameters'] as Schema],
    langchain: (tool) => [tool as never, tool['args_schema'] as Schema],
    autogen: (tool) => [tool as never, tool['parameters'] as Schema],
    anthropic: (tool) => [tool as never, tool['input_schema'] as Schema],
  };
  const offered = endpoints.filter(({ tool }) => tool !== undefined);

  it.each(Object.keys(parts))('gives every tool for %s, with a schema of its input', async (format) => {
    const { tools } = (await read(`/ai/tools?format=${format}`)) as { tools: Schema[] };
    const read2 = tools.map((tool) => (parts[format] as (tool: Schema) => [Listed, Schema])(tool));
    expect(read2.map(([{ name }]) => name)).toEqual([...offered.map(callName), 'fetch_paid']);
    for (const [{ name, description }, input] of read2) {
      expect(name).toMatch(/^[a-z][a-z0-9_]{0,63}$/);
      expect(description.length).toBeGreaterThan(10);
      expect(input).toMatchObject({ type: 'object', additionalProperties: false });
    }
  });

  it('gives every tool for gemini, with nothing in a schema that it does not know', async () => {
    const { tools } = (await read('/ai/tools?format=gemini')) as {
      tools: { functionDeclarations: Schema[] }[];
    };
    const declarations = tools[0]?.functionDeclarations as Schema[];
    expect(declarations.map(({ name }) => name)).toEqual([...offered.map(callName), 'fetch_paid']);
    expect(JSON.stringify(declarations)).not.toMatch(/"(additionalProperties|default|format|const|\$ref)":/);
  });

  it('gives the form of OpenAI unless told, and refuses a form that nobody knows', async () => {
    expect(await read('/ai/tools')).toEqual(await read('/ai/tools?format=openai'));
    const { body } = await api.http.get('/ai/tools?format=cobol').expect(400);
    expect(body.error).toMatchObject({ param: 'format', message: expect.stringContaining('anthropic') });
  });

  it('offers no call that shows a key or needs the operator', async () => {
    const agent = await newAgent(api);
    expect(agent.key).toMatch(/^pk_test_/);
    for (const { id, auth, example } of offered) {
      const forPrograms = auth.some((kind) => ['agent', 'apiKey', 'agentKey', 'gateway'].includes(kind));
      expect([id, forPrograms || auth.length === 0]).toEqual([id, true]);
      expect(JSON.stringify(example.response)).not.toMatch(/pk_test_|sk_test_|secret/);
    }
  });
});
