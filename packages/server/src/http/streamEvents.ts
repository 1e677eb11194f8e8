import type { EventStream, StreamedEvent } from '@agentpay/api';
import { sleep, type Clock } from '@agentpay/primitives';
import type { Request, Response } from 'express';

/** Shorter than what proxies take for silence. */
const HEARTBEAT_MS = 15_000;
/** How long a listener may take what was written to it. */
const DRAIN_MS = 30_000;
/** How old the last look at the caller's credential may be when something is told. */
const ALLOWED_MS = 1_000;

export interface StreamOptions {
  readonly clock: Clock;
  /** Rejects when the caller's credential is no more. */
  readonly assertAllowed: () => Promise<unknown>;
}

/** Writes events as they come (text/event-stream), until they end, the caller goes away, or their credential ends. */
export async function streamEvents(
  stream: EventStream,
  request: Request,
  response: Response,
  { clock, assertAllowed }: StreamOptions,
): Promise<void> {
  const events = (stream as AsyncIterable<StreamedEvent>)[Symbol.asyncIterator]();
  const stop = () => void events.return?.().catch(() => undefined);
  response.once('close', stop);
  response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
  // Some proxies would keep it back until there is more.
  response.setHeader('X-Accel-Buffering', 'no');
  if (request.method === 'HEAD') return void response.end();
  response.write('retry: 1000\n\n');
  const beating = heartbeat(response, { clock, assertAllowed }, stop);
  let lookedAt = clock.now();
  try {
    for (;;) {
      const next = await events.next();
      if (next.done || response.destroyed) break;
      if (clock.now() - lookedAt >= ALLOWED_MS) {
        await assertAllowed();
        lookedAt = clock.now();
      }
      if (!response.write(lines(next.value)) && !(await drained(response, clock))) break;
    }
  } catch {
    // The response has begun: its end is all that the caller can be told. They come back and are refused with a code, or go on.
  } finally {
    beating.stop();
    stop();
    response.end();
  }
}

function heartbeat(response: Response, { clock, assertAllowed }: StreamOptions, stop: () => void) {
  let cancel = clock.timer(HEARTBEAT_MS, beat, { background: true });
  let stopped = false;
  function beat(): void {
    assertAllowed().then(() => {
      if (stopped) return;
      response.write(':\n\n');
      cancel = clock.timer(HEARTBEAT_MS, beat, { background: true });
    }, stop);
  }
  return {
    stop() {
      stopped = true;
      cancel();
    },
  };
}

function lines({ id, type, ...event }: StreamedEvent): string {
  return `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify({ id, type, ...event })}\n\n`;
}

/** Whether the caller has taken what was written, in time. */
async function drained(response: Response, clock: Clock): Promise<boolean> {
  const done = new AbortController();
  const taken = () => done.abort();
  response.once('drain', taken).once('close', taken);
  await sleep(clock, DRAIN_MS, done.signal);
  response.off('drain', taken).off('close', taken);
  if (!done.signal.aborted) response.destroy();
  return done.signal.aborted && !response.destroyed;
}
