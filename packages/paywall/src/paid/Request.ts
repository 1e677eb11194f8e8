import type { IncomingMessage } from 'node:http';

/** A request as Node gives it, with what Express, Connect and body parsers may have added. */
export interface Request extends IncomingMessage {
  originalUrl?: string;
  /** Express sets it. */
  app?: unknown;
  protocol?: string;
  baseUrl?: string;
  route?: { readonly path?: unknown };
  params?: Readonly<Record<string, unknown>>;
  body?: unknown;
  rawBody?: unknown;
  /** Of the client, where Express works it out. */
  ip?: string | undefined;
}

export type Next = (error?: unknown) => unknown;

/** What a request asks for. */
export type Asking = Pick<Request, 'method' | 'originalUrl' | 'url' | 'app'>;

/** Path and query as the client asked for them, whatever a mount has cut off. */
export function targetOf(req: Asking): string {
  const target = withoutFragment(req.originalUrl ?? req.url ?? '/');
  if (target.startsWith('/')) return target;
  const rest = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  return rest === '' || rest.startsWith('?') ? `/${rest}` : rest;
}

/** Targets have no fragment (RFC 9112 section 3.2); common servers cut one off that is sent all the same. */
function withoutFragment(target: string): string {
  const mark = target.indexOf('#');
  return mark < 0 ? target : target.slice(0, mark);
}
