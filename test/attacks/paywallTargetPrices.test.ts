import type { RequestListener, ServerResponse } from 'node:http';
import type { RequestView, PriceFunction } from '@agentpay/paywall';
import connect from 'connect';
import express from 'express';
import express4 from 'express4';
import { closeServers, sendRaw, serve } from './paywallSeller.js';
import { answer, buy, CHEAP, DEAR, raw, wallOf, type See } from './pricedSale.js';

afterEach(closeServers);

describe('F5 the price by path and query is the price of what the handler reads', () => {
  const bySize = (id: unknown) => (id === 'big' ? '$5' : '$0.01');
  const functions: Record<string, PriceFunction> = {
    params: ({ params }) => bySize(params['id']),
    path: ({ path }) => bySize(path === '/items/big' ? 'big' : ''),
  };
  const targets = [
    '/items/big',
    '/items/small',
    '/items/%62ig',
    '/items/%62%69%67',
    '/items/%2562ig',
    '/items/big/',
    '/items/big//',
    '/ITEMS/big',
    '/items/BIG',
    '/Items/%62ig/',
    '//items/big',
    '/items//big',
    '/./items/big',
    '/items/./big',
    '/x/../items/big',
    '/items/x/../big',
    '/items/%2e/big',
    '/items/big/.',
    '/items/big/..',
    '/items%2Fbig',
    '/items/big%2F',
    '/items/%5Cbig',
    '/items\\big',
    '/items/big;v=1',
    '/items;x/big',
    '/items/big?x',
    '/items/big#x',
    '/items/big?#x',
    '/items/small#/../big',
    '/items/big%00',
    '/items/big%20',
    '/items/%',
    'http://shop.example/items/big',
    'HTTP://shop.example/items/%62ig#x',
    '/ite%6ds/big',
  ];
  const idIn = (target: string) => {
    const url = new URL(target, 'http://shop.example');
    return /^\/items\/([^/]+)\/?$/.exec(url.pathname)?.[1];
  };
  const ownRouting: See = (req) => {
    const id = idIn(req.url as string);
    return id === undefined ? undefined : decodeURIComponent(id);
  };
  const param: See = ({ params }) => (params as { id?: string }).id;
  const table = (price: PriceFunction) => ({ routes: { 'GET /items/:id': price } });
  /** Who names no item gets none. */
  const item = (see: See) => async (req: Parameters<See>[0], res: ServerResponse) => {
    if (see(req)) return answer(see)(req, res);
    res.writeHead(404).end();
  };
  const adapters: Record<string, (price: PriceFunction) => RequestListener> = {
    'Express 5': (price) =>
      express()
        .use(wallOf(table(price)))
        .get('/items/:id', item(param)),
    'Express 4': (price) =>
      express4()
        .use(wallOf(table(price)))
        .get('/items/:id', item(param)),
    'Express 5, charge': (price) => express().get('/items/:id', wallOf({}).charge(price), item(param)),
    'Express 4, charge': (price) => express4().get('/items/:id', wallOf({}).charge(price), item(param)),
    Connect: (price) =>
      connect()
        .use(wallOf(table(price)) as connect.NextHandleFunction)
        .use(
          '/items',
          item((req) =>
            decodeURIComponent(
              /^\/((?:[^/?#%]|%[0-9a-f]{2})+)\/?(?:[?#]|$)/i.exec(req.url as string)?.[1] ?? '',
            ),
          ) as connect.NextHandleFunction,
        ),
    'node:http': (price) => {
      const wall = wallOf(table(price));
      return (req, res) =>
        wall(req, res, () => item(ownRouting)(req, res).catch(() => res.writeHead(400).end()));
    },
    respond: (price) => {
      const wall = wallOf(table(price));
      return async (req, res) => {
        const request = new Request(new URL(req.url as string, 'http://shop.example'), {
          headers: req.headers as Record<string, string>,
        });
        const response = await wall.respond(request, async ({ url }) =>
          idIn(url) === undefined
            ? new Response('', { status: 404 })
            : Response.json({ seen: decodeURIComponent(idIn(url) as string) }),
        );
        res.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
      };
    },
  };

  describe.each(Object.entries(adapters))('%s', (_, build) => {
    it.each(Object.entries(functions))('by %s, for every spelling of the target', async (_name, price) => {
      const url = await serve(build(price));
      let dear = 0;
      for (const target of targets) {
        const sale = await buy(raw(url, target));
        if (sale.status !== 200) continue;
        if (sale.seen === 'big') dear++;
        // What is not on the list of prices is free, and sells nothing.
        if (sale.amount === undefined) expect([target, sale.seen]).not.toEqual([target, 'big']);
        else
          expect([target, sale.seen, sale.amount]).toEqual([
            target,
            sale.seen,
            sale.seen === 'big' ? DEAR : CHEAP,
          ]);
      }
      expect(dear).toBeGreaterThan(3);
    });
  });

  const queries = [
    'id=big',
    'id=small',
    'id=big#x',
    'id=small#&id=big',
    'id=small&id=big',
    'id=big&id=small',
    'id[]=big',
    'id%5B%5D=big',
    '[id]=big',
    'id[0]=small&id[1]=big',
    'id[x]=big',
    'id=small&id[]=big',
    `${'x&'.repeat(1200)}id=small`,
    `id=small&${'x&'.repeat(1200)}id=big`,
    'i%64=%62ig',
    'id=b%69g&',
    '&&id=big',
    'ID=big',
    'id',
    'id=',
    'x?id=big',
    '?id=big',
    'id=big;id=small',
    'id=small;id=big',
  ];
  /** Whichever of several values counts for it: a handler that is asked for "big" in any way sells it. */
  const anyOf = (value: unknown) => {
    const values = typeof value === 'object' && value !== null ? Object.values(value) : [value];
    return values.includes('big') ? 'big' : 'other';
  };
  const fromQuery: See = ({ query }) => anyOf((query as { id?: unknown }).id);
  const byQuery = { 'GET /report': ({ query }: RequestView) => (query.get('id') === 'big' ? '$5' : '$0.01') };
  const extended = (app: express.Express) => app.set('query parser', 'extended');
  const readers: Record<string, () => RequestListener> = {
    'Express 5': () =>
      express()
        .use(wallOf({ routes: byQuery }))
        .get('/report', answer(fromQuery)),
    'Express 5, nested': () =>
      extended(express())
        .use(wallOf({ routes: byQuery }))
        .get('/report', answer(fromQuery)),
    'Express 4': () =>
      express4()
        .use(wallOf({ routes: byQuery }))
        .get('/report', answer(fromQuery)),
    'Express 5, charge': () =>
      express().get('/report', wallOf({}).charge(byQuery['GET /report']), answer(fromQuery)),
    'node:http': () => {
      const wall = wallOf({ routes: byQuery });
      const read: See = ({ url }) => anyOf(new URL(url as string, 'http://x').searchParams.getAll('id'));
      return (req, res) => wall(req, res, () => answer(read)(req, res));
    },
  };

  it.each(Object.entries(readers))('by query, for every spelling of it: %s', async (_, build) => {
    const url = await serve(build());
    let dear = 0;
    for (const query of queries) {
      const sale = await buy(raw(url, `/report?${query}`));
      const where = query.slice(0, 60);
      expect([where, [200, 400].includes(sale.status)]).toEqual([where, true]);
      if (sale.status !== 200) continue;
      if (sale.seen === 'big') dear++;
      // RequestView for more than the handler has understood is no loss to the seller: it is the parser that reads less.
      if (sale.seen === 'big') expect([where, sale.amount]).toEqual([where, DEAR]);
    }
    expect(dear).toBeGreaterThan(3);
  });

  it('all values of a repeated key are shown', async () => {
    const seen: unknown[] = [];
    const price = ({ query }: RequestView) => {
      seen.push(query.getAll('id'), query.has('id'), query.has('x'));
      return '$1';
    };
    const url = await serve(express().use(wallOf({ routes: { 'GET /report': price } })));
    expect((await raw(url, '/report?id=a&id=b&id[]=c')({})).status).toBe(402);
    expect(seen).toEqual([['a', 'b', 'c'], true, false]);
  });

  it('a path that two routes may be meant by, one of them with a price function, is refused', async () => {
    const routes = { 'GET /items/big': '$5', 'GET /items/:id': () => '$0.01' };
    const url = await serve(
      express()
        .use(wallOf({ routes }))
        .get(
          '/items/:id',
          answer(() => 'sold'),
        ),
    );
    expect((await raw(url, '/items/%62ig')({})).status).toBe(400);
    expect((await raw(url, '/items/big')({})).status).toBe(402);
  });
});

describe('F9 under Connect an entry covers what Connect gives to a handler mounted there', () => {
  const routes = {
    'GET /weather': '$0.01',
    '/reports/*': '$0.01',
    '/items/:id': '$0.01',
    '/weather/free': 'free',
    'POST /weather': 'free',
  } as const;
  const sold = answer(() => 'sold') as connect.NextHandleFunction;
  const open = () =>
    serve(
      connect()
        .use(wallOf({ routes }) as connect.NextHandleFunction)
        .use('/weather', sold)
        .use('/reports', sold)
        .use('/items', sold)
        .use('/other', sold),
    );

  it.each([
    ['/weather.json', 402],
    ['/weather/today', 402],
    ['/weather.', 402],
    ['/WEATHER.JSON', 402],
    ['/weather/', 402],
    ['/reports.csv', 402],
    ['/reports.csv/x', 402],
    ['/items.json', 402],
    ['/items/1.json', 402],
    ['/items/1/2', 402],
    ['/weather/free', 200],
    ['/weathers', 404],
    ['/other.json', 200],
  ])('%s: %d', async (target, status) => {
    expect((await sendRaw(await open(), Buffer.from(`GET ${target} HTTP/1.1`))).status).toBe(status);
  });

  it('no other framework has its borders', async () => {
    const url = await serve(
      express()
        .use(wallOf({ routes }))
        .get(
          '/weather.json',
          answer(() => 'sold'),
        ),
    );
    expect((await fetch(`${url}/weather.json`)).status).toBe(200);
  });
});
