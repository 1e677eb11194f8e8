import type { ServerResponse } from 'node:http';

/** A refusal as the paywall writes them (RFC 9457). */
export function problem(res: ServerResponse, status: number, code: string, detail: string): void {
  if (res.headersSent) return void res.destroy();
  const body = JSON.stringify({
    type: 'about:blank',
    title: code.replaceAll('_', ' '),
    status,
    code,
    detail,
  });
  res.writeHead(status, {
    'Content-Type': 'application/problem+json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  });
  res.end(body);
}
