import { paywall } from '../index.js';
import { PAY_TO, fakeFacilitator, listen, send, type Seller } from '../seller.test.support.js';

let seller: Seller;
afterEach(() => seller?.close());

it('tells the operator once for each route whose 402 has headers above 4 kB, and of no other', async () => {
  const faults: string[] = [];
  const accepts = Array.from({ length: 16 }, (_, i) => ({ payTo: `0x${String(i + 10).repeat(20)}` }));
  const routes = {
    'GET /long/:id': { price: '$0.01', accepts },
    'GET /longer': { price: '$0.02', accepts },
    'GET /short': '$0.01',
  };
  const wall = paywall({
    logger: false,
    payTo: PAY_TO,
    facilitator: fakeFacilitator(),
    routes,
    onError: ({ what }) => faults.push(what),
  });
  seller = await listen((req, res) => wall(req, res, () => res.end()));
  const sizes: number[] = [];
  for (const target of ['/short', '/long/1', '/long/2', '/longer', '/longer', '/short']) {
    const { status, headers } = await send(seller, target);
    expect(status).toBe(402);
    sizes.push(String(headers['payment-required']).length + String(headers['www-authenticate']).length);
  }
  expect(sizes.map((size) => size > 8192)).toEqual([false, true, true, true, true, false]);
  expect(faults).toEqual([
    expect.stringMatching(/^the headers of the 402 for GET \/long\/:id take about \d{4,5} bytes/),
    expect.stringMatching(/^the headers of the 402 for GET \/longer take about \d{4,5} bytes/),
  ]);
});

it('tells of four ways to pay, which nginx does not pass by default, and how to mend it', async () => {
  const faults: string[] = [];
  const accepts = [1, 2, 3, 4].map((i) => ({ payTo: `0x${String(i).repeat(40)}` }));
  const wall = paywall({
    logger: false,
    payTo: PAY_TO,
    facilitator: fakeFacilitator(),
    price: { price: '$0.01', description: 'One forecast' },
    accepts,
    onError: ({ what }) => faults.push(what),
  });
  seller = await listen((req, res) => wall(req, res, () => res.end()));
  const { headers } = await send(seller, '/', { headers: { origin: 'https://page.example' } });
  expect(JSON.stringify(headers).length).toBeGreaterThan(4096);
  expect(faults).toEqual([
    expect.stringMatching(/nginx passes no more than 4096 by default: raise its proxy_buffer_size/),
  ]);
});
