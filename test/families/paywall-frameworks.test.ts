import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import connect from 'connect';
import express from 'express';
import express4 from 'express4';
import Fastify, { type FastifyInstance } from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import { generatePrivateKey } from 'viem/accounts';
import { paywall, type Charge, type Paywall, type RequestView } from '@agentpay/paywall';
import { fastifyPaywall } from '@agentpay/paywall/fastify';
import { paidHandler } from '@agentpay/paywall/fetch';
import { honoPaywall } from '@agentpay/paywall/hono';
import { koaPaywall } from '@agentpay/paywall/koa';
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
afterEach(async () => {
  await Promise.all(fastifies.splice(0).map((app) => app.close()));
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

/** The same handlers for frameworks in which they give their response. */
const responses = (handlers: Handlers) =>
  Object.keys(handlers).map((name) => {
    const handler = handlers[name as keyof Handlers];
    return [name, () => given((res) => handler(undefined, res))] as const;
  });

/** What a handler writes, as status and text. */
function given(handler: (res: ServerResponse) => void): { status: number; text: string } {
  const written = { status: 200, text: '' };
  const res = {
    writeHead: (status: number) => {
      written.status = status;
      return res;
    },
    end: (text: string) => (written.text = text),
  };
  handler(res as unknown as ServerResponse);
  return written;
}

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
type Build = (pay: Paywall, handlers: Handlers) => RequestListener | Promise<RequestListener>;
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
  Hono: {
    mount: '',
    charge: (pay, handlers) =>
      honoShop(handlers, (app, path) => app.use(path, honoPaywall(pay.charge('$0.01')))),
    routes(pay, handlers) {
      const app = new Hono({ strict: false }).use(honoPaywall(pay));
      return honoShop(handlers, () => app, app);
    },
  },
  Koa: {
    mount: '',
    charge: (pay, handlers) => koaShop(koaPaywall(pay.charge('$0.01')), handlers),
    routes: (pay, handlers) => koaShop(koaPaywall(pay), handlers),
  },
  Fastify: {
    mount: '',
    charge: (pay, handlers) => fastifyShop(handlers, () => fastifyPaywall(pay.charge('$0.01'))),
    routes: (pay, handlers) => {
      const app = Fastify().addHook('onRequest', fastifyPaywall(pay));
      return fastifyShop(handlers, undefined, app);
    },
  },
  'handlers in the style of fetch': {
    mount: '',
    charge: (pay, handlers) => fetchShop(() => pay.charge('$0.01'), handlers),
    routes: (pay, handlers) => fetchShop(() => pay, handlers),
  },
};

function honoShop(
  handlers: Handlers,
  paid: (app: Hono, path: string) => unknown,
  app = new Hono({ strict: false }),
): RequestListener {
  for (const [name, handler] of responses(handlers)) {
    paid(app, `/${name}`);
    app.get(`/${name}`, (context) => {
      const { status, text } = handler();
      return context.newResponse(text, status as 200);
    });
  }
  return getRequestListener(app.fetch) as RequestListener;
}

function koaShop(middleware: Koa.Middleware, handlers: Handlers): RequestListener {
  const app = new Koa();
  app.silent = true;
  app.use(middleware);
  app.use((context) => {
    const found = responses(handlers).find(([name]) => context.path === `/${name}`);
    if (!found) return;
    const { status, text } = found[1]();
    context.status = status;
    context.body = text;
  });
  return app.callback();
}

const fastifies: { close(): Promise<unknown> }[] = [];
async function fastifyShop(
  handlers: Handlers,
  paid?: () => ReturnType<typeof fastifyPaywall>,
  app: FastifyInstance = Fastify(),
): Promise<RequestListener> {
  for (const [name, handler] of responses(handlers)) {
    app.get(`/${name}`, { ...(paid && { onRequest: paid() }) }, (_request, reply) => {
      const { status, text } = handler();
      return reply.status(status).send(text);
    });
  }
  await app.ready();
  fastifies.push(app);
  return (req, res) => app.routing(req, res);
}

function fetchShop(pay: () => Charge, handlers: Handlers): RequestListener {
  const shop = Object.fromEntries(
    responses(handlers).map(([name, handler]) => [
      `/${name}`,
      paidHandler(pay(), (_request: Request) => {
        const { status, text } = handler();
        return new Response(text, { status });
      }),
    ]),
  );
  return getRequestListener((request) => {
    const { pathname } = new URL(request.url);
    return shop[pathname.toLowerCase().replace(/\/$/, '')]?.(request) ?? new Response(null, { status: 404 });
  }) as RequestListener;
}

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
      logger: false,
      ...(way === 'routes' && { routes }),
    });
    const url = await listen(
      await build(
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

  it.each(dialects)('sells a response in %s, with its receipt', async (dialect) => {
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

/** A shop that gives back the words it was sent, for a cent each; its framework reads the body after the paywall has. */
const echoes: Record<string, (pay: Charge) => RequestListener | Promise<RequestListener>> = {
  Hono: (pay) => {
    const app = new Hono().post('/', honoPaywall(pay), async (context) =>
      context.json(await context.req.json()),
    );
    return getRequestListener(app.fetch) as RequestListener;
  },
  Koa: (pay) => {
    const app = new Koa().use(koaPaywall(pay)).use(async (context) => {
      context.body = JSON.parse(Buffer.concat(await context.req.toArray()).toString());
    });
    return app.callback();
  },
  Fastify: async (pay) => {
    const app = Fastify();
    app.post('/', { onRequest: fastifyPaywall(pay) }, async ({ body }) => body);
    await app.ready();
    fastifies.push(app);
    return (req, res) => app.routing(req, res);
  },
  'handlers in the style of fetch': (pay) => {
    const handler = paidHandler(pay, async (request: Request) => Response.json(await request.json()));
    return getRequestListener((request) => handler(request)) as RequestListener;
  },
};

test.each(Object.entries(echoes))('%s reads the body that the price went by', async (_, build) => {
  const facilitator = countingFacilitator();
  const pay = paywall({ payTo: PAY_TO, facilitator, logger: false });
  const priceOf = async ({ json }: RequestView) => {
    const { words } = (await json()) as { words: string[] };
    return `$0.0${words.length}`;
  };
  const url = await listen(await build(pay.charge({ price: priceOf })));
  const client = createClient({
    privateKey: generatePrivateKey(),
    budget: { perRequest: '$0.03', total: '$1' },
  });
  const ask = (...words: string[]) =>
    client.fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ words }),
    });
  const response = await ask('a', 'b', 'c');
  expect([response.status, await response.json()]).toEqual([200, { words: ['a', 'b', 'c'] }]);
  expect(paymentOf(response)?.amount).toBe(30_000n);
  await expect(ask('a', 'b', 'c', 'd')).rejects.toThrow('may cost');
  expect(facilitator.settled).toBe(1);
});
