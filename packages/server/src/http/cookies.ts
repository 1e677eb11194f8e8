import type { Request, Response } from 'express';

/** Cookies of the browser that calls. What is set goes out with the response, also when that is an error. */
export interface Cookies {
  /** Of two with one name the first, which has the more specific path (RFC 6265 section 5.4). */
  get(name: string): string | undefined;
  /** Always HttpOnly and SameSite=Lax, and Secure where the API is behind TLS. */
  set(name: string, value: string, options: { maxAgeSeconds: number; path?: string }): void;
  clear(name: string, options?: { path?: string }): void;
}

/** The value of a cookie in a `Cookie` header. */
export function cookieIn(header: string, name: string): string | undefined {
  const pairs = header.split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}

export function cookiesOf(request: Request, response: Response, secure: boolean): Cookies {
  const write = (name: string, value: string, maxAge: number, path: string) =>
    void response.append(
      'Set-Cookie',
      [
        `${name}=${value}`,
        `Path=${path}`,
        `Max-Age=${maxAge}`,
        'HttpOnly',
        'SameSite=Lax',
        ...(secure ? ['Secure'] : []),
      ].join('; '),
    );
  return {
    get: (name) => cookieIn(request.get('cookie') ?? '', name),
    set: (name, value, { maxAgeSeconds, path = '/' }) => write(name, value, maxAgeSeconds, path),
    clear: (name, { path = '/' } = {}) => write(name, '', 0, path),
  };
}

/** For calls that no browser makes. */
export const noCookies: Cookies = { get: () => undefined, set: () => undefined, clear: () => undefined };
