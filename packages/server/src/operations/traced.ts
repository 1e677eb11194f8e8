import type { RequestListener } from 'node:http';
import type { Endpoint } from '@agentpay/api';
import type { AroundBatch } from '@agentpay/core';
import { tracedDb, type Outbound, type SpanAttributes, type TracedWork, type Tracing } from '@agentpay/http';
import type { Clock, Db } from '@agentpay/primitives';
import { asAgentPayError } from '../http/errors.js';

/** The parts of an instance as they are, or made so that what they do is seen in traces. */
export interface ServerTracing {
  requests(handle: RequestListener): RequestListener;
  clock<C extends Clock>(clock: C): C;
  db(db: Db): Db;
  outbound(out: Outbound): Outbound;
  /** The answering of a request by an endpoint. */
  endpoint<T>(endpoint: Endpoint, work: () => Promise<T>): Promise<T>;
  /** What the core does for it, once the caller is known and the request is read. */
  operation<T>(endpoint: Endpoint, work: () => Promise<T>): Promise<T>;
  job<T>(name: string, work: () => Promise<T>): Promise<T>;
  readonly aroundBatch: AroundBatch;
  close(): Promise<void>;
}

export const untraced: ServerTracing = {
  requests: (handle) => handle,
  clock: (clock) => clock,
  db: (db) => db,
  outbound: (out) => out,
  endpoint: (_endpoint, work) => work(),
  operation: (_endpoint, work) => work(),
  job: (_name, work) => work(),
  aroundBatch: (_commands, write) => write(),
  close: async () => undefined,
};

export function traced(tracing: Tracing): ServerTracing {
  return {
    requests: tracing.within,
    clock: (clock) => ({ ...clock, ...tracing.apart(clock) }),
    db: (db) => tracedDb(db, tracing),
    outbound: (out) => tracedOutbound(out, tracing),
    endpoint: ({ id, method, path }, work) =>
      answered(tracing, {
        name: id,
        kind: 'server',
        attributes: { 'http.request.method': method, 'http.route': path },
        work,
      }),
    operation: ({ id }, work) =>
      answered(tracing, { name: `core ${id.replace(/^\w+\./, '')}`, attributes: {}, work }),
    job: (name, work) => tracing.span({ name: `job ${name}`, place: 'root', attributes: {}, work }),
    aroundBatch: (commands, write) =>
      tracing.span({
        name: 'batch',
        place: 'root',
        attributes: { 'agentpay.batch_size': commands },
        work: write,
      }),
    close: tracing.close,
  };
}

type Work<T> = Omit<TracedWork<T>, 'work'> & { readonly work: () => Promise<T> };

/** Tells how work ended. A refusal is a response as well: its words may be the caller's, so that its code alone is told. */
async function answered<T>(tracing: Tracing, { work, ...about }: Work<T>): Promise<T> {
  const outcome = await tracing.span<{ value: T } | { refusal: unknown }>({
    ...about,
    async work(tell) {
      try {
        const value = await work();
        tell({ 'agentpay.result': 'ok' });
        return { value };
      } catch (error) {
        const { kind, status } = asAgentPayError(error);
        tell({ 'agentpay.result': kind, 'http.response.status_code': status });
        if (status >= 500) throw error;
        return { refusal: error };
      }
    },
  });
  if ('refusal' in outcome) throw outcome.refusal;
  return outcome.value;
}

/** Each request to somebody else's server is a span; where it goes may be a secret of who named it, and is not told. */
function tracedOutbound(out: Outbound, tracing: Tracing): Outbound {
  return {
    ...out,
    fetchOut: (url, request) => {
      const method = request?.method ?? 'GET';
      return tracing.span({
        name: `outbound ${method}`,
        kind: 'client',
        attributes: { 'http.request.method': method },
        async work(tell) {
          const response = await out.fetchOut(url, request);
          tell({ 'http.response.status_code': response.status } satisfies SpanAttributes);
          return response;
        },
      });
    },
  };
}
