import type { RequestListener } from 'node:http';
import { familyAt, renderError } from '@agentpay/api';
import type { HttpRefusal } from '@agentpay/http';
import { AgentPayError, newId, type Clock, type ErrorName, type Random } from '@agentpay/primitives';

type Refuse = (kind: ErrorName, message: string) => HttpRefusal;

/** What is refused before there is an application to do so, in the words of the family at the root. */
export function refuseWith(source: { clock: Clock; random: Random }): Refuse {
  return (kind, message) => {
    const requestId = newId('request', source);
    const { status, body } = renderError(familyAt('/'), new AgentPayError(kind, message), requestId);
    return { status, headers: { 'X-Request-Id': requestId }, body: JSON.stringify(body) };
  };
}

/** Answers while the stores are being opened: the process lives, and is not ready. */
export function whileStarting(refuse: Refuse): RequestListener {
  return (request, response) => {
    const alive = request.url === '/healthz' || request.url === '/health';
    const { status, headers, body } = alive
      ? { status: 200, headers: {}, body: '{"status":"ok"}' }
      : refuse('unavailable', 'The server is starting.');
    const fields = { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' };
    response.writeHead(status, { ...fields, ...headers, ...(!alive && { 'Retry-After': '1' }) }).end(body);
  };
}
