import type { ErrorName } from '@agentpay/primitives';
import { errorKind } from '@agentpay/primitives';
import { credentialRow, credentials, type Auth } from '../credentials.js';
import { errorsOf, pageInJson, type Endpoint } from '../Endpoint.js';
import { ErrorBody, errorCodes } from '../Errors.js';
import { endpointsOf, sectionsOf, type Family } from '../Family.js';
import { callName } from './callName.js';
import { jsonSchema, type JsonSchema } from './jsonSchema.js';

/** What a document says beside the endpoints. */
export interface DocumentOptions {
  /** Origin of the API, without a slash at the end. */
  readonly baseUrl: string;
  readonly version: string;
}

const TITLE = 'AgentPay API';
const DESCRIPTION =
  'Agents, wallets, services and payment tokens. Errors carry a stable code, a reason, a hint and a request id.';

/** Every endpoint of these families as an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1). */
export function openApi(families: readonly Family[], { baseUrl, version }: DocumentOptions): JsonSchema {
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const family of families) {
    for (const endpoint of endpointsOf(family)) {
      const operations = (paths[endpoint.path] ??= {});
      operations[endpoint.method.toLowerCase()] = operation(family, endpoint);
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: TITLE, version, description: DESCRIPTION },
    servers: [{ url: baseUrl }],
    tags: families.flatMap((family) =>
      sectionsOf(family).map(([noun]) => ({ name: `${family.id}.${noun}` })),
    ),
    paths,
    components: {
      schemas: { Error: jsonSchema(ErrorBody) },
      headers: rateHeaders(),
      securitySchemes: Object.fromEntries(
        (Object.keys(credentials) as Auth[]).map((kind) => [kind, securityScheme(kind)]),
      ),
    },
  };
}

function operation(family: Family, endpoint: Endpoint): JsonSchema {
  const { id, summary, auth, optionalAuth, tool, deprecated, body, example } = endpoint;
  const hasBody = Object.keys(body.shape).length > 0;
  return {
    operationId: callName(endpoint),
    tags: [id.split('.').slice(0, 2).join('.')],
    summary,
    ...(tool?.description === undefined ? {} : { description: tool.description }),
    ...(deprecated ? { deprecated: true } : {}),
    security: [
      ...(optionalAuth.length > 0 ? [{}] : []),
      ...[...auth, ...optionalAuth].map((kind) => ({ [kind]: [] })),
    ],
    parameters: parametersOf(endpoint),
    ...(hasBody
      ? {
          requestBody: {
            required: !body.safeDecode({} as never).success,
            content: { 'application/json': { schema: jsonSchema(body), example: example.body ?? {} } },
          },
        }
      : {}),
    responses: {
      [endpoint.status]: success(endpoint),
      ...otherSuccess(endpoint),
      ...waits(endpoint),
      ...failures(family, endpoint),
    },
  };
}

function parametersOf({ params, query, idempotent, example }: Endpoint): JsonSchema[] {
  const list = (
    place: 'path' | 'query',
    from: Endpoint['params'],
    examples: Readonly<Record<string, string>>,
  ) => {
    const { properties = {}, required = [] } = jsonSchema(from) as {
      properties?: Record<string, JsonSchema>;
      required?: string[];
    };
    return Object.entries(properties).map(([name, schema]) => ({
      name,
      in: place,
      required: place === 'path' || required.includes(name),
      schema,
      ...(place === 'path' ? { example: examples[name] } : {}),
    }));
  };
  const key = {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description: 'The same request under the same key is carried out once and gets the first response.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  };
  return [
    ...list('path', params, example.params ?? {}),
    ...list('query', query, example.query ?? {}),
    ...(idempotent ? [key] : []),
  ];
}

function otherSuccess(endpoint: Endpoint): JsonSchema {
  const { also } = endpoint;
  return also ? { [also.status]: { ...success(endpoint), description: also.description } } : {};
}

function success(endpoint: Endpoint): JsonSchema {
  const headers = Object.fromEntries(
    Object.keys(rateHeaders()).map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
  if (endpoint.kind === 'redirect') {
    const location = { Location: { schema: { type: 'string', format: 'uri' } } };
    return { description: 'A redirect.', headers: { ...headers, ...location } };
  }
  return { description: 'Success.', headers, content: contentOf(endpoint) };
}

/** The response of a call that waits for somebody's decision. */
function waits({ waiting }: Endpoint): JsonSchema {
  if (!waiting) return {};
  const content = { 'application/json': { schema: jsonSchema(waiting) } };
  return { 202: { description: 'It waits for a decision.', content } };
}

function contentOf({ kind, htmlInJson, markdown, contentType, response, example }: Endpoint): JsonSchema {
  const text = { schema: { type: 'string' } };
  if (kind === 'text' || kind === 'stream') return { [contentType]: text };
  const schema = jsonSchema(kind === 'page' ? pageInJson : response);
  const json = { 'application/json': { schema, example: example.response } };
  if (kind === 'json') return json;
  if (kind === 'binary') return { [contentType]: { schema: { type: 'string', format: 'binary' } } };
  return { 'text/html': text, ...(markdown ? { 'text/markdown': text } : {}), ...(htmlInJson ? json : {}) };
}

/** The errors of an endpoint by status, each with its codes and reasons. */
function failures(family: Family, endpoint: Endpoint): JsonSchema {
  const byStatus = new Map<number, ErrorName[]>();
  for (const name of errorsOf(endpoint)) {
    const status = family.errors.statuses[name] ?? errorKind(name).status;
    byStatus.set(status, [...(byStatus.get(status) ?? []), name]);
  }
  const entries = [...byStatus].sort(([a], [b]) => a - b);
  return Object.fromEntries(entries.map(([status, names]) => [status, failure(family, names)]));
}

function failure(family: Family, names: readonly ErrorName[]): JsonSchema {
  const lines = names.map((name) => {
    const hint = family.errors.hints[name] ?? errorKind(name).hint;
    const codes = errorCodes(family, name).map((code) => `\`${code}\``);
    return `- ${codes.join(', ')}, reason \`${name}\`: ${hint}`;
  });
  return {
    description: lines.join('\n'),
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
  };
}

function rateHeaders(): Record<string, JsonSchema> {
  const whole = (description: string) => ({ description, schema: { type: 'integer' } });
  return {
    'x-ratelimit-limit': whole('Calls per minute.'),
    'x-ratelimit-remaining': whole('Calls that are left at this moment.'),
    'x-ratelimit-reset': whole('When all are back, in Unix seconds.'),
  };
}

function securityScheme(kind: Auth): JsonSchema {
  const { header, scheme, cookie, shown } = credentialRow(kind);
  if (scheme !== undefined) return { type: 'http', scheme: scheme.toLowerCase(), description: shown };
  if (cookie !== undefined) return { type: 'apiKey', in: 'cookie', name: cookie };
  return { type: 'apiKey', in: 'header', name: header };
}
