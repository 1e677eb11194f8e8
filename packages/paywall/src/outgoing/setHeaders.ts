import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** Sets headers that are not undefined. */
export function setHeaders(res: ServerResponse, headers: OutgoingHttpHeaders): void {
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) res.setHeader(name, value);
}
