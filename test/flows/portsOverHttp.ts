import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

type Method = (...args: never[]) => Promise<unknown>;
/** What a process talks to, by name. */
export type Ports = Readonly<Record<string, Readonly<Record<string, Method>>>>;

const encode = (value: unknown) =>
  JSON.stringify([value], (_, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each));
const decode = (text: string): unknown =>
  (
    JSON.parse(text, (_, each: unknown) =>
      typeof each === 'string' && /^\d+n$/.test(each) ? BigInt(each.slice(0, -1)) : each,
    ) as unknown[]
  )[0];

/** Lets other processes call what is in this one. */
export async function servePorts(ports: Ports): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    const [, port = '', method = ''] = (request.url ?? '').split('/');
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const args = decode(Buffer.concat(chunks).toString()) as never[];
      const call = ports[port]?.[method];
      if (!call) return void response.writeHead(404).end();
      call(...args).then(
        (said) => response.end(encode(said)),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Calls what {@link servePorts} serves in another process. */
export async function callPort(url: string, path: `${string}/${string}`, args: unknown): Promise<unknown> {
  const response = await fetch(`${url}/${path}`, { method: 'POST', body: encode(args) });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return decode(text);
}
