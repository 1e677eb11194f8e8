import { usageFault } from '@agentpay/http/commands';
import * as z from 'zod';
import { readGiven } from './readGiven.js';
import type { Prices } from './prices.js';
import type { Price } from '@agentpay/paywall';

const operation = z.looseObject({
  summary: z.string().optional(),
  description: z.string().optional(),
  responses: z.record(z.string(), z.unknown()).optional(),
});
const schema = z.looseObject({
  openapi: z.string().regex(/^3\./, 'must be 3.0 or newer'),
  // In YAML a version without quotes is a number.
  info: z.looseObject({ title: z.string(), version: z.union([z.string(), z.number().transform(String)]) }),
  servers: z.array(z.looseObject({ url: z.string() })).optional(),
  paths: z.record(z.string().startsWith('/'), z.record(z.string(), z.unknown())),
});

type OpenApi = z.output<typeof schema>;

/** What an OpenAPI document says of the API that is sold. */
export interface ApiDocument {
  readonly openapi: OpenApi;
  /** The first server, where it is a whole URL. */
  readonly server: string | undefined;
  readonly operations: readonly ApiOperation[];
}

export interface ApiOperation {
  /** As the paywall writes it: `GET /items/:id`. */
  readonly route: string;
  readonly description: string | undefined;
  readonly streams: boolean;
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const MAX_FILE = 10 * 1024 * 1024;
/** More routes than anybody reads. */
const MOST_ROUTES = 2_000;

/** Reads an OpenAPI document in JSON or YAML. @throws CommandFault with what is wrong */
export async function readDocument(file: string): Promise<ApiDocument> {
  const read = schema.safeParse(await valueOf(file));
  if (!read.success) {
    const [issue] = read.error.issues;
    throw usageFault(`${file} is no OpenAPI 3 document: ${issue?.path.join('.')} ${issue?.message}.`);
  }
  const openapi = read.data;
  const operations = Object.entries(openapi.paths).flatMap(([path, item]) => operationsOf(path, item));
  if (operations.length === 0) throw usageFault(`${file} has no operations: there is nothing to sell.`);
  if (operations.length > MOST_ROUTES) throw usageFault(`${file} has more than ${MOST_ROUTES} operations.`);
  const server = openapi.servers?.find(({ url }) => /^https?:\/\//.test(url) && URL.canParse(url))?.url;
  return { openapi, server, operations };
}

async function valueOf(file: string): Promise<unknown> {
  const text = readGiven(file, MAX_FILE);
  try {
    return JSON.parse(text);
  } catch {
    // YAML, then.
  }
  const { parse } = await import('yaml');
  try {
    return parse(text, { merge: true, logLevel: 'error' });
  } catch (cause) {
    const [what] = (cause as Error).message.split('\n');
    throw usageFault(`${file} is neither JSON nor YAML: ${what?.replace(/:$/, '')}.`);
  }
}

function operationsOf(path: string, item: Record<string, unknown>): ApiOperation[] {
  return METHODS.flatMap((method) => {
    const read = operation.safeParse(item[method]);
    if (!read.success) return [];
    const { summary, description, responses = {} } = read.data;
    return {
      route: `${method.toUpperCase()} ${routePath(path)}`,
      description: lineOf(summary ?? description),
      streams: /"text\/event-stream"/.test(JSON.stringify(responses)),
    };
  });
}

/** A segment with a parameter is one as a whole: `/v{major}` stands for any segment. */
function routePath(path: string): string {
  let unnamed = 0;
  return path
    .split('/')
    .map((segment) => {
      if (!segment.includes('{')) return segment;
      const [, name = `p${++unnamed}`] = /^\{(\w+)\}$/.exec(segment) ?? [];
      return `:${name}`;
    })
    .join('/');
}

function lineOf(text: string | undefined): string | undefined {
  const line = text?.replace(/\s+/g, ' ').trim().slice(0, 200);
  return line === '' ? undefined : line;
}

/** What is sold, by route: each operation of the document, then whatever the file of prices names, then everything else. */
export function routesOf(
  document: ApiDocument | undefined,
  { price, prices }: { readonly price: string | undefined; readonly prices: Prices },
): Record<string, Price> {
  const routes: Record<string, Price> = {};
  for (const { route, description, streams } of document?.operations ?? []) {
    const [, path = ''] = route.split(' ');
    const own = prices[route] ?? prices[path] ?? price;
    if (own === undefined) continue;
    const more = {
      ...(description !== undefined && { description }),
      ...(streams && { settle: 'before' as const, mimeType: 'text/event-stream' }),
    };
    routes[route] = own === 'free' ? own : { ...more, ...(typeof own === 'string' ? { price: own } : own) };
  }
  const covered = new Set(Object.keys(routes).flatMap((route) => [route, route.split(' ')[1] as string]));
  for (const [key, own] of Object.entries(prices)) if (!covered.has(key)) routes[key] = own;
  // Nothing leaves for nothing by being forgotten: it costs as much as the rest, or is not there.
  routes['/*'] ??= price ?? { price: '$1', authorize: () => 'refuse' };
  return routes;
}
