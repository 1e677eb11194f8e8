import { idPrefixes, type IdKind } from '@agentpay/primitives';
import * as z from 'zod';

/** A JSON Schema, as data. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What the values of this package say of themselves to documents, as zod metadata. */
interface Meta {
  /** An id of this kind. */
  readonly idKind?: IdKind;
  /** The whole schema, where the wire form is not what the parser's type says. */
  readonly wire?: JsonSchema;
  /** A regular expression that every language can compile. */
  readonly pattern?: string;
}

/** The wire form of a schema as JSON Schema draft 2020-12, without `$schema`. */
export function jsonSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema: node }) {
      const { type, defaultValue } = zodSchema._zod.def as { type: string; defaultValue?: unknown };
      // The regular expressions of the parser have flags, which JSON Schema has not.
      if (type === 'string') delete node.pattern;
      describe(node as Record<string, unknown>, (z.globalRegistry.get(zodSchema as never) ?? {}) as Meta);
      if (type === 'default' && ['string', 'number', 'boolean'].includes(typeof defaultValue))
        node.default = defaultValue as string;
    },
  }) as Record<string, unknown>;
  return rest;
}

function describe(node: Record<string, unknown>, { idKind, wire, pattern }: Meta): void {
  if (wire) for (const key of Object.keys(node)) delete node[key];
  delete node['idKind'];
  if (pattern !== undefined) node['pattern'] = pattern;
  if (idKind !== undefined) node['pattern'] = `^${idPrefixes[idKind]}[0-9a-z]{26}$`;
  Object.assign(node, wire);
}

/** Parameters, query and body of an endpoint in one object, as clients and tools take them. */
export function inputSchema(endpoint: {
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly body: z.ZodObject;
}): JsonSchema {
  const parts = [endpoint.params, endpoint.query, endpoint.body].map(jsonSchema);
  const required = parts.flatMap((part) => (part['required'] as string[] | undefined) ?? []);
  return {
    type: 'object',
    properties: Object.assign({}, ...parts.map((part) => part['properties'])) as object,
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  };
}
