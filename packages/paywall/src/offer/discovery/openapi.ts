import { jsonSchema, type Schema } from '../../seller/RouteSchemas.js';
import type { Sale } from './Sale.js';

type JsonObject = Readonly<Record<string, unknown>>;

/** An OpenAPI document, read as far as it is added to. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly paths?: Readonly<Record<string, JsonObject>>;
  readonly [member: string]: unknown;
}

/** The document with every sale in it: price, 402 and schemas, beside what it says already. */
export function withSales(document: OpenApiDocument, sales: readonly Sale[]): OpenApiDocument {
  const paths: Record<string, JsonObject> = { ...document.paths };
  for (const sale of sales) {
    const item = paths[sale.path] ?? {};
    const method = sale.method.toLowerCase();
    paths[sale.path] = {
      ...item,
      [method]: merged(operationOf(sale), item[method] as JsonObject | undefined),
    };
  }
  return { ...document, paths };
}

function merged(ours: ReturnType<typeof operationOf>, theirs: JsonObject | undefined): JsonObject {
  if (!theirs) return ours;
  const responses = {
    ...ours.responses,
    ...(theirs['responses'] as JsonObject | undefined),
    '402': ours.responses['402'],
  };
  return { ...ours, ...theirs, responses, 'x-payment-info': ours['x-payment-info'] };
}

function operationOf(sale: Sale) {
  const { terms } = sale.pricing;
  const { query, body, response } = terms.schemas ?? {};
  const { offers } = sale;
  const described = terms.description ? { description: terms.description } : {};
  const parameters = [
    ...pathParameters(sale.path),
    ...(query ? queryParameters(jsonSchema(query, 'input')) : []),
  ];
  return {
    ...(terms.description && { summary: terms.description }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { content: { 'application/json': { schema: jsonSchema(body, 'input') } } } }),
    responses: {
      '200': {
        description: terms.description || 'What was paid for.',
        ...contentOf(terms.mimeType, response),
      },
      '402': paymentRequired,
    },
    'x-payment-info': {
      offers: offers.others.map((offer) => ({ ...offer, ...described })),
      protocols: offers.protocols,
      x402: { x402Version: 2, accepts: offers.x402 },
    },
  };
}

const text = { schema: { type: 'string' } };
const paymentRequired = {
  description: 'Payment required. The offers are in the headers and the body.',
  headers: { 'PAYMENT-REQUIRED': text, 'WWW-Authenticate': text },
  content: { 'application/problem+json': { schema: { type: 'object' } } },
};

function contentOf(mimeType: string | undefined, response: Schema | undefined) {
  if (mimeType === undefined && !response) return {};
  const media = response ? { schema: jsonSchema(response, 'output') } : {};
  return { content: { [mimeType ?? 'application/json']: media } };
}

function pathParameters(path: string) {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters({
  properties = {},
  required = [],
}: {
  properties?: JsonObject;
  required?: readonly string[];
}) {
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}
