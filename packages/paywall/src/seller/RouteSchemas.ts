import { z } from 'zod';

/** A JSON Schema, or a zod schema that becomes one. */
export type Schema = z.ZodType | Readonly<Record<string, unknown>>;

/** What a priced route takes and gives. It describes; nothing is checked by it. */
export interface RouteSchemas {
  /** Members of the query. */
  readonly query?: Schema;
  /** JSON body of the request. */
  readonly body?: Schema;
  /** The response that is paid for. */
  readonly response?: Schema;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** A schema as JSON Schema. */
export function jsonSchema(schema: Schema, io: 'input' | 'output'): JsonObject {
  if (!('_zod' in schema)) return schema as JsonObject;
  const { $schema: _, ...rest } = z.toJSONSchema(schema as z.ZodType, { io, unrepresentable: 'any' });
  return rest;
}
