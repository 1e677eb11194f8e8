import { AgentPayError, isAgentPayError } from '@agentpay/primitives';
import { decodeJson, type Json } from './decodeJson.js';
import { type RequestContext } from './RequestContext.js';
import type { RequestView, CheckedView } from '../seller/Price.js';
import { placeReader, type Place } from '../seller/routes.js';
import { targetOf, type Request } from './Request.js';

/**
 * The request as price functions and `authorize` see it: as the handler will. What can be read in several ways is refused, and stays
 * refused whatever the function makes of the error.
 */
export function viewOf(context: RequestContext): CheckedView {
  const { req, config } = context;
  const view: { asked: RequestView; fault: AgentPayError | undefined } = {
    asked: undefined as never,
    fault: undefined,
  };
  const kept = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      throw noted(error);
    }
  };
  const noted = (error: unknown) => {
    if (isAgentPayError(error)) view.fault ??= error;
    return error;
  };
  let query: URLSearchParams | undefined;
  let place: Place | undefined;
  let json: Promise<Json | undefined> | undefined;
  view.asked = {
    method: req.method ?? 'GET',
    get path() {
      return (place ??= kept(() => placeOf(context))).path;
    },
    get params() {
      return (place ??= kept(() => placeOf(context))).params;
    },
    get query() {
      return (query ??= queryOf(targetOf(req), kept));
    },
    headers: req.headers,
    json() {
      json ??= context.body().then((body) => decodeJson(req, body, config.maxBodyBytes));
      const read = json.catch((error: unknown) => {
        throw noted(error);
      });
      // A function need not wait for what it has asked for.
      read.catch(() => undefined);
      return read;
    },
  };
  return view;
}

const wholePath = placeReader('/*');

function placeOf({ req, pricing: { place } }: RequestContext): Place {
  if (place) return onlyOne(place([targetOf(req), req.url ?? '/']));
  const params = Object.fromEntries(
    Object.entries(req.params ?? {}).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join('/') : String(value),
    ]),
  );
  const pattern = plainPatternOf(req);
  if (pattern === undefined) return { path: wholeOf(targetOf(req)), params };
  const path = pattern
    .map((segment) => (segment.startsWith(':') ? params[segment.slice(1)] : segment))
    .join('/');
  const mount = wholeOf(req.baseUrl || '/');
  return { path: mount === '/' ? `/${path}` : path === '' ? mount : `${mount}/${path}`, params };
}

/** Segments of the pattern of an Express route, where each is a text or one parameter. */
function plainPatternOf({ route }: Request): readonly string[] | undefined {
  const path = route?.path;
  if (typeof path !== 'string') return undefined;
  const segments = path.split('/').filter(Boolean);
  return segments.every((segment) => /^:?[\w.~-]+$/.test(segment)) ? segments : undefined;
}

const wholeOf = (target: string) => onlyOne(wholePath([target])).path;

function onlyOne(places: readonly Place[]): Place {
  if (places.length === 1) return places[0] as Place;
  throw ambiguousPath();
}

export function ambiguousPath(): AgentPayError {
  return new AgentPayError('invalid_request', 'The path can be read in several ways.', { param: 'path' });
}

/** Most members of a query that common parsers read. */
const MOST_MEMBERS = 1000;

/**
 * The query, in which `a[]`, `a[b]` and `[a]` are members of that name too, as they are to parsers of nested queries.
 * `get` and `has` speak for every parser, so `get` refuses a name that comes several times, of which each parser takes what it likes.
 */
function queryOf(target: string, kept: <T>(read: () => T) => T): URLSearchParams {
  const mark = target.indexOf('?');
  const query = new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1));
  const valuesOf = (name: string) =>
    kept(() => {
      if (query.size > MOST_MEMBERS) throw unclear('The query has too many members.');
      return [...query].flatMap(([key, value]) => (nameIn(key) === name || key === name ? [value] : []));
    });
  return Object.assign(query, {
    get(name: string): string | null {
      const values = valuesOf(name);
      if (values.length > 1)
        kept(() => {
          throw unclear(`The query repeats ${JSON.stringify(name.slice(0, 100))}.`);
        });
      return values[0] ?? null;
    },
    getAll: valuesOf,
    has: (name: string, value?: string) =>
      value === undefined ? valuesOf(name).length > 0 : valuesOf(name).includes(value),
  });
}

function nameIn(key: string): string {
  return key.split(/[[\]]/).find(Boolean) ?? key;
}

const unclear = (message: string) => new AgentPayError('invalid_request', message, { param: 'query' });
