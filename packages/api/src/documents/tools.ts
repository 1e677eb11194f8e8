import * as z from 'zod';
import type { Endpoint } from '../Endpoint.js';
import { callName } from './callName.js';
import { inputSchema, type JsonSchema } from './jsonSchema.js';

/** An endpoint as models see it. */
export interface ToolDefinition {
  readonly name: string;
  readonly description: string;
  readonly input: JsonSchema;
  readonly endpoint: Endpoint;
  /** It changes nothing. */
  readonly readOnly: boolean;
  /** It moves or commits money, or takes something away that cannot be had back by another call. */
  readonly destructive: boolean;
  /** Sent again, it changes nothing more. */
  readonly repeatable: boolean;
  /** It calls servers of anybody. */
  readonly openWorld: boolean;
}

/** The endpoints that are offered to models, by name. */
export function toolsOf(endpoints: readonly Endpoint[]): ToolDefinition[] {
  return endpoints.flatMap((endpoint) => {
    const { tool, method, summary } = endpoint;
    if (!tool) return [];
    const readOnly = tool.readOnly ?? method === 'GET';
    return {
      name: callName(endpoint),
      description: tool.description === undefined ? summary : `${summary} ${tool.description}`,
      input: inputSchema(endpoint),
      endpoint,
      readOnly,
      destructive: tool.destructive ?? !readOnly,
      repeatable:
        tool.repeatable ??
        (readOnly || method === 'DELETE' || method === 'PUT' || endpoint.idempotent !== false),
      openWorld: tool.openWorld ?? false,
    };
  });
}

/** How each platform takes tools: the value of the field in which its requests carry them. */
const formats = {
  /** Chat Completions; CrewAI takes them too. https://platform.openai.com/docs/guides/function-calling */
  openai: (tools) =>
    tools.map(({ name, description, input }) => ({
      type: 'function',
      function: { name, description, parameters: input },
    })),
  /** https://ai.google.dev/gemini-api/docs/function-calling */
  gemini: (tools) => [
    {
      functionDeclarations: tools.map(({ name, description, input }) => ({
        name,
        description,
        // An object without properties is refused there.
        ...(Object.keys(input['properties'] as object).length > 0 ? { parameters: forGemini(input) } : {}),
      })),
    },
  ],
  /** The fields of a StructuredTool, whose `args_schema` may be a JSON Schema. */
  langchain: (tools) =>
    tools.map(({ name, description, input }) => ({ name, description, args_schema: input })),
  /** ToolSchema of autogen-core. */
  autogen: (tools) =>
    tools.map(({ name, description, input }) => ({ name, description, parameters: input, strict: false })),
  /** https://docs.anthropic.com/en/api/messages */
  anthropic: (tools) =>
    tools.map(({ name, description, input }) => ({ name, description, input_schema: input })),
} satisfies Record<string, (tools: readonly ToolDefinition[]) => readonly object[]>;

export type ToolFormat = keyof typeof formats;

/** The name of a format of {@link toolsFor}. */
export const toolFormat = z.enum(Object.keys(formats) as [ToolFormat, ...ToolFormat[]], {
  error: `must be one of ${Object.keys(formats).join(', ')}`,
});

/** The tools as a platform takes them. */
export function toolsFor(format: ToolFormat, tools: readonly ToolDefinition[]): readonly object[] {
  return formats[format](tools);
}

/** What Gemini's schema knows (https://ai.google.dev/api/caching#Schema); anything else is refused there. */
const GEMINI_KEYS = new Set([
  'type',
  'description',
  'enum',
  'items',
  'properties',
  'required',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'nullable',
  'anyOf',
  'pattern',
]);

function forGemini(schema: JsonSchema): JsonSchema {
  const { type } = schema;
  const nullable = Array.isArray(type) && type.includes('null');
  const kept = Object.entries(schema).filter(([key]) => GEMINI_KEYS.has(key));
  return {
    ...Object.fromEntries(kept.map(([key, value]) => [key, forGeminiValue(key, value)])),
    ...(nullable ? { type: type.find((one) => one !== 'null') as string, nullable: true } : {}),
  };
}

function forGeminiValue(key: string, value: unknown): unknown {
  if (key === 'items') return forGemini(value as JsonSchema);
  if (key === 'anyOf') return (value as JsonSchema[]).map(forGemini);
  if (key !== 'properties') return value;
  const entries = Object.entries(value as Record<string, JsonSchema>);
  return Object.fromEntries(entries.map(([name, schema]) => [name, forGemini(schema)]));
}
