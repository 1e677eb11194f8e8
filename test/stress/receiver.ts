import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What one request said. */
export interface Received {
  /** Id of the event, as header and body name it. */
  readonly header: string;
  readonly body: string;
  readonly delivery: string;
}

/** Takes webhooks. */
export interface Receiver {
  readonly url: string;
  readonly got: readonly Received[];
  /** From now on called with each request that has come; the response waits for it. */
  onDelivery(hear: () => Promise<void>): void;
  close(): void;
}

export async function openReceiver(): Promise<Receiver> {
  const got: Received[] = [];
  let heard = async (): Promise<void> => {};
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { id } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { id: string };
    const said = (name: string) => String(request.headers[name]);
    got.push({ header: said('webhook-id'), body: id, delivery: said('x-agentpay-delivery') });
    await heard();
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    got,
    onDelivery: (hear) => void (heard = hear),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
