import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet, { type HelmetOptions } from 'helmet';

/** Middleware that sets the headers of helmet. They are the same for every response, so helmet is asked once. */
export function securityHeaders({ tls }: { readonly tls: boolean }) {
  const headers = new Map<string, string>();
  const asked = {
    setHeader: (name: string, value: string) => headers.set(name, value),
    removeHeader: (name: string) => headers.delete(name),
  } as unknown as ServerResponse;
  helmet(helmetOptions(tls))({} as IncomingMessage, asked, (error?: unknown) => {
    if (error !== undefined) throw error;
  });
  const fields = [...headers];
  return function setSecurityHeaders(
    _request: IncomingMessage,
    response: ServerResponse,
    next: () => void,
  ): void {
    for (const [name, value] of fields) response.setHeader(name, value);
    next();
  };
}

/** No page is shown within another. Without TLS a page's own files are not to be asked for by https. */
function helmetOptions(tls: boolean): HelmetOptions {
  const directives = {
    ...(!tls && { upgradeInsecureRequests: null }),
    frameAncestors: ["'none'"],
    fontSrc: ["'self'"],
    // The default would take inline styles, and files of any origin.
    styleSrc: ["'self'"],
  };
  return { contentSecurityPolicy: { directives }, xFrameOptions: { action: 'deny' } };
}
