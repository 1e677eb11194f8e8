import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Core, custody } from '@agentpay/core';
import { outbound } from '@agentpay/http';
import { bytesToHex, type ExactPayload, type Facilitator } from '@agentpay/protocol';
import { systemRandom } from '@agentpay/primitives';
import { askV2, offerV2, proofIn } from '../../flows/purchaseBed.js';

/** Where somebody on whom a purchase depends can come to no end. */
export type Place = 'seller' | 'verify' | 'settle' | 'settled' | 'balance' | 'fate';

/** Sellers, a facilitator and a chain under a core, any of which can hang. */
export interface Hanging {
  /** Has this place hang from now on; resolves when somebody has come to it, which is once its caller's time runs. */
  at(place: Place): Promise<void>;
  /** Nothing hangs any more. */
  stop(): void;
  serve(listener: RequestListener): Promise<string>;
  /** Hangs if the seller does. */
  readonly seller: () => void;
  close(): Promise<void>;
}

/** Puts them under the core; sellers are waited for by the clock of the core. */
export function hangingParts(core: Core): Hanging {
  let hangs: { readonly place: Place; readonly reached: () => void } | undefined;
  const closing: (() => unknown)[] = [];
  const transactions = new Map<string, string>();

  async function passes(place: Place): Promise<void> {
    if (hangs?.place !== place) return;
    hangs.reached();
    await new Promise<never>(() => undefined);
  }

  const settling = core.ports.facilitator as Facilitator;
  const facilitator: Partial<Facilitator> = {
    async verify(request) {
      await passes('verify');
      return settling.verify(request);
    },
    async settle(request) {
      await passes('settle');
      const { nonce } = request.paymentPayload.payload['authorization'] as ExactPayload['authorization'];
      const settled = await settling.settle(request);
      transactions.set(nonce, settled.transaction || bytesToHex(systemRandom.bytes(32)));
      await passes('settled');
      return settled;
    },
  };
  const overChain = (chain: custody.PaymentChain): custody.PaymentChain => ({
    ...chain,
    async balanceOf(account) {
      await passes('balance');
      return chain.balanceOf(account);
    },
    async fateOf(authorization, hint) {
      await passes('fate');
      return chain.fateOf(authorization, hint ?? transactions.get(authorization.nonce));
    },
  });
  const chains = new Map([...core.ports.chains].map(([id, chain]) => [id, overChain(chain)]));
  const out = outbound({ clock: core.clock, allowHosts: ['127.0.0.1'] });
  Object.assign(core.ports, { facilitator, chains, sellers: { fetchOut: out.fetchOut } });

  return {
    at: (place) => new Promise((resolve) => (hangs = { place, reached: () => resolve() })),
    stop: () => void (hangs = undefined),
    async serve(listener) {
      const server = createServer(listener).listen(0, '127.0.0.1');
      await once(server, 'listening');
      closing.push(() => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve))));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    },
    seller: () => void passes('seller'),
    async close() {
      for (const close of closing) await close();
      await out.close();
    },
  };
}

/** A piece of something that comes for ever. */
function drip(write: () => unknown, isOver: () => boolean): void {
  const every = setInterval(() => (isOver() ? clearInterval(every) : write()), 20);
}

/** Sellers that come to no end, whatever they were asked. */
export const endless: Readonly<Record<string, (status: number, seller: () => void) => RequestListener>> = {
  'never answers': (_status, seller) => () => seller(),
  'sends its headers bit by bit, for ever': (status, seller) => (request) => {
    const { socket } = request;
    socket.write(`HTTP/1.1 ${status} Bit by bit\r\nx-long: `);
    // Less than the headers that are read at most.
    drip(
      () => socket.write('x'),
      () => socket.destroyed || socket.bytesWritten > 4_000,
    );
    seller();
  },
  'sends its body bit by bit, for ever': (status, seller) => (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    drip(
      () => response.write(' '),
      () => response.destroyed,
    );
    seller();
  },
};

/** Asks for a cent, and gives what was bought to whoever sends a proof. */
export const selling =
  (sold: RequestListener): RequestListener =>
  (request, response) =>
    proofIn(request) ? sold(request, response) : askV2(response, [offerV2({ seconds: 600 })]);

/** Gives without having settled. */
export const generous: RequestListener = (_request, response) =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end('{"sold":true}');
