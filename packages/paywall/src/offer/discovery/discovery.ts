import type { IncomingMessage, ServerResponse } from 'node:http';
import { RECEIPT_KEYS_PATH } from '@agentpay/protocol';
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

/** Serves `/openapi.json`, `/.well-known/x402`, `/llms.txt` and, where receipts are signed, their keys, free of charge. */
export interface Discovery {
  (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => unknown): void;
  /** The same documents, for an application that serves them itself; `base` is the URL under which buyers reach it. */
  documents(base: string): Documents;
}

const OPTIONS = ['app', 'routers', 'title', 'version', 'description', 'openapi'];

/** @param routesNow the routes as they are when a document is asked for. @throws TypeError for a wrong option */
export function createDiscovery(
  running: RunningPaywall,
  options: DiscoveryOptions,
  routesNow: () => readonly Route[],
): Discovery {
  const { config } = running;
  checkKnown(options, OPTIONS, 'discovery()');
  for (const mount of Object.keys(options.routers ?? {})) {
    if (!mount.startsWith('/'))
      throw new TypeError(`discovery(): "${mount}" in routers must be a path such as "/api".`);
  }
  const { title = config.realm, version = '1', description, openapi } = options;
  const info = openapi?.info ?? { title, version, ...(description !== undefined && { description }) };

  const receiptKeys = receiptKeysOf(config);

  function documents(base: string): Documents {
    const root = base.replace(/\/+$/, '');
    const sales = salesOf(running, routesNow());
    const document = openapi ?? { openapi: '3.1.0', info, servers: [{ url: root }] };
    return {
      openapi: withSales(document, sales),
      x402: x402Listing(sales, root),
      llms: llmsText(sales, { info, base: root }),
      receiptKeys,
    };
  }

  function discovery(req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => unknown): void {
    const name = pathOf(req);
    if (name === undefined || (req.method !== 'GET' && req.method !== 'HEAD')) return void next();
    if (name === 'receiptKeys' && receiptKeys.keys.length === 0) return void next();
    offersKnown()
      .then(() => send(req, res, name))
      .catch(next);
  }

  /** A facilitator that is away leaves only its own account out. */
  async function offersKnown(): Promise<void> {
    await Promise.allSettled(
      routesNow().map(async ({ pricing }) => (pricing === 'free' ? undefined : pricing.ready())),
    );
  }

  function send(req: IncomingMessage, res: ServerResponse, name: keyof Documents): void {
    const found = documents(config.baseUrl ?? new URL(resourceUrl({ req, config })).origin)[name];
    const text = typeof found === 'string' ? found : JSON.stringify(found);
    res.writeHead(200, {
      'Content-Type': name === 'llms' ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(text),
      'Cache-Control': 'public, max-age=300',
      'Access-Control-Allow-Origin': '*',
      ...(config.baseUrl === undefined && { Vary: 'Host' }),
    });
    res.end(text);
  }

  discovery.documents = documents;
  return discovery;
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

function pathOf({ url = '/' }: IncomingMessage): keyof Documents | undefined {
  return PATHS.get(url.split('?', 1)[0] as string);
}
