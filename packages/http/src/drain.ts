import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer } from 'node:net';
import type { Clock } from '@agentpay/primitives';

/** How long connections that nobody uses stay open: a client may be about to send on one, and would meet a reset. */
const IDLE_MS = 1_000;

export interface Drain {
  draining(): boolean;
  /** Resolves when the last connection has ended. A second call can only shorten the grace. */
  close(graceMs: number): Promise<void>;
}

/**
 * Ends a server without breaking off anybody: it takes no new connections, and each open one ends after its next response, which says
 * so. (`http.Server.close` cuts idle connections at once, and lets responses promise to keep theirs.)
 */
export function drainable(server: Server, clock: Clock): Drain {
  const open = new Set<ServerResponse>();
  let closed: Promise<void> | undefined;

  server.on('request', (request, response) => {
    open.add(response);
    if (closed) response.shouldKeepAlive = false;
    response.once('close', () => {
      open.delete(response);
      // Its headers were sent before: they promised to keep the connection.
      if (closed) request.socket.end();
    });
  });

  function begin(): Promise<void> {
    const ended = new Promise<void>(
      (resolve) => void NetServer.prototype.close.call(server, () => resolve()),
    );
    for (const response of open) if (!response.headersSent) response.shouldKeepAlive = false;
    const cancel = clock.timer(IDLE_MS, () => server.closeIdleConnections());
    return ended.then(() => {
      cancel();
      // What only the HTTP server does: it looks for late requests no more.
      server.close();
    });
  }

  return {
    draining: () => closed !== undefined,
    async close(graceMs) {
      closed ??= begin();
      const cancel = clock.timer(graceMs, () => server.closeAllConnections());
      await closed.finally(cancel);
    },
  };
}
