import type { IncomingMessage, ServerResponse } from 'node:http';
import { RECEIPT_KEYS_PATH } from '@agentpay/protocol';
import { asking, type FetchHandler } from '../../outgoing/fetchStyle.js';
import type { Asking } from '../../paid/Request.js';
import { resourceUrl } from '../../paid/RequestContext.js';
import { checkKnown } from '../../seller/known.js';
import type { PaywallConfig } from '../../seller/PaywallConfig.js';
import { llmsText, x402Listing } from './listings.js';
import { withSales, type OpenApiDocument } from './openapi.js';
import { salesOf, type Route, type RunningPaywall } from './Sale.js';
import type { ExpressLike } from './expressRoutes.js';

export interface DiscoveryOptions {
  /** Express application whose `charge` routes are listed besides those of the option `routes`. */
  readonly app?: ExpressLike;
  /** Routers of Express whose `charge` routes are listed as well, by the whole path at which each is mounted: `{ '/api/v1': router }`. */
  readonly routers?: Readonly<Record<string, ExpressLike>>;
  /** Prices by `charge()` of other frameworks, by "METHOD /path" or "/path" as in `routes`: `{ 'GET /weather': weather }`. */
  readonly charges?: Readonly<Record<string, object>>;
  readonly title?: string;
  readonly version?: string;
  readonly description?: string;
  /** The application's own OpenAPI document, to which prices are added. */
  readonly openapi?: OpenApiDocument;
}

/** The documents by which buyers find what is for sale. */
export interface Documents {
  readonly openapi: OpenApiDocument;
  readonly x402: ReturnType<typeof x402Listing>;
  readonly llms: string;
  /** The keys that verify signed receipts, as a JSON Web Key Set. */
  readonly receiptKeys: { readonly keys: readonly object[] };
}

/**
 * Serves `/openapi.json`, `/.well-known/x402`, `/llms.txt` and, where receipts are signed, their keys, free of charge. Adapters take it as
 * they take a paywall.
 */
export interface Discovery {
  (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => unknown): void;
  /** The same in the style of fetch: `handler` responds to every other request, by default with 404. */
  respond(request: globalThis.Request, handler?: FetchHandler): Promise<Response>;
  /** The same documents, for an application that serves them itself; `base` is the URL under which buyers reach it. */
  documents(base: string): Documents;
}

const OPTIONS = ['app', 'routers', 'charges', 'title', 'version', 'description', 'openapi'];

/** The routes as they are when a document is asked for. */
type RoutesNow = () => readonly Route[];

/** @throws TypeError for a wrong option */
export function createDiscovery(
  running: RunningPaywall,
  options: DiscoveryOptions,
  routesNow: RoutesNow,
): Discovery {
  const { config } = running;
  const documents = documentsBy(running, options, routesNow);

  /** The document that a request asks for. */
  function asked({ method, url = '/' }: Asking): keyof Documents | undefined {
    if (method !== 'GET' && method !== 'HEAD') return undefined;
    const name = PATHS.get(url.split('?', 1)[0] as string);
    return name === 'receiptKeys' && !config.receiptKey ? undefined : name;
  }

  /** A facilitator that is away leaves only its own account out. */
  async function written(name: keyof Documents, origin: string) {
    const priced = routesNow().flatMap(({ pricing }) => (pricing === 'free' ? [] : pricing));
    await Promise.allSettled(priced.map(async (pricing) => pricing.ready()));
    const found = documents(config.baseUrl ?? origin)[name];
    const text = typeof found === 'string' ? found : JSON.stringify(found);
    return { text, headers: headersOf(name, text, config) };
  }

  function discovery(req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => unknown): void {
    const name = asked(req);
    if (name === undefined) return void next();
    written(name, new URL(resourceUrl({ req, config })).origin)
      .then(({ text, headers }) => void res.writeHead(200, headers).end(text))
      .catch(next);
  }

  discovery.respond = async (request: globalThis.Request, handler: FetchHandler = notFound) => {
    const name = asked(asking(request));
    if (name === undefined) return handler(request);
    const { text, headers } = await written(name, new URL(request.url).origin);
    return new Response(request.method === 'HEAD' ? null : text, { headers });
  };
  discovery.documents = documents;
  return discovery;
}

function documentsBy(
  running: RunningPaywall,
  options: DiscoveryOptions,
  routesNow: RoutesNow,
): (base: string) => Documents {
  const { config } = running;
  checkKnown(options, OPTIONS, 'discovery()');
  for (const mount of Object.keys(options.routers ?? {})) {
    if (!mount.startsWith('/'))
      throw new TypeError(`discovery(): "${mount}" in routers must be a path such as "/api".`);
  }
  const { title = config.realm, version = '1', description, openapi } = options;
  const info = openapi?.info ?? { title, version, ...(description !== undefined && { description }) };
  const receiptKeys = receiptKeysOf(config);
  return (base) => {
    const root = base.replace(/\/+$/, '');
    const sales = salesOf(running, routesNow());
    const document = openapi ?? { openapi: '3.1.0', info, servers: [{ url: root }] };
    return {
      openapi: withSales(document, sales),
      x402: x402Listing(sales, root),
      llms: llmsText(sales, { info, base: root }),
      receiptKeys,
    };
  };
}

function headersOf(name: keyof Documents, text: string, { baseUrl }: PaywallConfig): Record<string, string> {
  return {
    'Content-Type': name === 'llms' ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(text)),
    'Cache-Control': 'public, max-age=300',
    'Access-Control-Allow-Origin': '*',
    ...(baseUrl === undefined && { Vary: 'Host' }),
  };
}

function receiptKeysOf({ receiptKey }: PaywallConfig): Documents['receiptKeys'] {
  const published = receiptKey ? [receiptKey, ...receiptKey.former] : [];
  return { keys: published.map(({ publicJwk, kid }) => ({ ...publicJwk, kid, use: 'sig' })) };
}

const PATHS: ReadonlyMap<string, keyof Documents> = new Map([
  ['/openapi.json', 'openapi'],
  ['/.well-known/x402', 'x402'],
  ['/llms.txt', 'llms'],
  [RECEIPT_KEYS_PATH, 'receiptKeys'],
]);

const notFound = () => new Response(null, { status: 404 });
