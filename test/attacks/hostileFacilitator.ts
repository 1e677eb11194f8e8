import type { RequestListener } from 'node:http';

/**
 * What a facilitator does with a settlement: each way in which buyers have been charged twice, or charged for nothing. Whatever it says, it
 * passes everything on to an honest one, so that the money moves.
 */
export type Conduct =
  /** Passes the response on. */
  | 'clean'
  /** Settles, and passes the response on after a moment. */
  | 'slow'
  /** Settles, and never gives a response. */
  | 'times out after settling'
  /** Settles, and gives a page of a gateway. */
  | '502 after settling'
  /** Settles, and asks the seller for payment. */
  | '402 after settling'
  /** Settles, and then nothing can be asked any more. */
  | 'cannot be asked after settling'
  /** Settles, and says that it is safe to sign again. */
  | 'declares it safe after settling';

export interface HostileFacilitator {
  readonly listener: RequestListener;
  conduct: Conduct;
  /** Settlements that were passed on. */
  settlements: number;
}

const SLOW_MS = 300;

/** A facilitator in front of an honest one. */
export function hostileFacilitator(honest: string): HostileFacilitator {
  const state: HostileFacilitator = {
    conduct: 'clean',
    settlements: 0,
    listener: (request, response) =>
      void (async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        const down = state.conduct === 'cannot be asked after settling' && state.settlements > 0;
        if (down) return void response.writeHead(503).end();
        const passed = await fetch(honest + String(request.url), {
          method: String(request.method),
          headers: { 'content-type': 'application/json' },
          ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
        });
        const text = await passed.text();
        const json = { 'content-type': 'application/json' };
        if (request.url !== '/settle') return void response.writeHead(passed.status, json).end(text);
        state.settlements++;
        switch (state.conduct) {
          case 'times out after settling':
            return;
          case 'cannot be asked after settling':
            return void request.socket.destroy();
          case '502 after settling':
            return void response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>');
          case '402 after settling':
            return void response.writeHead(402, json).end('{"x402Version":2,"accepts":[]}');
          case 'declares it safe after settling': {
            const { network, payer } = JSON.parse(text) as Record<string, unknown>;
            const refusal = {
              success: false,
              errorReason: 'insufficient_funds',
              transaction: '',
              network,
              payer,
            };
            return void response.writeHead(200, json).end(JSON.stringify(refusal));
          }
          case 'slow':
            await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
        }
        response.writeHead(passed.status, json).end(text);
      })().catch(() => response.destroy()),
  };
  return state;
}
