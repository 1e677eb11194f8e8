import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher, Pool } from 'undici';
import type { Deadline } from './deadline.js';

/** Takes a body while it comes. */
export interface Taker {
  /** Gives false when it can take no more until {@link Incoming.resume} is called. */
  take(chunk: Buffer): boolean;
  end(): void;
  /** The body broke off, or its time was over; nothing follows. */
  fail(error: unknown): void;
}

/** A response whose body is still to come. */
export interface Incoming {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** Complete when the body has ended. */
  readonly trailers: IncomingHttpHeaders;
  /** Gives the body to a taker: what has come and what is to come. Called once. */
  giveTo(taker: Taker): void;
  resume(): void;
  /** Reads no more; the taker hears nothing of it. */
  stop(): void;
}

/** Bytes that are kept of a body that nobody takes yet. */
const KEPT_BYTES = 65_536;

/** One request under way. */
interface Exchange {
  readonly resolve: (incoming: Incoming) => void;
  readonly reject: (error: unknown) => void;
  readonly settled: () => void;
  readonly kept: Buffer[];
  keptBytes: number;
  controller: Dispatcher.DispatchController | undefined;
  answered: boolean;
  taker: Taker | undefined;
  trailers: IncomingHttpHeaders;
  state: 'open' | 'ended' | { readonly failed: unknown };
}

/**
 * Sends a request and gives the response once its headers are there. undici's own `request` puts a stream around every body and listens to
 * a signal for every deadline, which cost more than the exchange itself.
 *
 * @param settled called when the response has ended or broken off
 */
export function exchange(
  pool: Pool,
  options: Dispatcher.DispatchOptions,
  deadline: Deadline,
  settled: () => void = () => undefined,
): Promise<Incoming> {
  return new Promise((resolve, reject) => {
    const on: Exchange = {
      resolve,
      reject,
      settled,
      kept: [],
      keptBytes: 0,
      controller: undefined,
      answered: false,
      taker: undefined,
      trailers: {},
      state: 'open',
    };
    deadline.onOver(() => breakOff(on, deadline.over?.(true)));
    if (on.state === 'open') pool.dispatch(options, handlerOf(on));
  });
}

function handlerOf(on: Exchange): Dispatcher.DispatchHandler {
  return {
    onRequestStart(controller) {
      on.controller = controller;
      if (on.state !== 'open') controller.abort(new Error('The request was given up.'));
    },
    onResponseStart(_controller, status, headers) {
      // Of a status below 200 nothing is passed on: the response proper follows.
      if (status < 200 || on.state !== 'open') return;
      on.answered = true;
      on.resolve(incomingOf(on, status, headers));
    },
    onResponseData(controller, chunk) {
      if (on.state !== 'open') return;
      if (on.taker) {
        if (!on.taker.take(chunk)) controller.pause();
        return;
      }
      on.kept.push(chunk);
      on.keptBytes += chunk.length;
      if (on.keptBytes >= KEPT_BYTES) controller.pause();
    },
    onResponseEnd(_controller, trailers) {
      if (on.state !== 'open') return;
      on.state = 'ended';
      on.trailers = trailers;
      on.settled();
      on.taker?.end();
    },
    onResponseError: (_controller, error) => fail(on, error),
  };
}

function incomingOf(on: Exchange, status: number, headers: IncomingHttpHeaders): Incoming {
  return {
    status,
    headers,
    get trailers() {
      return on.trailers;
    },
    giveTo(taker) {
      on.taker = taker;
      const takesMore = on.kept.splice(0).reduce((more, chunk) => taker.take(chunk) && more, true);
      if (on.state === 'ended') taker.end();
      else if (on.state !== 'open') taker.fail(on.state.failed);
      else if (takesMore) on.controller?.resume();
      else on.controller?.pause();
    },
    resume: () => on.controller?.resume(),
    stop() {
      on.taker = undefined;
      breakOff(on, undefined);
    },
  };
}

function breakOff(on: Exchange, why: unknown): void {
  if (on.state !== 'open') return;
  fail(on, why);
  on.controller?.abort(new Error('The request was given up.'));
}

function fail(on: Exchange, error: unknown): void {
  if (on.state !== 'open') return;
  on.state = { failed: error };
  on.settled();
  if (on.answered) on.taker?.fail(error);
  else on.reject(error);
}
