import { randomBytes } from 'node:crypto';
import {
  createServer,
  request,
  type IncomingHttpHeaders,
  type RequestListener,
  type Server,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import { paywall, type Discovery, type Paywall, type PaywallOptions } from '@agentpay/paywall';
import { fastifyPaywall } from '@agentpay/paywall/fastify';
import { paidHandler } from '@agentpay/paywall/fetch';
import { honoPaywall } from '@agentpay/paywall/hono';
import { koaPaywall } from '@agentpay/paywall/koa';
import { AgentPayError, systemClock, type Clock } from '@agentpay/primitives';
import { x402v2, type Facilitator } from '@agentpay/protocol';

/** What goes wrong is the same under every adapter: status, headers and body are held against those of Express. */
const PAY_TO = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const PAYER = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const HASH = `0x${'cd'.repeat(32)}`;

type Handler = (path: string) => Promise<{ status: number; text: string }>;
type Build = (
  parts: { pay: Paywall; discovery: Discovery },
  handler: Handler,
) => RequestListener | Promise<RequestListener>;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const shops: Readonly<Record<string, Build>> = {
  Express({ pay, discovery }, handler) {
    const app = express().disable('x-powered-by').use(discovery).use(pay);
    return app.use(async (req, res) => {
      const { status, text } = await handler(req.path);
      res.status(status).type('text/plain').send(text);
    });
  },
  Hono({ pay, discovery }, handler) {
    const app = new Hono().use(honoPaywall(discovery)).use(honoPaywall(pay));
    app.all('*', async (context) => {
      const { status, text } = await handler(context.req.path);
      return context.text(text, status as 200);
    });
    return getRequestListener(app.fetch) as RequestListener;
  },
  Koa({ pay, discovery }, handler) {
    const app = new Koa().use(koaPaywall(discovery)).use(koaPaywall(pay));
    app.use(async (context) => {
      const { status, text } = await handler(context.path);
      context.status = status;
      context.body = text;
    });
    return app.callback();
  },
  async Fastify({ pay, discovery }, handler) {
    const app = Fastify({ exposeHeadRoutes: false });
    app.addHook('onRequest', fastifyPaywall(discovery)).addHook('onRequest', fastifyPaywall(pay));
    app.all('/*', async (asked, reply) => {
      const { status, text } = await handler(asked.url);
      return reply.status(status).type('text/plain').send(text);
    });
    await app.ready();
    closing.push(() => app.close());
    return (req, res) => app.routing(req, res);
  },
  'handlers in the style of fetch, as those of Next.js': ({ pay, discovery }, handler) => {
    const paid = paidHandler(pay, async ({ url }: Request) => {
      const { status, text } = await handler(new URL(url).pathname);
      return new Response(text, { status });
    });
    const found = paidHandler(discovery, paid);
    return getRequestListener((asked) => found(asked)) as RequestListener;
  },
};

/** Pauses between attempts, of half a minute at most, need not be waited for. */
const hasty: Clock = {
  now: systemClock.now,
  timer: (ms, fn, options) => systemClock.timer(ms <= 30_000 ? ms / 50 : ms, fn, options),
};

interface Setting {
  readonly options?: Partial<PaywallOptions>;
  readonly facilitator?: Partial<Facilitator>;
  readonly handler?: Handler;
}

interface Shop {
  readonly settled: { count: number };
  readonly runs: { count: number };
  ask(
    path: string,
    options?: { method?: string; headers?: Record<string, string | string[]> },
  ): Promise<Answer>;
  /** A proof that pays for this path, as the header it goes in. */
  proof(path: string): Promise<Record<string, string>>;
}

async function open(build: Build, { options, facilitator, handler }: Setting): Promise<Shop> {
  const [settled, runs] = [{ count: 0 }, { count: 0 }];
  const honest: Facilitator = {
    verify: async () => ({ isValid: true, payer: PAYER, balance: '1000000000000' }),
    settle: async ({ paymentRequirements: { network } }) => {
      settled.count++;
      return { success: true, transaction: HASH, network, payer: PAYER };
    },
    supported: async () => ({ kinds: [], extensions: [], signers: {} }),
  };
  const pay = paywall({
    payTo: PAY_TO,
    facilitator: { ...honest, ...facilitator },
    clock: hasty,
    baseUrl: 'https://shop.example',
    logger: false,
    routes: { 'GET /after': '$0.01', 'GET /before': { price: '$0.01', settle: 'before' } },
    ...options,
  });
  const sells: Handler = async () => ({ status: 200, text: 'sold' });
  const url = await listen(
    await build({ pay, discovery: pay.discovery({ title: 'Shop' }) }, (path) => {
      runs.count++;
      return (handler ?? sells)(path);
    }),
  );
  const ask: Shop['ask'] = (path, given) => send(url + path, given);
  return {
    settled,
    runs,
    ask,
    async proof(path) {
      const { headers } = await ask(path);
      return { 'payment-signature': proofOf(String(headers['payment-required'])) };
    },
  };
}

async function listen(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function proofOf(required: string): string {
  const [accepted] = x402v2.decodePaymentRequired(required).accepts as [x402v2.PaymentRequirements];
  const authorization = {
    from: PAYER,
    to: PAY_TO,
    value: accepted.amount,
    validAfter: '0',
    validBefore: String(Math.floor(Date.now() / 1000) + 300),
    nonce: `0x${randomBytes(32).toString('hex')}`,
  };
  const payload = { signature: `0x${'ab'.repeat(65)}`, authorization };
  return x402v2.encodePaymentPayload({ x402Version: 2, accepted, payload });
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** One request on a connection of its own, with its headers as they are: fetch would join those that come twice. */
function send(
  url: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string | string[]> } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const known = { 'x-request-id': 'req_same' };
    const asked = request(url, { method, headers: { ...known, ...headers }, agent: false }, (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      res.on('end', () => resolve({ status: res.statusCode as number, headers: res.headers, text }));
      res.on('error', reject);
    });
    asked.on('error', reject).end();
  });
}

