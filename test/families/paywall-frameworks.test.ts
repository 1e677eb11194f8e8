import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import connect from 'connect';
import express from 'express';
import express4 from 'express4';
import { generatePrivateKey } from 'viem/accounts';
import { paywall, type Paywall } from '@agentpay/paywall';
import type { Facilitator } from '@agentpay/protocol';
import { createClient, paymentOf } from '@agentpay/sdk';

const PAY_TO = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const HASH = `0x${'cd'.repeat(32)}`;
const dialects = ['x402v2', 'x402v1', 'mpp'] as const;

/** A facilitator that takes every payment and counts them. */
function countingFacilitator(): Facilitator & { settled: number } {
  return {
    settled: 0,
    verify: async () => ({ isValid: true }),
    async settle(asked) {
      this.settled++;
      return { success: true, transaction: HASH, network: asked.paymentRequirements.network };
    },
    supported: async () => ({ kinds: [], extensions: [], signers: {} }),
  };
}

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function json(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

type Handlers = Record<'paid' | 'fail' | 'crash', (req: unknown, res: ServerResponse) => void>;

function handlersOf(count: () => number): Handlers {
  return {
    paid: (_req, res) => json(res, 200, { served: count() }),
    fail: (_req, res) => json(res, 500, { code: 'own_failure' }),
    crash: () => {
      throw new Error('crash');
    },
  };
}

/** The same shop in each framework, under the mount /api if it has mounts; prices by handler (charge) or in a table (routes). */
type Build = (pay: Paywall, handlers: Handlers) => RequestListener;
const frameworks: Record<string, { mount: string; charge?: Build; routes: Build }> = {
  'Express 5': expressShop(express),
  'Express 4': expressShop(express4),
  Connect: {
    mount: '/api',
    routes(pay, handlers) {
      const app = connect();
      app.use('/api', pay as connect.NextHandleFunction);
      for (const [name, handler] of Object.entries(handlers))
        app.use(`/api/${name}`, handler as connect.NextHandleFunction);
      return app;
    },
  },
  'node:http': {
    mount: '',
    charge: (pay, handlers) => (req, res) => {
      const handler = handlers[req.url?.split('/').at(-1) as keyof Handlers];
      pay.charge('$0.01')(req, res, () => handler(req, res));
    },
    routes: (pay, handlers) => (req, res) =>
      pay(req, res, () => handlers[req.url?.split('/').at(-1) as keyof Handlers](req, res)),
  },
};

function expressShop(create: typeof express) {
  return {
    mount: '/api',
    charge(pay: Paywall, handlers: Handlers) {
      const app = create();
      const router = create.Router();
      for (const [name, handler] of Object.entries(handlers))
        router.get(`/${name}`, pay.charge('$0.01'), handler);
      return app.use('/api', router);
    },
    routes(pay: Paywall, handlers: Handlers) {
      const app = create();
      app.use('/api', pay);
      for (const [name, handler] of Object.entries(handlers)) app.get(`/api/${name}`, handler);
      return app;
    },
  };
}

const shops = Object.entries(frameworks).flatMap(([name, shop]) =>
  (['charge', 'routes'] as const).flatMap((way) =>
    shop[way] ? [{ name, way, mount: shop.mount, build: shop[way] }] : [],
  ),
);

describe.each(shops)('$name, price by $way', ({ way, mount, build }) => {
  async function open() {
    const served = { count: 0 };
    const facilitator = countingFacilitator();
    const routes = { 'GET /paid': '$0.01', 'GET /fail': '$0.01', 'GET /crash': '$0.01' };
    const pay = paywall({
      payTo: PAY_TO,
      facilitator,
      onError: () => undefined,
      ...(way === 'routes' && { routes }),
    });
    const url = await listen(
      build(
        pay,
        handlersOf(() => ++served.count),
      ),
    );
    return { served, facilitator, url: url + mount };
  }
  const buyer = (dialect: (typeof dialects)[number]) =>
    createClient({
      privateKey: generatePrivateKey(),
      prefer: [dialect],
      budget: { perRequest: '$0.02', total: '$1' },
    });

  it.each(dialects)('sells an answer in %s, with its receipt', async (dialect) => {
    const { served, facilitator, url } = await open();
    const response = await buyer(dialect).fetch(`${url}/paid`);
    expect([response.status, await response.json()]).toEqual([200, { served: 1 }]);
    expect(paymentOf(response)).toMatchObject({ dialect, transaction: HASH });
    expect([served.count, facilitator.settled]).toEqual([1, 1]);
  });

  it.each(dialects)('does not charge in %s for a handler that fails or throws', async (dialect) => {
    const { facilitator, url } = await open();
    const failed = await buyer(dialect).fetch(`${url}/fail`);
    expect([failed.status, await failed.json()]).toEqual([500, { code: 'own_failure' }]);
    expect((await buyer(dialect).fetch(`${url}/crash`)).status).toBe(500);
    expect(facilitator.settled).toBe(0);
  });

  it.each(['GET', 'HEAD'])('answers %s without a proof with 402 and runs nothing', async (method) => {
    const { served, url } = await open();
    for (const path of ['paid', 'PAID?x=1', 'paid/']) {
      if (way === 'charge' && path !== 'paid') continue;
      expect((await fetch(`${url}/${path}`, { method })).status).toBe(402);
    }
    expect(served.count).toBe(0);
  });
});
