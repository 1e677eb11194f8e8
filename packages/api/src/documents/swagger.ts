import { credentialRow, type Auth } from '../credentials.js';
import type { JsonSchema } from './jsonSchema.js';

type Node = Readonly<Record<string, unknown>>;
type Operation = Node & {
  readonly parameters: readonly Node[];
  readonly requestBody?: { readonly required: boolean; readonly content: Node };
  readonly responses: Readonly<Record<string, Node>>;
};

/**
 * An OpenAPI 3.1 document of ours as Swagger 2.0 (https://spec.openapis.org/oas/v2.0), for platforms that take nothing newer, such as
 * Copilot Studio. What Swagger cannot say (unions, null, cookies) is said as near as it can.
 */
export function swagger(document: JsonSchema): JsonSchema {
  const { info, servers, tags, paths, components } = document as {
    info: object;
    servers: readonly [{ url: string }];
    tags: object;
    paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
    components: { schemas: Readonly<Record<string, JsonSchema>>; securitySchemes: object };
  };
  const { host, pathname, protocol } = new URL(servers[0].url);
  const kinds = Object.keys(components.securitySchemes) as Auth[];
  return {
    swagger: '2.0',
    info,
    host,
    basePath: pathname,
    schemes: [protocol.slice(0, -1)],
    consumes: ['application/json'],
    produces: ['application/json'],
    tags,
    paths: mapValues(paths, (operations) => mapValues(operations, operationOf)),
    definitions: mapValues(components.schemas, plain),
    securityDefinitions: Object.fromEntries(kinds.map((kind) => [kind, securityOf(kind)])),
  };
}

function operationOf(operation: Operation): Node {
  const { requestBody, parameters, responses, ...rest } = operation;
  const bodies = requestBody === undefined ? [] : [bodyOf(requestBody)];
  return {
    ...rest,
    parameters: [...parameters.map(parameterOf), ...bodies],
    responses: mapValues(responses, responseOf),
    ...typesOf(responses),
  };
}

/** In Swagger the schema of a parameter stands beside its name. */
function parameterOf(parameter: Node): Node {
  const { schema, ...rest } = parameter;
  const known = Object.entries(rest).filter(([key]) => key !== 'example');
  return { ...Object.fromEntries(known), ...plain(schema as JsonSchema) };
}

function bodyOf({ required, content }: NonNullable<Operation['requestBody']>): Node {
  const { schema } = content['application/json'] as { schema: JsonSchema };
  return { name: 'body', in: 'body', required, schema: plain(schema) };
}

function responseOf({ description, headers = {}, content = {} }: Node): Node {
  const [type, first] =
    Object.entries(content as Record<string, { schema: JsonSchema; example?: object }>)[0] ?? [];
  return {
    description,
    headers: Object.fromEntries(
      Object.keys(headers as object).map((name) => [
        name,
        { type: name === 'Location' ? 'string' : 'integer' },
      ]),
    ),
    ...(first ? { schema: plain(first.schema) } : {}),
    ...(first?.example && type === 'application/json' ? { examples: { [type]: first.example } } : {}),
  };
}

/** What an operation produces when it is not JSON alone. */
function typesOf(responses: Operation['responses']): Node {
  const types = Object.values(responses).flatMap(({ content = {} }) => Object.keys(content as object));
  const produces = [...new Set(types)];
  return produces.every((type) => type === 'application/json') ? {} : { produces };
}

function securityOf(kind: Auth): Node {
  const { header, scheme, shown } = credentialRow(kind);
  const how = scheme === undefined ? shown : `${scheme} followed by a blank and the key`;
  return { type: 'apiKey', in: 'header', name: header, description: how };
}

const KEPT = new Set([
  'type',
  'format',
  'description',
  'enum',
  'default',
  'items',
  'properties',
  'required',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'pattern',
  'additionalProperties',
]);

/** A schema of draft 2020-12 in the words of Swagger 2.0. */
function plain(schema: JsonSchema): JsonSchema {
  if (typeof schema['$ref'] === 'string')
    return { $ref: schema['$ref'].replace('components/schemas', 'definitions') };
  const options = schema['anyOf'] as JsonSchema[] | undefined;
  if (options) {
    const some = options.filter(({ type }) => type !== 'null');
    const nullable = some.length < options.length ? { 'x-nullable': true } : {};
    return { ...(some.length === 1 ? plain(some[0] as JsonSchema) : {}), ...nullable };
  }
  const kept = Object.entries(schema).filter(([key]) => KEPT.has(key));
  const { type, ...rest } = Object.fromEntries(kept.map(([key, value]) => [key, plainValue(key, value)]));
  const types = Array.isArray(type) ? (type as string[]) : [type as string | undefined];
  const [first] = types.filter((one) => one !== 'null');
  return {
    ...(first === undefined ? {} : { type: first }),
    ...(types.includes('null') ? { 'x-nullable': true } : {}),
    ...('const' in schema ? { enum: [schema['const']] } : {}),
    ...rest,
  };
}

function plainValue(key: string, value: unknown): unknown {
  if (key === 'items') return plain(value as JsonSchema);
  if (key === 'properties') return mapValues(value as Record<string, JsonSchema>, plain);
  if (key === 'additionalProperties' && typeof value === 'object') return plain(value as JsonSchema);
  return value;
}

function mapValues<V, W>(object: Readonly<Record<string, V>>, change: (value: V) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}
