import { systemClock, type Db } from '@agentpay/primitives';
import { fromBase64, type FacilitatorRequest } from '@agentpay/protocol';
import request from 'supertest';
import { catalogue } from '../extensions/Catalogue.js';
import { paymentIdentifiers } from '../extensions/PaymentIdentifiers.js';
import {
  newPayer,
  openDb,
  pendingIn,
  seller,
  signedRequest,
  type PaymentOptions,
} from '../engine/payment.fixture.js';
import { as, openService, type ServiceBed } from './service.fixture.js';

const weather = {
  info: {
    input: { type: 'http', method: 'GET', queryParams: { city: 'Rome' } },
    output: { type: 'json', example: { temp: 20 } },
  },
  schema: { $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' },
};

type V2 = Extract<FacilitatorRequest, { x402Version: 2 }>;

async function listed(
  bazaar: unknown,
  options: PaymentOptions = {},
  description = 'Weather of a city',
): Promise<V2> {
  const payment = (await signedRequest({
    resource: 'https://seller.example/weather?city=Rome',
    ...options,
  })) as V2;
  const resource = {
    url: payment.paymentPayload.resource?.url ?? '',
    description,
    mimeType: 'application/json',
  };
  return { ...payment, paymentPayload: { ...payment.paymentPayload, resource, extensions: { bazaar } } };
}

describe('the bazaar', () => {
  let db: Db;
  let bed: ServiceBed;
  beforeAll(async () => void (db = await openDb()));
  afterAll(() => db.close());
  beforeEach(async () => {
    bed = await openService(db);
    bed.mine();
  });
  afterEach(() => bed.close());

  const post = async (path: string, body: object) => {
    const { body: response, headers } = await request(bed.app).post(path).send(body).expect(200);
    const told = headers['extension-responses'];
    return {
      response,
      told: told === undefined ? undefined : (fromBase64(told) as { bazaar: object }).bazaar,
    };
  };
  const resources = async (query = '') => {
    await bed.listings.check();
    return (await request(bed.app).get(`/discovery/resources${query}`).expect(200)).body;
  };
  const search = async (query: string): Promise<{ resource: string }[]> =>
    (await bed.listings.check(),
    await request(bed.app)
      .get(`/discovery/search?query=${encodeURIComponent(query)}`)
      .expect(200)).body.resources;

  it('is named in /supported', async () => {
    expect((await request(bed.app).get('/supported')).body.extensions).toEqual([
      'bazaar',
      'payment-identifier',
    ]);
  });

  it('lists a resource once it is paid for, as the seller described it', async () => {
    const payment = await listed(weather);
    expect((await post('/verify', payment)).told).toEqual({ status: 'processing' });
    expect((await resources()).items).toEqual([]);
    const { response, told } = await post('/settle', payment);
    expect([response.success, told]).toEqual([true, { status: 'processing' }]);
    expect(await resources()).toEqual({
      x402Version: 2,
      items: [
        {
          resource: 'https://seller.example/weather',
          type: 'http',
          x402Version: 2,
          accepts: [payment.paymentRequirements],
          lastUpdated: expect.stringMatching(/^\d{4}-.*Z$/),
          description: 'Weather of a city',
          mimeType: 'application/json',
          extensions: { bazaar: weather },
        },
      ],
      pagination: { limit: 20, offset: 0, total: 1 },
    });
    expect((await post('/settle', await listed(weather))).told).toEqual({ status: 'success' });
  });

  it.each([
    'http://seller.example/x',
    'https://169.254.169.254/latest',
    'http://169.254.169.254/',
    'https://127.0.0.1/x',
    'https://10.1.2.3/x',
    'https://[::1]/x',
    'https://[::ffff:10.0.0.1]/x',
    'https://localhost/x',
    'https://shop.localhost/x',
    'https://printer.local/x',
    'https://db.internal/x',
    'https://intranet/x',
    'https://2130706433/x',
  ])('does not list %s, which a stranger cannot or should not be sent to', async (resource) => {
    const { response, told } = await post('/settle', await listed(weather, { resource }));
    expect([response.success, told]).toEqual([
      true,
      { status: 'rejected', rejectedReason: 'invalid_resource_url' },
    ]);
    expect((await resources()).pagination.total).toBe(0);
  });

  it('lists nothing whose own 402 names another payee, or that cannot be asked', async () => {
    const urls = ['https://bank.example/api', 'https://gone.example/api', 'https://shop.example/api'];
    bed.owners.set(urls[0] ?? '', 'foreign').set(urls[1] ?? '', 'away');
    for (const resource of urls) await post('/settle', await listed(weather, { resource }));
    expect((await resources()).items.map(({ resource }: { resource: string }) => resource)).toEqual([
      urls[2],
    ]);
  });

  it('takes off what was sold or has gone, and shows it again when it is back', async () => {
    const url = 'https://shop.example/api';
    await post('/settle', await listed(weather, { resource: url }));
    expect((await resources()).pagination.total).toBe(1);
    const later = () =>
      db.query(`update facilitator_resources set probed_at = probed_at - interval '7 hours'`);
    for (const [said, shown] of [
      ['away', 1],
      ['away', 1],
      ['away', 0],
      ['own', 1],
      ['foreign', 0],
      ['own', 1],
    ] as const) {
      bed.owners.set(url, said);
      await later();
      expect([said, (await resources()).pagination.total]).toEqual([said, shown]);
    }
  });

  it('ranks by those who paid and what, so that a self-payment or dust lifts nobody', async () => {
    const [shop, dust] = ['https://shop.example/api', 'https://dust.example/api'];
    const paid = async (resource: string, payers: number, amount: string, payTo = seller) => {
      for (let i = 0; i < payers; i++)
        await bed.listings.add(await listed(weather, { resource, amount, payTo }), newPayer().address);
    };
    await paid(shop, 2, '10000');
    await paid(dust, 300, '1');
    const self = newPayer().address;
    const own = await listed(weather, {
      resource: 'https://self.example/api',
      amount: '900000000',
      payTo: self,
    });
    await bed.listings.add(own, self);
    const order = async () =>
      (await resources()).items.map(({ resource }: { resource: string }) => new URL(resource).hostname);
    expect(await order()).toEqual(['shop.example', 'dust.example', 'self.example']);
    await paid('https://star.example/api', 5, '10000');
    expect((await order())[0]).toBe('star.example');
  });

  it('drops for good what an operator takes off, whoever pays for it', async () => {
    const payment = () => listed(weather, { resource: 'https://bad.example/api' });
    await post('/settle', await payment());
    const path = `/discovery/resources?resource=${encodeURIComponent('https://bad.example/api')}`;
    expect((await request(bed.app).delete(path)).status).toBe(401);
    const { body } = await request(bed.app).delete(path).set('authorization', as('boss')).expect(200);
    expect(body).toEqual({ delisted: 1 });
    expect((await post('/settle', await payment())).told).toEqual({
      status: 'rejected',
      rejectedReason: 'delisted',
    });
    expect((await resources()).pagination.total).toBe(0);
  });

  it('lists nothing that does not ask for it, and no payment that failed', async () => {
    expect((await post('/settle', await signedRequest())).told).toBeUndefined();
    const poor = newPayer();
    const { response, told } = await post('/settle', await listed(weather, { account: poor }));
    expect([response.success, told]).toEqual([false, undefined]);
    expect((await resources()).pagination.total).toBe(0);
  });

  it.each<[string, unknown, PaymentOptions]>([
    ['invalid_discovery_info', { ...weather, info: { input: { type: 'http', method: 'BREW' } } }, {}],
    ['invalid_discovery_info', { ...weather, info: { input: { type: 'http', method: 'POST' } } }, {}],
    ['invalid_discovery_info', { info: weather.info }, {}],
    ['invalid_discovery_info', 'weather', {}],
    ['discovery_info_too_large', { ...weather, schema: { description: 'x'.repeat(20_000) } }, {}],
    ['invalid_resource_url', weather, { resource: 'ftp://seller.example/x' }],
    ['invalid_resource_url', weather, { resource: 'https://me:secret@seller.example/x' }],
    ['invalid_resource_url', weather, { resource: '/weather' }],
    ['invalid_resource_url', { ...weather, routeTemplate: '/../admin' }, {}],
    ['invalid_resource_url', { ...weather, routeTemplate: '/%2e%2e/admin' }, {}],
    ['invalid_resource_url', { ...weather, routeTemplate: 'users/:id' }, {}],
  ])(
    'says %s of a listing and settles the payment all the same (%#)',
    async (rejectedReason, bazaar, options) => {
      const payment = await listed(bazaar, options);
      expect((await post('/verify', payment)).told).toEqual({ status: 'rejected', rejectedReason });
      const { response, told } = await post('/settle', payment);
      expect([response.success, told]).toEqual([true, { status: 'rejected', rejectedReason }]);
      expect((await resources()).pagination.total).toBe(0);
    },
  );

  it('keeps one listing per resource and payee, so that nobody takes over the listing of another', async () => {
    const thief = newPayer().address;
    await post('/settle', await listed({ ...weather, routeTemplate: '/weather/:city' }));
    await post('/settle', await listed({ ...weather, routeTemplate: '/weather/:city' }, { amount: '20000' }));
    await post('/settle', await listed({ ...weather, routeTemplate: '/weather/:city' }, { payTo: thief }));
    const { items } = (await resources()) as { items: { accepts: { payTo: string; amount: string }[] }[] };
    const terms = items.flatMap(({ accepts }) => accepts.map(({ payTo, amount }) => [payTo, amount]));
    expect(terms).toEqual([
      [seller, '20000'],
      [thief, '10000'],
    ]);
    expect((await resources(`?payTo=${seller.toLowerCase()}`)).pagination.total).toBe(1);
  });

  it('finds by words, filters, and pages', async () => {
    const mcp = { ...weather, info: { input: { type: 'mcp', toolName: 'translate', inputSchema: {} } } };
    await post('/settle', await listed(weather));
    await post(
      '/settle',
      await listed(mcp, { resource: 'https://tools.example/mcp' }, 'Translates 100% of any text'),
    );
    expect((await search('weather CITY')).map(({ resource }) => resource)).toEqual([
      'https://seller.example/weather',
    ]);
    expect((await search('translate')).map(({ resource }) => resource)).toEqual([
      'https://tools.example/mcp',
    ]);
    expect(await search('100%')).toHaveLength(1);
    expect(await search('%')).toHaveLength(1);
    expect(await search("' or 1=1 --")).toEqual([]);
    expect((await resources('?type=mcp')).items).toHaveLength(1);
    expect((await resources('?network=eip155:1')).items).toEqual([]);
    const [first, second] = [await resources('?limit=1'), await resources('?limit=1&offset=1')];
    expect([first.items[0].resource, second.items[0].resource]).toEqual([
      'https://tools.example/mcp',
      'https://seller.example/weather',
    ]);
    expect((await resources('?limit=1000')).pagination.limit).toBe(100);
    for (const wrong of ['search', 'search?query=', 'resources?limit=0', 'resources?offset=-1']) {
      expect((await request(bed.app).get(`/discovery/${wrong}`)).status).toBe(400);
    }
  });

  it('is bounded: the longest unpaid give way, first those of the same payee', async () => {
    const small = catalogue({
      db,
      clock: systemClock,
      ask: async () => 'own',
      limits: { items: 3, perPayee: 2 },
    });
    const at = async (path: string, payTo = seller) =>
      small.add(await listed(weather, { resource: `https://shop.example/${path}`, payTo }));
    for (const path of ['a', 'b', 'c']) await at(path);
    const paths = async () => (
      await small.check(),
      (await small.list({ limit: 10, offset: 0 })).items.map(({ resource }) => resource.at(-1))
    );
    expect(await paths()).toEqual(['c', 'b']);
    const [one, two] = [newPayer().address, newPayer().address];
    await at('d', one);
    await at('e', two);
    expect(await paths()).toEqual(['e', 'd', 'c']);
  });
});

describe('payment identifiers', () => {
  let db: Db;
  let bed: ServiceBed;
  beforeAll(async () => void (db = await openDb()));
  afterAll(() => db.close());
  beforeEach(async () => void (bed = await openService(db)));
  afterEach(() => bed.close());

  const id = 'pay_0123456789abcdef';
  async function named(info: object, options: PaymentOptions = {}): Promise<V2> {
    const payment = (await signedRequest(options)) as V2;
    return {
      ...payment,
      paymentPayload: {
        ...payment.paymentPayload,
        extensions: { 'payment-identifier': { info, schema: {} } },
      },
    };
  }
  const settle = (body: object) => request(bed.app).post('/settle').send(body);

  it('give the same payment the same response, and refuse another under the same id: nobody is charged twice', async () => {
    bed.mine();
    const first = await named({ required: true, id });
    const responses = [await settle(first), await settle(first)];
    expect(responses.map(({ body }) => [body.success, body.transaction])).toEqual(
      responses.map(() => [true, responses[0]?.body.transaction]),
    );
    const second = await settle(await named({ required: true, id }));
    expect([second.status, second.body.code]).toEqual([409, 'payment_identifier_conflict']);
    expect(bed.chain.balanceOf(seller)).toBe(10_000n);
    const elsewhere = await settle(await named({ id }, { payTo: newPayer().address }));
    expect(elsewhere.body.success).toBe(true);
  });

  it('let one of two different payments through that come at once', async () => {
    bed.mine();
    const responses = await Promise.all([settle(await named({ id })), settle(await named({ id }))]);
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(bed.chain.balanceOf(seller)).toBe(10_000n);
  });

  it('stay with a payment that may yet be mined, and are free again after one that was refused', async () => {
    expect((await settle(await named({ id }, { account: newPayer() }))).body.errorReason).toBe(
      'invalid_exact_evm_insufficient_balance',
    );
    const pending = await named({ id });
    expect((await pendingIn(bed, settle(pending))).body.errorReason).toBe('settlement_pending');
    expect((await settle(await named({ id }))).status).toBe(409);
    bed.mine();
    expect((await settle(pending)).body.success).toBe(true);
  });

  it('are free again after a day, and then forgotten', async () => {
    bed.mine();
    await settle(await named({ id }));
    await settle(await named({ id: `${id}-other` }));
    await db.query(`update facilitator_payment_ids set expires_at = expires_at - interval '25 hours'`);
    const later = paymentIdentifiers(db, systemClock);
    await later.guard(await named({ id }), async () => ({
      success: true,
      transaction: '0x1',
      network: 'eip155:84532',
    }));
    const kept = await db.query<{ id: string }>('select id from facilitator_payment_ids');
    expect(kept.map((row) => row.id)).toEqual([id]);
  });

  const wrong = [
    { id: 'short' },
    { id: 'x'.repeat(129) },
    { id: 'spaces are not taken' },
    { id: 7 },
    { required: true },
  ];
  it.each(wrong)('are refused as %j', async (info) => {
    const { status, body } = await settle(await named(info));
    expect([status, body.code, body.success]).toEqual([400, 'invalid_payload', false]);
  });
});
