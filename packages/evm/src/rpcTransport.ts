import { afterThisTurn } from '@agentpay/primitives';
import { httpClient } from '@agentpay/protocol';
import {
  createTransport,
  HttpRequestError,
  RpcRequestError,
  type EIP1193RequestFn,
  type Transport,
} from 'viem';

/** Requests in one batch; public nodes refuse many more. */
const MOST_TOGETHER = 100;
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
/** How a connection ends under a request: nodes close those that idle, without looking whether something is on its way. */
const CONNECTION_ENDS: readonly unknown[] = ['ECONNRESET', 'EPIPE'];

export interface RpcTransportOptions {
  /** Milliseconds until a request is given up. */
  readonly timeoutMs: number;
  /** Requests of one turn of the event loop travel in one batch. */
  readonly together: boolean;
  /** Asks once more when the connection ends before the answer: only for what may be asked twice. */
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

interface RpcAnswer {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: { code: number; message: string; data?: unknown };
}

/**
 * JSON-RPC 2.0 over HTTP/1.1 with connections that are kept open. It stands in for viem's own `http` transport, which goes through
 * `fetch`: a request costs a fifth of the processor's time here, and waits for no timer.
 */
export function rpcTransport(rpcUrl: string, options: RpcTransportOptions): Transport {
  const post = poster(rpcUrl, options);
  let queue: Waiting[] = [];

  async function travel(batch: readonly Waiting[]): Promise<void> {
    const bodies = batch.map(({ question: { method, params } }, id) => ({
      jsonrpc: '2.0',
      id,
      method,
      params,
    }));
    try {
      const answer = await post(bodies.length === 1 ? bodies[0] : bodies);
      const answers = new Map(
        (Array.isArray(answer) ? answer : [answer]).map((one: RpcAnswer) => [one.id, one]),
      );
      // A node that refuses the whole batch answers once, and may name nobody.
      const forAll = Array.isArray(answer) ? undefined : (answer as RpcAnswer);
      for (const [id, { resolve, reject }] of batch.entries()) {
        const { error, result } = answers.get(id) ?? forAll ?? {};
        if (error) reject(new RpcRequestError({ body: { ...bodies[id] }, error, url: rpcUrl }));
        else if (result === undefined) reject(failure(rpcUrl, 'the node left a question unanswered'));
        else resolve(result);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  function depart(): void {
    const all = queue;
    queue = [];
    for (let at = 0; at < all.length; at += MOST_TOGETHER) void travel(all.slice(at, at + MOST_TOGETHER));
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

/** Posts a JSON body and gives the JSON that comes back. */
function poster(
  rpcUrl: string,
  { timeoutMs, again }: RpcTransportOptions,
): (body: unknown) => Promise<unknown> {
  const url = new URL(rpcUrl);
  const client = httpClient();
  const headers = { 'content-type': 'application/json' };

  async function once(body: string): Promise<unknown> {
    const { status, text } = await client(url, {
      method: 'POST',
      headers,
      body,
      timeoutMs,
      maxBytes: MAX_ANSWER_BYTES,
    });
    const answer = parse(text);
    // Some nodes give their refusals a status of their own.
    if (answer !== undefined && (status === 200 || isRefusal(answer))) return answer;
    throw failure(rpcUrl, status === 200 ? 'the answer is not JSON' : `HTTP ${status}`, status);
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

function isRefusal(answer: object): boolean {
  const { error } = answer as RpcAnswer;
  return typeof error?.code === 'number' && typeof error.message === 'string';
}

function failure(url: string, details: string, status?: number): HttpRequestError {
  return new HttpRequestError({ url, details, ...(status !== undefined && { status }) });
}
