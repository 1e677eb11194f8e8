import type { IncomingMessage, ServerResponse } from 'node:http';

/** Whether a process should be sent requests, and what is told of its parts. */
export interface Health {
  readonly ready: boolean;
  readonly report: object;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** The part of an Express application that routes are added to. */
interface Routes {
  get(path: string, handler: Handler): unknown;
}

export interface HealthRoutes {
  check(): Promise<Health>;
  /** What is told when the process is not ready, beside the report. */
  notReady(report: object, response: ServerResponse): { readonly status: number; readonly body: object };
}

/**
 * `GET /healthz` and `/health`: the process answers. `GET /readyz`: it should be sent requests, or 503 and the part that is at fault.
 * None of them is rate limited or cached.
 */
export function healthRoutes(app: Routes, { check, notReady }: HealthRoutes): void {
  const live: Handler = (_request, response) => json(response, 200, { status: 'ok' });
  app.get('/healthz', live);
  app.get('/health', live);
  app.get('/readyz', async (_request, response) => {
    const { ready, report } = await check();
    if (ready) return json(response, 200, { status: 'ok', ...report });
    const { status, body } = notReady(report, response);
    json(response, status, { status: 'unavailable', ...report, ...body });
  });
}

function json(response: ServerResponse, status: number, body: object): void {
  response.statusCode = status;
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.end(JSON.stringify(body));
}
