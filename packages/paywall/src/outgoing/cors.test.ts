import { paywall, type PaywallOptions } from '../index.js';
import {
  DIALECTS,
  PAY_TO,
  fakeFacilitator,
  listen,
  pay,
  send,
  type Reply,
  type Seller,
} from '../seller.test.support.js';

const PAGE = 'https://page.example';
let seller: Seller;
afterEach(() => seller?.close());

async function open(
  options: Partial<PaywallOptions> = {},
  before: (set: (name: string, value: string) => void) => void = () => undefined,
) {
  const served = { count: 0 };
  const wall = paywall({
    logger: false,
    payTo: PAY_TO,
    facilitator: fakeFacilitator(),
    routes: { 'GET /paid': '$0.01', '/any': '$0.01' },
    ...options,
  });
  seller = await listen((req, res) => {
    before((name, value) => res.setHeader(name, value));
    wall(req, res, () => res.end(`answer ${++served.count}`));
  });
  return served;
}

const preflight = (target: string, origin = PAGE, asked = 'payment-signature,x-own') =>
  send(seller, target, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'GET',
      ...(asked && { 'access-control-request-headers': asked }),
    },
  });

const list = (reply: Reply, name: string) =>
  String(reply.headers[name] ?? '')
    .toLowerCase()
    .split(', ');

describe('cors: true', () => {
  it('answers the preflight for what is for sale, with every header in which a proof may come and those asked for', async () => {
    const served = await open({ cors: true });
    const reply = await preflight('/paid');
    expect([reply.status, reply.headers['access-control-allow-origin']]).toEqual([204, '*']);
    expect(list(reply, 'access-control-allow-methods')).toEqual(['get', 'head', 'options']);
    const allowed = list(reply, 'access-control-allow-headers');
    const proofs = [
      'authorization',
      'payment-signature',
      'x-payment',
      'x-payment-token',
      'payment-authorization',
    ];
    expect(allowed).toEqual(expect.arrayContaining(proofs));
    expect(allowed.join()).toContain('x-own');
    expect(Number(reply.headers['access-control-max-age'])).toBeGreaterThan(0);
    expect(served.count).toBe(0);
  });

  it.each(DIALECTS)('lets a page read the offer and the receipt in %s', async (dialect) => {
    await open({ cors: true });
    const headers = { origin: PAGE };
    const offer = await send(seller, '/paid', { headers });
    const paid = await send(seller, '/paid', { headers: { ...headers, ...pay(offer, dialect) } });
    for (const reply of [offer, paid]) {
      expect(reply.headers['access-control-allow-origin']).toBe('*');
      const exposed = list(reply, 'access-control-expose-headers');
      const written = Object.keys(reply.headers).filter((name) =>
        /^(?:www-authenticate|payment-|x-payment|retry-after)/.test(name),
      );
      expect(written.length).toBeGreaterThan(0);
      expect(written.filter((name) => !exposed.includes(name))).toEqual([]);
    }
    expect(paid.status).toBe(200);
  });

  it.each<[string, Record<string, string>, number]>([
    ['a refusal', { 'x-payment': '!' }, 400],
    ['a wrong method', {}, 405],
  ])('lets a page read %s', async (_, headers, status) => {
    await open({ cors: true });
    const reply = await send(seller, '/paid', {
      method: status === 405 ? 'DELETE' : 'GET',
      headers: { origin: PAGE, ...headers },
    });
    expect([reply.status, reply.headers['access-control-allow-origin']]).toEqual([status, '*']);
  });

  it('does not repeat in a preflight what is no list of header names', async () => {
    await open({ cors: true });
    const reply = await preflight('/paid', PAGE, 'x-own: <script>');
    expect(reply.headers['access-control-allow-headers']).not.toContain('script');
  });

  it('leaves alone what somebody in front has decided', async () => {
    await open({ cors: true }, (set) => set('Access-Control-Allow-Origin', 'https://other.example'));
    const { headers } = await send(seller, '/paid', { headers: { origin: PAGE } });
    expect(headers['access-control-allow-origin']).toBe('https://other.example');
  });
});

describe('cors with origins', () => {
  const cors = { origins: [PAGE, 'http://127.0.0.1:5173'] };

  it('lets pages of these origins ask and pay, and no other', async () => {
    await open({ cors });
    for (const origin of [...cors.origins, `${PAGE}.evil`]) {
      const allowed = cors.origins.find((one) => one === origin);
      const [asked, offer] = [
        await preflight('/paid', origin),
        await send(seller, '/paid', { headers: { origin } }),
      ];
      expect([asked, offer].map(({ headers }) => headers['access-control-allow-origin'])).toEqual([
        allowed,
        allowed,
      ]);
      expect(asked.headers['access-control-allow-headers'] !== undefined).toBe(allowed !== undefined);
      expect(offer.headers['vary']).toMatch(/Origin/);
    }
  });
});

describe('without the option', () => {
  it('nothing is allowed, and OPTIONS still runs no handler', async () => {
    const served = await open();
    const reply = await preflight('/any');
    expect([reply.status, reply.headers['access-control-allow-origin'], served.count]).toEqual([
      204,
      undefined,
      0,
    ]);
    expect(reply.headers['allow']).toContain('POST');
  });
});

it('respond answers a preflight as well', async () => {
  const wall = paywall({
    logger: false,
    payTo: PAY_TO,
    facilitator: fakeFacilitator(),
    price: '$0.01',
    cors: true,
  });
  const headers = { origin: PAGE, 'access-control-request-method': 'GET' };
  const response = await wall.respond(
    new Request('http://shop.example/', { method: 'OPTIONS', headers }),
    () => new Response('free'),
  );
  expect([
    response.status,
    response.headers.get('access-control-allow-origin'),
    await response.text(),
  ]).toEqual([204, '*', '']);
});
