import type { RouteTerms } from './Price.js';

/** What the table says of a request. */
export type Match<P> =
  | { readonly kind: 'priced'; readonly price: P }
  | { readonly kind: 'free' }
  /** The path is for sale, though not under this method. */
  | { readonly kind: 'method_not_priced'; readonly allow: readonly string[] };

/** Tells what a request costs, from its method and every path it may be understood to ask for. */
export type RouteTable<P> = (method: string, targets: readonly string[]) => Match<P>;

interface Priced {
  readonly terms: Pick<RouteTerms, 'amount'>;
}

// A price that has to be worked out may be any: it counts as the highest.
const isDearer = (a: Priced, b: Priced) =>
  typeof a.terms.amount === 'function' ||
  (typeof b.terms.amount !== 'function' && a.terms.amount > b.terms.amount);

interface Route<P> {
  /** Undefined: any method. */
  readonly method: string | undefined;
  readonly pattern: RegExp;
  /** What {@link literalOf} gives for the paths of this route, if they are the same but for case and a final slash. */
  readonly literal: string | undefined;
  /** Orders patterns: a literal segment beats a parameter, which beats the rest. */
  readonly rank: string;
  readonly price: P | 'free';
}

const FREE = { kind: 'free' } as const;
export const ANY_METHOD: readonly string[] = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'];
const ENTRY = /^(?:([A-Z]+) +)?(\/[^\s?#]*|\*)$/;

/**
 * Compiles "METHOD /path" and "/path" patterns with `:param` for one segment and a final `*` for any rest, none included.
 * Misses fail closed: letter case and a trailing slash make no difference, HEAD is GET, and a path counts as priced if any way of
 * reading it (encoded, decoded, with backslashes, doubled slashes or dot segments) is priced; then the highest price counts.
 * @throws TypeError for a pattern that cannot be read
 */
export function compileRoutes<P extends Priced>(
  entries: readonly (readonly [string, P | 'free'])[],
): RouteTable<P> {
  const routes = entries
    .map(([key, price]) => compile(key, price))
    .sort((a, b) => (a.rank < b.rank ? 1 : -1));

  const literals = new Map<string, Route<P>[]>();
  for (const route of routes)
    if (route.literal !== undefined)
      literals.set(route.literal, [...(literals.get(route.literal) ?? []), route]);
  const patterns = routes.filter(({ literal }) => literal === undefined);

  function routesOn(path: string): readonly Route<P>[] {
    if (!PLAIN.test(path)) return routes.filter(({ pattern }) => pattern.test(path));
    const exact = literals.get(literalOf(path)) ?? [];
    // Literal routes outrank every pattern that fits the same path.
    return patterns.length === 0
      ? exact
      : [...exact, ...patterns.filter(({ pattern }) => pattern.test(path))];
  }

  function lookUp(method: string, path: string): Match<P> {
    const onPath = routesOn(path);
    const found = onPath.find((route) => route.method === undefined || route.method === method);
    if (found?.price === 'free' || onPath.every(({ price }) => price === 'free')) return FREE;
    // OPTIONS costs nothing and is no way to what costs something.
    if (found && method !== 'OPTIONS') return { kind: 'priced', price: found.price };
    return { kind: 'method_not_priced', allow: allowed(onPath) };
  }

  return (requested, targets) => {
    const method = requested === 'HEAD' ? 'GET' : requested;
    const plain = plainPath(targets);
    if (plain !== undefined) return lookUp(method, plain);
    const matches = readings(targets).map((path) => lookUp(method, path));
    const priced = matches.filter((match) => match.kind === 'priced');
    const dearest = priced.reduce(
      (a, b) => (isDearer(b.price, a.price) ? b : a),
      priced[0] as (typeof priced)[number],
    );
    return dearest ?? matches.find(({ kind }) => kind === 'method_not_priced') ?? FREE;
  };
}

function compile<P>(key: string, price: P | 'free'): Route<P> {
  const match = ENTRY.exec(key);
  if (!match)
    throw new TypeError(
      `Route "${key}" must be a path or a method in capitals and a path, such as "GET /weather".`,
    );
  const [, method, path] = match as unknown as [string, string | undefined, string];
  const segments = decode(path).split('/').filter(Boolean);
  const wildcard = segments.indexOf('*');
  if (wildcard >= 0 && wildcard < segments.length - 1)
    throw new TypeError(`Route "${key}": only the last segment may be "*".`);
  const source = segments.map((segment) =>
    segment === '*' ? '(?:/[^]*)?' : segment.startsWith(':') ? '/[^/]+' : `/${escape(segment)}`,
  );
  const rank = segments
    .map((segment) => (segment === '*' ? '1' : segment.startsWith(':') ? '2' : '3'))
    .join('');
  const ranked = `${rank.padEnd(64, '0')}${method === undefined ? '0' : '1'}`;
  const pattern = new RegExp(`^${source.join('')}/?$`, 'i');
  const literal = PLAIN.test(path) ? literalOf(path) : undefined;
  return { method: method === 'HEAD' ? 'GET' : method, pattern, literal, rank: ranked, price };
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function allowed<P>(routes: readonly Route<P>[]): readonly string[] {
  if (routes.some(({ method }) => method === undefined)) return ANY_METHOD;
  const methods = new Set(routes.flatMap(({ method }) => method ?? []));
  if (methods.has('GET')) methods.add('HEAD');
  return [...methods.add('OPTIONS')].sort();
}

const PLAIN = /^(?:\/[\w~-][\w.~-]*)*\/?$/;

function literalOf(path: string): string {
  return (path.endsWith('/') ? path.slice(0, -1) : path).toLowerCase();
}

/** The path of targets that are all the same and that every router reads alike. */
function plainPath(targets: readonly string[]): string | undefined {
  const target = targets[0] as string;
  if (targets.some((other) => other !== target)) return undefined;
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  return PLAIN.test(path) ? path : undefined;
}

/** Every path that some router may take the targets for. */
function readings(targets: readonly string[]): string[] {
  const paths = new Set<string>();
  for (const target of targets) {
    const raw = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#\\]*/i, '').split(/[?#]/, 1)[0] || '/';
    paths.add(raw);
    if (PLAIN.test(raw)) continue;
    const once = decode(raw);
    for (const path of [raw, once, decode(once)]) {
      const slashes = path.replaceAll('\\', '/');
      // "//host/path" is a path to some and a host with a path to others.
      for (const reading of [path, slashes, slashes.replace(/^\/\/[^/]*/, '')]) addReadings(paths, reading);
    }
  }
  return [...paths];
}

function addReadings(paths: Set<string>, path: string): void {
  const collapsed = `/${path}`.replace(/\/{2,}/g, '/');
  paths.add(path).add(collapsed).add(withoutDots(collapsed));
}

function withoutDots(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
  }
  return `/${kept.filter(Boolean).join('/')}`;
}

/** Decodes what is well-formed and leaves the rest as it is. */
function decode(path: string): string {
  return path.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes.replace(/%[0-7][0-9a-f]/gi, (escape) => decodeURIComponent(escape));
    }
  });
}
