import type { RouteTerms } from './Price.js';
import { readEntry, type Segment } from './routeEntry.js';

/** What the table says of a request. */
export type Match<P> =
  | { readonly kind: 'priced'; readonly price: P }
  | { readonly kind: 'free' }
  /** The path is for sale, though not under this method. */
  | { readonly kind: 'method_not_priced'; readonly allow: readonly string[] }
  /** The path is that of several entries, by how it is read, and what they cost has to be worked out. */
  | { readonly kind: 'ambiguous' };

/** Tells what a request costs, from its method and every path it may be understood to ask for. */
export type RouteTable<P> = (method: string, targets: readonly string[]) => Match<P>;

interface Priced {
  readonly terms: Pick<RouteTerms, 'amount'>;
}

const isDearer = (a: Priced, b: Priced) => a.terms.amount > b.terms.amount;

interface Route<P> {
  /** As the seller wrote it. */
  readonly key: string;
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

/**
 * Compiles "METHOD /path" and "/path" patterns with `:param` for one segment and a final `*` for any rest, none included.
 * With `mounts` an entry also covers what Connect gives to a handler mounted there: what follows after "/" or ".".
 * Misses fail closed: letter case and a trailing slash make no difference, HEAD is GET, and a path counts as priced if any way of
 * reading it (encoded, decoded, with backslashes, doubled slashes or dot segments) is priced; then the highest price counts.
 * @throws TypeError for a pattern that cannot be read
 */
export function compileRoutes<P extends Priced>(
  entries: readonly (readonly [string, P | 'free'])[],
  { mounts = false } = {},
): RouteTable<P> {
  const routes = entries
    .map(([key, price]) => compile(key, { price, mounts }))
    .sort((a, b) => (a.rank < b.rank ? 1 : -1));

  for (const [index, { method, pattern }] of routes.entries()) {
    const other = routes.findIndex(
      (route) => route.method === method && route.pattern.source === pattern.source,
    );
    if (other < index)
      throw new TypeError(
        `Routes "${routes[other]?.key}" and "${routes[index]?.key}" are for the same requests.`,
      );
  }
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
    const [first] = priced;
    if (!first) return matches.find(({ kind }) => kind === 'method_not_priced') ?? FREE;
    if (priced.every(({ price }) => price === first.price)) return first;
    // A price that has to be worked out may be any.
    if (priced.some(({ price }) => typeof price.terms.amount === 'function')) return { kind: 'ambiguous' };
    return priced.reduce((a, b) => (isDearer(b.price, a.price) ? b : a));
  };
}

function compile<P>(key: string, { price, mounts }: { price: P | 'free'; mounts: boolean }): Route<P> {
  const { method, path, segments } = readEntry(key);
  // Connect gives what follows a "." to a handler mounted before it, as a path of its own.
  const next = mounts ? '(?:/|(?=\\.))' : '/';
  const source = segments.map((segment) => {
    if (segment.kind === 'rest') return `(?:${next}[^]*)?`;
    return segment.kind === 'parameter' ? `${next}[^/]+` : `/${escape(segment.text.toLowerCase())}`;
  });
  const rank = segments.map(({ kind }) => RANKS[kind]).join('');
  const ranked = `${rank.padEnd(64, '0')}${method === undefined ? '0' : '1'}`;
  const pattern = new RegExp(`^${source.join('')}${mounts ? '(?:[/.][^]*)?' : '/?'}$`, 'i');
  const literal = !mounts && PLAIN.test(path) ? literalOf(path) : undefined;
  return { key, method: method === 'HEAD' ? 'GET' : method, pattern, literal, rank: ranked, price };
}

const RANKS = { text: '3', parameter: '2', rest: '1' } as const;

/** Where a request is, by the pattern of its route. */
export interface Place {
  /** The fixed parts as the pattern has them, the others decoded. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
}

/**
 * Reads paths by the pattern of an entry: every place that some router may take a target for, mostly one. The first target that is of the
 * pattern counts: the whole one, before what a mount leaves of it.
 */
export function placeReader(key: string): (targets: readonly string[]) => readonly Place[] {
  const { segments } = readEntry(key);
  return (targets) => {
    for (const target of targets) {
      const places = new Map<string, Place>();
      for (const path of readings([target])) {
        const place = placeIn(segments, path);
        if (place) places.set(JSON.stringify(place.params), place);
      }
      if (places.size > 0) return [...places.values()];
    }
    return [];
  };
}

function placeIn(segments: readonly Segment[], path: string): Place | undefined {
  const parts = path.split('/').filter(Boolean).map(decode);
  const params: Record<string, string> = Object.create(null);
  const texts: string[] = [];
  for (const [index, segment] of segments.entries()) {
    if (segment.kind === 'rest') {
      params['*'] = parts.slice(index).join('/');
      return { path: `/${[...texts, ...parts.slice(index)].join('/')}`, params };
    }
    const part = parts[index];
    if (part === undefined) return undefined;
    if (segment.kind === 'parameter') params[segment.name] = part;
    else if (part.toLowerCase() !== segment.text.toLowerCase()) return undefined;
    texts.push(segment.kind === 'parameter' ? part : segment.text);
  }
  return parts.length === segments.length ? { path: `/${texts.join('/')}`, params } : undefined;
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
