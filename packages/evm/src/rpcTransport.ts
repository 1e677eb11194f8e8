import { afterThisTurn } from '@agentpay/primitives';
import { httpClient } from '@agentpay/protocol';
import { createTransport, HttpRequestError, type EIP1193RequestFn, type Transport } from 'viem';
import { NodeRefusal, nodeRefusal, saysTooMany } from './NodeRefusal.js';

/** Requests in one batch; public nodes refuse many more. */
const MOST_TOGETHER = 100;
const MAX_RESPONSE_BYTES = 32 * 1024 * 1024;
/** How a connection ends under a request: nodes close those that idle, without looking whether something is on its way. */
const CONNECTION_ENDS: readonly unknown[] = ['ECONNRESET', 'EPIPE'];

export interface RpcTransportOptions {
  /** Milliseconds until a request is given up. */
  readonly timeoutMs: number;
  /** Requests of one turn of the event loop travel in one batch. */
  readonly together: boolean;
  /** Asks once more when the connection ends before the response: only for what may be asked twice. */
  readonly again: boolean;
}

interface Question {
  readonly method: string;
  readonly params?: unknown;
}

interface Waiting {
  readonly question: Question;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface RpcResponse {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** What came back over HTTP: its status, and the JSON in it. */
interface Posted {
  readonly status: number;
  readonly json: object;
}

type Post = (body: unknown) => Promise<Posted>;

/**
 * JSON-RPC 2.0 over HTTP/1.1 with connections that are kept open. It stands in for viem's own `http` transport, which goes through
 * `fetch`: a request costs a fifth of the processor's time here, and waits for no timer.
 */
export function rpcTransport(rpcUrl: string, options: RpcTransportOptions): Transport {
  const travel = traveller(rpcUrl, poster(rpcUrl, options));
  let queue: Waiting[] = [];

  function depart(): void {
    const all = queue;
    queue = [];
    void travel(all);
  }

  function ask(question: Question): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const waiting = { question, resolve, reject };
      if (!options.together) return void travel([waiting]);
      if (queue.push(waiting) === 1) afterThisTurn(depart);
    });
  }

  // viem's type promises more of a result than a transport can know.
  const request = ask as EIP1193RequestFn;
  return () =>
    createTransport({ key: 'rpc', name: 'JSON-RPC over HTTP', type: 'rpc', retryCount: 0, request });
}

/**
 * Asks questions in batches. A batch that the node refuses for its size is asked again in halves, and no larger one is sent to it from
 * then on; one that it refuses for another reason fails as a whole.
 */
function traveller(rpcUrl: string, post: Post): (all: readonly Waiting[]) => Promise<unknown> {
  let most = MOST_TOGETHER;

  const travel = async (all: readonly Waiting[]): Promise<void> => {
    const batches: (readonly Waiting[])[] = [];
    for (let at = 0; at < all.length; at += most) batches.push(all.slice(at, at + most));
    await Promise.all(batches.map(ask));
  };

  /** Gives false when the node refused the batch as a whole, whatever its size. */
  async function ask(batch: readonly Waiting[]): Promise<boolean> {
    const bodies = batch.map(({ question: { method, params } }, id) => ({
      jsonrpc: '2.0',
      id,
      method,
      params,
    }));
    const posted = await post(bodies.length === 1 ? bodies[0] : bodies).catch((error: unknown) => ({
      error,
    }));
    const refusal = 'error' in posted ? posted.error : batchRefusal(rpcUrl, posted, bodies.length);
    if (refusal === undefined) {
      deliver(rpcUrl, batch, posted as Posted);
      return true;
    }
    if (batch.length > 1 && mayBeForSize(refusal)) return askInHalves(batch, refusal);
    for (const { reject } of batch) reject(refusal);
    return false;
  }

  async function askInHalves(batch: readonly Waiting[], refusal: unknown): Promise<boolean> {
    const half = Math.ceil(batch.length / 2);
    const [first, rest] = [batch.slice(0, half), batch.slice(half)];
    if (await ask(first)) {
      most = Math.min(most, half);
      await travel(rest);
      return true;
    }
    for (const { reject } of rest) reject(refusal);
    return false;
  }

  return travel;
}

/** Gives every question its response. */
function deliver(url: string, batch: readonly Waiting[], { status, json }: Posted): void {
  const responses = new Map(
    (Array.isArray(json) ? json : [json]).map((one: RpcResponse | null) => [one?.id, one]),
  );
  for (const [id, { question, resolve, reject }] of batch.entries()) {
    // A lone question may be refused without its id.
    const { error, result } = responses.get(id) ?? (Array.isArray(json) ? {} : (json as RpcResponse));
    if (error !== undefined && error !== null) reject(nodeRefusal(url, error, status, question));
    else if (result === undefined) reject(failure(url, 'the node left a question unanswered'));
    else resolve(result);
  }
}

/** Why a node that was asked several questions answered none: one refusal for all, or it says that they are too many. */
function batchRefusal(url: string, { status, json }: Posted, size: number): unknown {
  if (size === 1) return undefined;
  const all = (Array.isArray(json) ? json : [json]) as (RpcResponse | null)[];
  const error = Array.isArray(json) ? all.find((one) => saysTooMany(one?.error))?.error : all[0]?.error;
  if (error !== undefined && error !== null) return nodeRefusal(url, error, status);
  return all.length === 1 ? failure(url, 'the node left questions unanswered', status) : undefined;
}

/** A limit on the rate, or credentials that are not taken, are none on the size. */
function mayBeForSize(refusal: unknown): boolean {
  if (refusal instanceof NodeRefusal) return !refusal.isLimit;
  const { status } = refusal as { status?: unknown };
  return refusal instanceof HttpRequestError && (status === 400 || status === 413 || status === 200);
}

/** Posts a JSON body and gives the JSON that comes back. */
function poster(rpcUrl: string, { timeoutMs, again }: RpcTransportOptions): Post {
  const url = new URL(rpcUrl);
  const client = httpClient();
  const headers = { 'content-type': 'application/json' };

  async function once(body: string): Promise<Posted> {
    const { status, text } = await client(url, {
      method: 'POST',
      headers,
      body,
      timeoutMs,
      maxBytes: MAX_RESPONSE_BYTES,
    });
    const json = parse(text);
    // Some nodes give their refusals a status of their own.
    if (json !== undefined && (status === 200 || isRefusal(json))) return { status, json };
    throw failure(rpcUrl, status === 200 ? 'the response is not JSON' : `HTTP ${status}`, status);
  }

  return async (body) => {
    const text = JSON.stringify(body);
    try {
      return await once(text);
    } catch (error) {
      if (!again || !CONNECTION_ENDS.includes((error as { code?: unknown }).code)) throw error;
      return once(text);
    }
  };
}

function parse(text: string): object | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRefusal(json: object): boolean {
  const [first] = Array.isArray(json) ? (json as unknown[]) : [json];
  const { error } = (first ?? {}) as RpcResponse;
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return typeof code === 'number' && typeof message === 'string';
}

function failure(url: string, details: string, status?: number): HttpRequestError {
  return new HttpRequestError({ url, details, ...(status !== undefined && { status }) });
}
