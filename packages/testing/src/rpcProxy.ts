import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sleep, systemClock } from '@agentpay/primitives';

/** A JSON-RPC call as it came in. */
export interface RpcCall {
  readonly id: number | string | null;
  readonly method: string;
  readonly params?: readonly unknown[];
}

/**
 * What a node does instead of answering well.
 * `drop`: the connection ends, and the node never saw the request; `drop answer`: it did what was asked, and the connection ends;
 * `hang`: nothing comes, ever. These, `delayMs` and `status` concern the whole HTTP request, so all calls that travel in it.
 */
export type RpcFault =
  | 'drop'
  | 'drop answer'
  | 'hang'
  | { readonly delayMs: number }
  /** An HTTP answer of something in between: a limit, a page of a proxy. */
  | { readonly status: number; readonly body?: string }
  /** A JSON-RPC error for every call, with an HTTP status of its own. */
  | { readonly status: number; readonly refusal: { readonly code: number; readonly message: string } }
  /** The node refuses. */
  | { readonly error: string; readonly code?: number }
  /** The node did what was asked, and refuses all the same. */
  | { readonly errorAfter: string; readonly code?: number }
  /** The node lies: what it says instead of its true result. */
  | { readonly lie: (result: unknown, call: RpcCall) => unknown };

/** Error texts of nodes about transactions. */
export const nodeRefusals = {
  alreadyKnown: 'already known',
  nonceTooLow: 'nonce too low: next nonce 7, tx nonce 6',
  underpriced: 'replacement transaction underpriced',
  poor: 'insufficient funds for gas * price + value: balance 0, tx cost 300000000000000',
} as const;

export interface RpcProxy {
  readonly url: string;
  /** Calls so far, by method. */
  readonly counts: Readonly<Record<string, number>>;
  /** From now on the next `times` calls (default 1) of the method meet the fault. */
  fault(method: string, fault: RpcFault, times?: number): void;
  /** Takes back all faults. */
  heal(): void;
  close(): Promise<void>;
}

interface Scripted {
  readonly method: string;
  readonly fault: RpcFault;
  left: number;
}

interface Met {
  readonly call: RpcCall;
  readonly fault: RpcFault | undefined;
}

/** Stands before a JSON-RPC node and makes it misbehave. */
export async function rpcProxy({ target }: { target: string }): Promise<RpcProxy> {
  const counts: Record<string, number> = {};
  let script: Scripted[] = [];

  function meet(call: RpcCall): Met {
    counts[call.method] = (counts[call.method] ?? 0) + 1;
    const due = script.find(({ method, left }) => method === call.method && left > 0);
    if (due) due.left -= 1;
    return { call, fault: due?.fault };
  }

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body: unknown = JSON.parse(await textOf(req));
    const met = (Array.isArray(body) ? (body as RpcCall[]) : [body as RpcCall]).map(meet);
    const faults = met.flatMap(({ fault }) => fault ?? []);
    const status = faults.find((fault) => typeof fault === 'object' && 'status' in fault);
    if (faults.includes('hang')) return;
    if (faults.includes('drop')) return void res.destroy();
    if (status && 'refusal' in status) {
      const refusals = met.map(({ call: { id } }) => ({ jsonrpc: '2.0', id, error: status.refusal }));
      res.writeHead(status.status, { 'content-type': 'application/json' });
      return void res.end(JSON.stringify(Array.isArray(body) ? refusals : refusals[0]));
    }
    if (status)
      return void res.writeHead(status.status, { 'content-type': 'text/html' }).end(status.body ?? '');
    for (const fault of faults)
      if (typeof fault === 'object' && 'delayMs' in fault) await sleep(systemClock, fault.delayMs);
    const answers = await forward(target, met);
    if (faults.includes('drop answer')) return void res.destroy();
    res
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify(Array.isArray(body) ? answers : answers[0]));
  }

  const server = createServer((req, res) => {
    serve(req, res).catch(() => res.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    fault: (method, fault, times = 1) => void script.push({ method, fault, left: times }),
    heal: () => void (script = []),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Asks the node what is to be asked, in one request, and gives a response per call. */
async function forward(target: string, met: readonly Met[]): Promise<unknown[]> {
  const asked = met
    .filter(({ fault }) => !(typeof fault === 'object' && 'error' in fault))
    .map(({ call }) => call);
  const results = asked.length > 0 ? await post(target, asked) : [];
  return met.map(({ call, fault }) => {
    const { id } = call;
    const answer = results.find((result) => result.id === id);
    if (typeof fault !== 'object') return answer;
    if ('error' in fault)
      return { jsonrpc: '2.0', id, error: { code: fault.code ?? -32_000, message: fault.error } };
    if ('errorAfter' in fault)
      return { jsonrpc: '2.0', id, error: { code: fault.code ?? -32_000, message: fault.errorAfter } };
    return 'lie' in fault ? { jsonrpc: '2.0', id, result: fault.lie(answer?.result, call) } : answer;
  });
}

async function post(
  target: string,
  calls: readonly RpcCall[],
): Promise<{ id: RpcCall['id']; result?: unknown }[]> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(target, { method: 'POST', headers, body: JSON.stringify(calls) });
  return (await response.json()) as { id: RpcCall['id'] }[];
}

async function textOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
