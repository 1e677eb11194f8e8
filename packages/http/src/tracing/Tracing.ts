import { AsyncLocalStorage } from 'node:async_hooks';
import type { RequestListener } from 'node:http';
import type { Clock } from '@agentpay/primitives';
import type { Context, Span, SpanOptions } from '@opentelemetry/api';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import { faultOf } from '../log.js';

/** What is told of a span. Never a signature, a key, or anything else that a caller may quote at will. */
export type SpanAttributes = Readonly<Record<string, string | number>>;

export interface TracedWork<T> {
  readonly name: string;
  readonly attributes: SpanAttributes;
  /** `client`: asks another process; `server`: answers one. */
  readonly kind?: 'client' | 'server';
  /**
   * `root`: begins a trace, whatever is at work here, as what is done for several at once belongs to none of them. `below`: there is a
   * span for it only under another one.
   */
  readonly place?: 'root' | 'below';
  /** `tell` adds what is known later. */
  readonly work: (tell: (attributes: SpanAttributes) => void) => Promise<T>;
}

/** Spans by OpenTelemetry, sent to a collector. */
export interface Tracing {
  /** Does the work as a span under the one at work here; under none, or under one that has ended, it begins a trace. */
  span<T>(traced: TracedWork<T>): Promise<T>;
  /** Answers requests within the traces that their `traceparent` names. */
  within(handle: RequestListener): RequestListener;
  /** The clock; what its timers do belongs to no trace that is at work. */
  apart(clock: Clock): Clock;
  /** Sends what is left. */
  close(): Promise<void>;
}

export interface TracingOptions {
  /** What spans say that they come from. */
  readonly service: string;
  /** The collector's OTLP/HTTP base: spans go to `/v1/traces` below it. The other variables `OTEL_*` are read by the library. */
  readonly endpoint: string;
  readonly onError: (error: unknown) => void;
  /** Takes the spans in place of the collector, for tests. */
  readonly exporter?: SpanExporter;
}

/** Where spans that start here belong, as long as it is open. */
interface Scope {
  readonly context: Context;
  /** Whether it is a span of ours, and not only the caller's. */
  readonly own: boolean;
  open: boolean;
}

const EXPORT_TIMEOUT_MS = 3_000;

/**
 * Loads OpenTelemetry, which nobody pays for who has not asked for it.
 *
 * @example
 * const tracing = await openTracing({
 *   service: 'agentpay-api',
 *   endpoint: 'http://127.0.0.1:4318',
 *   onError: (error) => console.error(error),
 * });
 * await tracing.span({ name: 'work', attributes: {}, work: async (tell) => tell({ result: 'ok' }) });
 * await tracing.close();
 */
export async function openTracing(options: TracingOptions): Promise<Tracing> {
  const { service, onError } = options;
  const { defaultTextMapGetter, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } =
    await import('@opentelemetry/api');
  const { W3CTraceContextPropagator } = await import('@opentelemetry/core');
  const provider = await openProvider(options);
  const tracer = provider.getTracer(service);
  const propagator = new W3CTraceContextPropagator();
  const scopes = new AsyncLocalStorage<Scope | undefined>();
  const kinds = { client: SpanKind.CLIENT, server: SpanKind.SERVER, internal: SpanKind.INTERNAL };

  function start(name: string, above: Scope | undefined, about: SpanOptions): { span: Span; scope: Scope } {
    const parent = above?.context ?? ROOT_CONTEXT;
    const span = tracer.startSpan(name, about, parent);
    return { span, scope: { context: trace.setSpan(parent, span), own: true, open: true } };
  }

  return {
    async span({ name, attributes, kind, place, work }) {
      const at = scopes.getStore();
      const above = at?.open && place !== 'root' ? at : undefined;
      if (place === 'below' && !above?.own) return work(() => undefined);
      const { span, scope } = start(name, above, { attributes, kind: kinds[kind ?? 'internal'] });
      try {
        return await scopes.run(scope, () => work((more) => void span.setAttributes(more)));
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR, message: faultOf(error).message });
        throw error;
      } finally {
        scope.open = false;
        span.end();
      }
    },
    within: (handle) => (request, response) => {
      const context = propagator.extract(ROOT_CONTEXT, request.headers, defaultTextMapGetter);
      scopes.run({ context, own: false, open: true }, () => handle(request, response));
    },
    apart: (clock) => ({
      now: clock.now,
      timer: (ms, fn, options) => clock.timer(ms, () => scopes.run(undefined, fn), options),
    }),
    async close() {
      await provider.shutdown().catch(onError);
    },
  };
}

async function openProvider({ service, endpoint, onError, exporter }: TracingOptions) {
  const { setGlobalErrorHandler } = await import('@opentelemetry/core');
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  const { defaultResource, detectResources, envDetector, resourceFromAttributes } =
    await import('@opentelemetry/resources');
  const { BasicTracerProvider, BatchSpanProcessor } = await import('@opentelemetry/sdk-trace-base');
  setGlobalErrorHandler(onError);
  const url = `${endpoint.replace(/\/$/, '')}/v1/traces`;
  const to = exporter ?? new OTLPTraceExporter({ url, timeoutMillis: EXPORT_TIMEOUT_MS });
  const named = defaultResource().merge(resourceFromAttributes({ 'service.name': service }));
  return new BasicTracerProvider({
    resource: named.merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(to, { exportTimeoutMillis: EXPORT_TIMEOUT_MS })],
  });
}
