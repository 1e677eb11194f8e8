import { fileURLToPath } from 'node:url';
import {
  callName,
  endpoints,
  families,
  openApi,
  itemsField,
  toolsOf,
  type Endpoint,
  type Family,
} from '@agentpay/api';
import { createApiClient } from '@agentpay/sdk';

/** SDK, Python, MCP and OpenAPI against the definitions that they are made from, name by name: calls, and what each of them takes. */
const root = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const all: readonly Endpoint[] = endpoints;

/** The calls of the families, by noun and verb. */
const defined = Object.values<Family>(families).flatMap((family) =>
  Object.entries(family.nouns).flatMap(([noun, verbs]) =>
    Object.keys(verbs).map((verb) => `${family.id}.${noun}.${verb}`),
  ),
);

/** Names of everything that a call takes: parameters, query and body. */
const fieldsOf = ({ params, query, body }: Endpoint) =>
  [params, query, body].flatMap(({ shape }) => Object.keys(shape)).sort();

test('the families define every endpoint, each once', () => {
  expect(all.length).toBeGreaterThan(150);
  expect(new Set(defined).size).toBe(defined.length);
  expect(
    all
      .map(({ id }) => id)
      .filter(isOffered)
      .sort(),
  ).toEqual([...defined].sort());
});

test('the SDK has a function for each, one that turns the pages of each list, and no other', () => {
  const client = createApiClient({ url: 'http://127.0.0.1:1' }) as unknown as Record<string, object>;
  const verbsIn = (holder: object, at: string) =>
    Object.entries(holder).flatMap(([noun, verbs]) =>
      Object.entries(verbs as object).map(([verb, call]) => {
        expect(typeof call).toBe('function');
        return `${at}.${noun}.${verb}`;
      }),
    );
  // `iterate`, and of a list by another name that name behind it.
  const pascal = (verb: string) => verb.replace(/^./, (first) => first.toUpperCase());
  const iterating = all
    .filter((endpoint) => isOffered(endpoint.id) && itemsField(endpoint))
    .map(({ id }) => id.replace(/\w+$/, (verb) => (verb === 'list' ? 'iterate' : `iterate${pascal(verb)}`)));
  const others = Object.keys(families).filter((id) => id !== 'runtime');
  const runtime = Object.fromEntries(Object.entries(client).filter(([name]) => !others.includes(name)));
  const found = [
    ...verbsIn(runtime, 'runtime'),
    ...others.flatMap((id) => verbsIn(client[id] as object, id)),
  ];
  expect(iterating.length).toBeGreaterThan(30);
  expect(found.sort()).toEqual([...defined, ...iterating].sort());
});

describe('OpenAPI', () => {
  interface Operation {
    readonly operationId: string;
    readonly parameters?: readonly { readonly name: string; readonly in: string }[];
    readonly requestBody?: {
      readonly content: Readonly<Record<string, { schema: { properties?: object } }>>;
    };
  }
  const { paths } = openApi(Object.values<Family>(families), { baseUrl: 'http://x', version: '1' }) as {
    paths: Record<string, Record<string, Operation>>;
  };
  const operations = Object.values(paths).flatMap((path) => Object.values(path));

  test('has an operation for each, and no other', () => {
    expect(operations.map(({ operationId }) => operationId).sort()).toEqual(all.map(callName).sort());
  });

  test.each(all.map((endpoint) => [endpoint.id, endpoint] as const))(
    '%s takes what it takes',
    (_, endpoint) => {
      const operation = operations.find(({ operationId }) => operationId === callName(endpoint));
      const own =
        operation?.parameters?.filter(({ in: place }) => place === 'path' || place === 'query') ?? [];
      const [content] = Object.values(operation?.requestBody?.content ?? {});
      const body = Object.keys(content?.schema.properties ?? {});
      expect([...own.map(({ name }) => name), ...body].sort()).toEqual(fieldsOf(endpoint));
    },
  );
});

test('MCP has a tool for each that is meant for models, with its fields, and no other', () => {
  const tools = toolsOf(all);
  const meant = all.filter(({ tool }) => tool);
  expect(meant.length).toBeGreaterThan(40);
  expect(tools.map(({ name }) => name)).toEqual(meant.map(callName));
  for (const { name, input, endpoint } of tools)
    expect([name, Object.keys(input['properties'] as object).sort()]).toEqual([name, fieldsOf(endpoint)]);
});

test('Python has a method for each, sync and async, with its fields, and no other', async () => {
  const { generate } = (await import(root('packages/sdk-python/generate.mjs'))) as {
    generate(): Readonly<Record<string, string>>;
  };
  const { snake } = (await import(root('packages/sdk-python/generate/names.mjs'))) as {
    snake(name: string): string;
  };
  const modules = generate();
  const found = Object.values(families as Record<string, Family>).flatMap((family) => {
    const text = modules[`${family.id}.py`] as string;
    const methods = [
      ...text.matchAll(
        /^ {4}(async )?def ([a-z]\w*)\(self(?:, \*, ([^]*?))?\) -> [^]*?OPERATIONS\["([\w.]+)"\]/gm,
      ),
    ];
    return methods
      .filter(([, , name]) => !(name as string).startsWith('iterate'))
      .map(([, kind, name, parameters = '', id]) => ({
        id: id as string,
        kind: kind ? 'async' : 'sync',
        name: name as string,
        fields: [...parameters.matchAll(/(?:^|, )(\w+): /g)].map((match) => match[1] as string),
      }));
  });
  // How a call is made, and the key that the client makes where the caller gives none.
  const own = ['timeout', 'idempotency_key'];
  for (const kind of ['sync', 'async']) {
    const methods = found.filter((method) => method.kind === kind);
    expect(methods.map(({ id }) => id).sort()).toEqual(
      all
        .map(({ id }) => id)
        .filter(isOffered)
        .sort(),
    );
    for (const { id, name, fields } of methods) {
      const endpoint = all.find((one) => one.id === id) as Endpoint;
      expect([id, name]).toEqual([id, snake(id.split('.')[2] as string)]);
      const asked = (names: readonly string[]) => names.filter((field) => !own.includes(field)).sort();
      expect([id, asked(fields)]).toEqual([id, asked(fieldsOf(endpoint).map(snake))]);
    }
  }
});

/** What is bought by x402, or told to AgentPay by others, is no call of a client. */
const isOffered = (id: string) => !/\.(paid|heard)\./.test(id);
