import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the API talks to: an agent, and a facilitator of a chain on which everything that is settled has come. */
export interface Outside {
  readonly url: string;
  /** Has the agent wait with its next response; resolves, once it was asked, to what lets it go on. */
  hold(): Promise<() => void>;
  close(): Promise<void>;
}

export async function openOutside(): Promise<Outside> {
  const network = 'eip155:84532';
  const said: Record<string, object> = {
    '/verify': { isValid: true },
    '/settle': { success: true, transaction: `0x${'ab'.repeat(32)}`, network },
    '/supported': { kinds: [{ x402Version: 2, scheme: 'exact', network }], extensions: [], signers: {} },
    '/agent': { summary: 'Sales grew.' },
  };
  let held: ((release: () => void) => void) | undefined;
  const server: Server = createServer((request, response) => {
    const path = request.url ?? '';
    const answer = () =>
      void response.setHeader('content-type', 'application/json').end(JSON.stringify(said[path]));
    request.resume().on('end', () => {
      if (path !== '/agent' || !held) return answer();
      held(answer);
      held = undefined;
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold: () => new Promise((resolve) => (held = resolve)),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