/** Headers of servers and frameworks themselves. */
const FRAMEWORK = ['date', 'connection', 'keep-alive', 'transfer-encoding', 'etag', 'content-length'];
/** Headers that are another one each time. */
const FRESH = ['payment-required', 'www-authenticate'];

/** What must be the same: status, headers, and the body but for what is new in each offer. */
function seen({ status, headers, text }: Answer) {
  const kept = Object.entries(headers)
    .filter(([name]) => !FRAMEWORK.includes(name))
    .map(([name, value]) => [name, FRESH.includes(name) ? 'there' : value] as const);
  return { status, headers: Object.fromEntries(kept.sort()), body: bodyOf(text, status) };
}

function bodyOf(text: string, status: number): unknown {
  if (text === '' || !text.startsWith('{')) return text;
  const body = JSON.parse(text) as Record<string, unknown>;
  if (status !== 402) return body;
  const { type, title, detail, code, hint, request_id } = body;
  return { type, title, detail, code, hint, request_id, members: Object.keys(body).sort() };
}

/** A response that was paid for: frameworks have their own headers there. */
function sold({ status, headers, text }: Answer) {
  const ours = ['payment-response', 'x-payment-replayed', 'cache-control', 'vary', 'retry-after'];
  return { status, text, headers: Object.fromEntries(ours.map((name) => [name, headers[name]])) };
}

interface Case extends Setting {
  readonly name: string;
  /** Status and code of each response, in order. */
  readonly gives: readonly (readonly [status: number, code?: string])[];
  readonly play: (shop: Shop) => Promise<readonly Answer[]>;
}

const never = new Promise<never>(() => undefined);
const unavailable = async (): Promise<never> => {
  throw new AgentPayError('facilitator_unavailable', 'The facilitator is away.', { retryAfter: 2 });
};

