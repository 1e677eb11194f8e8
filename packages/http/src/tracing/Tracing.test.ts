import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Db } from '@agentpay/primitives';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import { tracedDb } from './tracedDb.js';
import { openTracing, type Tracing } from './Tracing.js';

let spans: ReadableSpan[];
let tracing: Tracing;

beforeEach(async () => {
  spans = [];
  const exporter: SpanExporter = {
    export(done, tell) {
      spans.push(...done);
      tell({ code: 0 });
    },
    shutdown: async () => undefined,
  };
  const onError = (error: unknown) => {
    throw error;
  };
  tracing = await openTracing({ service: 'test', endpoint: 'http://127.0.0.1:9', onError, exporter });
});

const span = <T>(name: string, work: () => Promise<T>, more: object = {}) =>
  tracing.span({ name, attributes: {}, work, ...more });
const nothing = async () => undefined;
/** Everything there was, by name; each name is used once. */
async function ended(): Promise<Map<string, ReadableSpan>> {
  await tracing.close();
  return new Map(spans.map((each) => [each.name, each]));
}
const parentOf = (each: ReadableSpan | undefined) => each?.parentSpanContext?.spanId;

it('spans hang below the one at work, and not below one that has ended', async () => {
  let late: Promise<unknown> | undefined;
  await span('outer', async () => {
    await span('inner', nothing);
    late = new Promise((resolve) => setImmediate(resolve)).then(() => span('late', nothing));
  });
  await late;
  const all = await ended();
  expect(parentOf(all.get('inner'))).toBe(all.get('outer')?.spanContext().spanId);
  expect(parentOf(all.get('late'))).toBeUndefined();
});

it('what is done for several begins a trace of its own', async () => {
  await span('outer', () => span('batch', nothing, { place: 'root' }));
  const all = await ended();
  expect(parentOf(all.get('batch'))).toBeUndefined();
  expect(all.get('batch')?.spanContext().traceId).not.toBe(all.get('outer')?.spanContext().traceId);
});

it('statements are spans below a span alone, named by verb and table and never by values', async () => {
  const bare = {
    query: async () => [],
    tx: async (work: (tx: unknown) => Promise<unknown>) => work({ query: async () => [] }),
  } as unknown as Db;
  const db = tracedDb(bare, tracing);
  await db.query('select 1 from before');
  await span('work', async () => {
    await db.query("select * from payments where key = 'secret'");
    await db.tx((tx) => tx.query('with a as (insert into journals (id) values ($1)) select 1', ['secret']));
  });
  const all = await ended();
  expect([...all.keys()].sort()).toEqual(
    ['db insert journals', 'db select payments', 'db transaction', 'work'].sort(),
  );
  expect(parentOf(all.get('db insert journals'))).toBe(all.get('db transaction')?.spanContext().spanId);
});

it('requests go on with the trace that they name, and one that names none begins one', async () => {
  const server = createServer(
    tracing.within((request, response) => {
      void span(`answer ${request.url}`, nothing, { kind: 'server' }).then(() => response.end());
    }),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [traceId, parent] = ['1'.repeat(32), '2'.repeat(16)];
  await fetch(`${base}/named`, { headers: { traceparent: `00-${traceId}-${parent}-01` } });
  await fetch(`${base}/bare`);
  server.closeAllConnections();
  server.close();
  const all = await ended();
  expect(all.get('answer /named')?.spanContext().traceId).toBe(traceId);
  expect(parentOf(all.get('answer /named'))).toBe(parent);
  expect(parentOf(all.get('answer /bare'))).toBeUndefined();
});

it('work that fails is a span that says so, and fails all the same', async () => {
  const failing = span('failing', () => Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
  const all = await ended();
  expect(all.get('failing')?.status).toEqual({ code: 2, message: 'no' });
});
