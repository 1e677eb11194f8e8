import { METHODS } from 'node:http';

/** A part of a pattern between two slashes. */
export type Segment =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string }
  /** Whatever follows, nothing included. */
  | { readonly kind: 'rest' };

/** An entry in the table of prices. */
export interface RouteEntry {
  /** Undefined: any method. */
  readonly method: string | undefined;
  readonly path: string;
  readonly segments: readonly Segment[];
}

const ENTRY = /^(?:([A-Z]+) +)?(\/[^\s?#]*|\*)$/;
const PARAMETER = /^:([A-Za-z_][\w-]*)$/;
/** What stands in no path as it is, or is a pattern elsewhere. */
const FOREIGN = /[[\]{}<>|^*]|^:|\([^)]*[\\+?.]/;

/**
 * Reads "METHOD /path" or "/path", with `:param` for one segment and a final `*` for any rest.
 * @throws TypeError for patterns of other routers and for methods that do not exist: they would never match, and nobody would pay
 */
export function readEntry(key: string): RouteEntry {
  const match = ENTRY.exec(key);
  if (!match)
    throw new TypeError(
      `Route "${key}" must be a path or a method in capitals and a path, such as "GET /weather".${meant(key)}`,
    );
  const [, method, path] = match as unknown as [string, string | undefined, string];
  if (method !== undefined && method !== 'QUERY' && !METHODS.includes(method))
    throw new TypeError(`Route "${key}": ${method} is no method of HTTP.`);
  const parts = path.split('/').filter(Boolean);
  const segments = parts.map((part, index) => segmentOf(part, { key, isLast: index === parts.length - 1 }));
  return { method, path, segments };
}

function segmentOf(part: string, { key, isLast }: { key: string; isLast: boolean }): Segment {
  if (part === '*' && isLast) return { kind: 'rest' };
  if (part === '*') throw new TypeError(`Route "${key}": only the last segment may be "*".`);
  const [, name] = PARAMETER.exec(part) ?? [];
  if (name !== undefined) return { kind: 'parameter', name };
  if (FOREIGN.test(part))
    throw new TypeError(
      `Route "${key}": "${part}" is not understood. One segment is written ":name", any rest a final "*".${meant(key)}`,
    );
  return { kind: 'text', text: decodedText(part) };
}

function decodedText(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The spelling that was likely meant. */
function meant(key: string): string {
  const [, method = '', rest = key] = /^\s*(?:([A-Za-z]+)\s+)?(\S+)\s*$/.exec(key) ?? [];
  const path = rest.replace(/^https?:\/\/[^/]*/i, '').replace(/[?#].*$/, '');
  const segments: string[] = [];
  for (const part of path.split('/').filter(Boolean)) {
    segments.push(likely(part));
    if (segments.at(-1) === '*') break;
  }
  const spelt = `${method && `${method.toUpperCase()} `}/${segments.join('/')}`;
  if (
    spelt === key ||
    segments.some((segment) => segment !== '*' && !/^(?::[A-Za-z_][\w-]*|[\w~-][\w.~-]*)$/.test(segment))
  )
    return '';
  return ` Did you mean "${spelt}"?`;
}

/** `[id]`, `{id}`, `<int:id>`, `:id(\\d+)` and the like are one segment; `[...all]`, `{*all}`, `**`, `*all`, `(.*)`, `:all*` the rest. */
function likely(part: string): string {
  if (/^(?:\[{1,2}\.{3}.*|\{?\*.*|\(\.\*\)|:\w+[*+]|:\w+\(\.[*+]\).*|<path:.*)$/.test(part)) return '*';
  const [, name] = /^(?:\[|\{|<(?:\w+:)?|:)([A-Za-z_]\w*)/.exec(part) ?? [];
  return name === undefined ? part : `:${name}`;
}
