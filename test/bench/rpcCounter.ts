import { createServer, request, Agent } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** A proxy before a node that counts what passes. */
export interface RpcCounter {
  readonly url: string;
  /** HTTP requests and the JSON-RPC calls in them, since the last time. */
  take(): { readonly requests: number; readonly calls: number };
  close(): void;
}

export async function startRpcCounter(rpcUrl: string): Promise<RpcCounter> {
  const agent = new Agent({ keepAlive: true });
  let count = { requests: 0, calls: 0 };
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      const parsed: unknown = JSON.parse(body.toString('utf8'));
      count.requests += 1;
      count.calls += Array.isArray(parsed) ? parsed.length : 1;
      const headers = { 'content-type': 'application/json', 'content-length': String(body.length) };
      const forwarded = request(rpcUrl, { agent, method: 'POST', headers }, (response) => {
        outgoing.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(outgoing);
      });
      forwarded.on('error', () => outgoing.destroy());
      forwarded.end(body);
    });
  });
  // A connection that is closed while the next request is on its way would count as a fault of the node.
  server.keepAliveTimeout = 600_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take() {
      const taken = count;
      count = { requests: 0, calls: 0 };
      return taken;
    },
    close() {
      server.closeAllConnections();
      server.close();
      agent.destroy();
    },
  };
}