const cases: readonly Case[] = [
  {
    name: 'a proof that cannot be read',
    gives: [[400, 'payment_malformed']],
    play: async ({ ask }) => [await ask('/after', { headers: { 'payment-signature': '!' } })],
  },
  {
    name: 'proofs of two dialects',
    gives: [[400, 'payment_ambiguous']],
    play: async ({ ask, proof }) => [
      await ask('/after', { headers: { ...(await proof('/after')), 'x-payment': 'e30=' } }),
    ],
  },
  {
    name: 'a payment that is refused',
    gives: [[402, 'insufficient_funds']],
    facilitator: { verify: async () => ({ isValid: false, invalidReason: 'insufficient_funds' }) },
    play: async ({ ask, proof }) => [await ask('/after', { headers: await proof('/after') })],
  },
  {
    name: 'a proof that comes again, elsewhere first',
    gives: [[200], [409, 'payment_bound_elsewhere'], [200]],
    async play({ ask, proof }) {
      const headers = await proof('/after');
      const paid = await ask('/after', { headers });
      return [paid, await ask('/after?other=1', { headers }), await ask('/after', { headers })];
    },
  },
  {
    name: 'a proof that is being served',
    gives: [[409, 'payment_in_progress']],
    handler: () => never,
    async play({ ask, proof, runs }) {
      const headers = await proof('/after');
      ask('/after', { headers }).catch(() => undefined);
      while (runs.count === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      return [await ask('/after', { headers })];
    },
  },
  {
    name: 'a settlement of which nothing is known',
    gives: [[503, 'settlement_unknown']],
    facilitator: {
      settle: async () => {
        throw new AgentPayError('settlement_unknown', 'There was no response.');
      },
    },
    play: async ({ ask, proof }) => [await ask('/after', { headers: await proof('/after') })],
  },
  {
    name: 'a facilitator that is away',
    gives: [[503, 'facilitator_unavailable']],
    facilitator: { verify: unavailable },
    play: async ({ ask, proof }) => [await ask('/after', { headers: await proof('/after') })],
  },
  {
    name: 'a handler that takes too long',
    gives: [[504, 'handler_timeout']],
    options: { handlerTimeoutMs: 10_000 },
    handler: () => never,
    play: async ({ ask, proof }) => [await ask('/after', { headers: await proof('/after') })],
  },
  {
    name: 'another method',
    gives: [[405, 'method_not_priced'], [204]],
    play: async ({ ask }) => [
      await ask('/after', { method: 'DELETE' }),
      await ask('/after', { method: 'OPTIONS' }),
    ],
  },
  {
    name: 'HEAD, with and without a proof',
    gives: [[402], [402]],
    async play({ ask, proof }) {
      const headers = await proof('/after');
      return [await ask('/after', { method: 'HEAD' }), await ask('/after', { method: 'HEAD', headers })];
    },
  },
  {
    name: 'a handler that fails after it was paid for',
    gives: [[500]],
    handler: async () => ({ status: 500, text: 'no' }),
    play: async ({ ask, proof }) => [await ask('/before', { headers: await proof('/before') })],
  },
  {
    name: 'a handler that fails before it is paid for',
    gives: [[500]],
    handler: async () => ({ status: 500, text: 'no' }),
    play: async ({ ask, proof }) => [await ask('/after', { headers: await proof('/after') })],
  },
  {
    name: 'a route that is paid first',
    gives: [[200]],
    play: async ({ ask, proof }) => [await ask('/before', { headers: await proof('/before') })],
  },
];

const codeOf = ({ text, status }: Answer) =>
  status >= 400 && text.startsWith('{') ? (JSON.parse(text) as { code: string }).code : undefined;

/** What comes of a case in a framework, and that it is what the case says. */
async function outcome(build: Build, { gives, play, ...setting }: Case) {
  const shop = await open(build, setting);
  const responses = await play(shop);
  expect(responses.map((response) => [response.status, codeOf(response)])).toEqual(
    gives.map(([status, code]) => [status, code]),
  );
  const shown = responses.map((response) =>
    response.status === 200 || response.status === 500 ? sold(response) : seen(response),
  );
  return { shown, settled: shop.settled.count, runs: shop.runs.count };
}

const { Express, ...others } = shops as Record<string, Build> & { Express: Build };

describe.each(Object.entries(others))('%s refuses as Express does', (_, build) => {
  it.each(cases.map((each) => [each.name, each] as const))('%s', async (_name, each) => {
    const wanted = await outcome(Express, each);
    expect(await outcome(build, each)).toEqual(wanted);
  });

  it('two proofs in headers of one name are no payment', async () => {
    for (const one of [Express, build]) {
      const { ask, proof, settled, runs } = await open(one, {});
      const two = [await proof('/after'), await proof('/after')].map(Object.values).flat() as string[];
      const { status } = await ask('/after', { headers: { 'payment-signature': two } });
      expect([status, settled.count, runs.count]).toEqual([400, 0, 0]);
    }
  });

  it.each(['/.well-known/x402', '/openapi.json', '/llms.txt'])('and tells the same at %s', async (path) => {
    const [ours, theirs] = [await open(build, {}), await open(Express, {})];
    for (const method of ['GET', 'HEAD'])
      expect(seen(await ours.ask(path, { method }))).toEqual(seen(await theirs.ask(path, { method })));
    expect((await ours.ask(path)).text).toContain('/after');
    expect((await ours.ask('/.well-known/payment-receipt-keys.json')).text).toBe('sold');
  });
});
