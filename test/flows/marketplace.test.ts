import { identity, marketplace } from '@agentpay/core';
import type { Core } from '@agentpay/core';
import type { Db, ManualClock } from '@agentpay/primitives';
import { ADMIN_KEY, ownDb, signedIn, testCore } from './market.js';
import type { SignedIn } from './market.js';

let db: Db;
let core: Core;
let clock: ManualClock;
let seller: SignedIn;

beforeAll(async () => {
  db = await ownDb();
  ({ core, clock } = await testCore(db));
});
beforeEach(async () => {
  await db.exec('delete from services');
  core.serviceLists.clear();
  seller = await signedIn(core, 'Seller');
});
afterAll(() => db.close());

const refused = (kind: string) => expect.objectContaining({ name: 'AgentPayError', kind });

function register(name: string, more: Partial<marketplace.Registration> = {}) {
  return marketplace.register(core, { principal: seller.principal, name, pricePerCall: 5_000n, ...more });
}

const admin = () => identity.authenticate(core, { accepts: ['admin'], secret: ADMIN_KEY });

describe('register', () => {
  it('starts a service active, unverified, at trust 50', async () => {
    const service = await register('Market Data-Feed', {
      description: 'Ticks',
      category: 'data',
      endpointUrl: 'https://api.example.com/feed',
      sla: { maxCompletionSeconds: 30 },
    });
    expect(service).toMatchObject({
      slug: 'marketdatafeed',
      providerId: seller.agent.id,
      payoutWalletId: seller.walletId,
      price: 5_000n,
      currency: 'USD',
      slaSeconds: 30,
      trustScore: 50,
      verified: false,
      status: 'active',
    });
    expect(await marketplace.get(core, { serviceId: service.id })).toEqual(service);
  });

  it('gives a name once, and no second name of the same slug', async () => {
    await register('Weather');
    await expect(register('Weather')).rejects.toEqual(refused('service_name_taken'));
    await expect(register('WEATHER!')).rejects.toEqual(refused('service_name_taken'));
  });

  it('takes names of other alphabets and signs, each with a slug of its own', async () => {
    const made = [
      await register('天気 API'),
      await register('株価 API'),
      await register('C++ API'),
      await register('C# API'),
    ];
    expect(new Set(made.map((service) => service.slug)).size).toBe(4);
    expect(await register('Łódź')).toMatchObject({ name: 'Łódź', slug: 'lodz' });
  });

  it('names the slug that is taken', async () => {
    await register('Cafe');
    await expect(register('Café')).rejects.toThrow('slug: cafe');
  });

  it.each(['weather\u202egnp', 'wea\u200bther', 'weather\u2028', 'weather\ufeff'])(
    'refuses a name with hidden characters: %j',
    async (name) => {
      await expect(register(name)).rejects.toEqual(refused('invalid_request'));
    },
  );

  it.each([
    ['a price of zero', { pricePerCall: 0n }, 'invalid_amount'],
    ['a price above the limit', { pricePerCall: 10n ** 15n + 1n }, 'invalid_amount'],
    ['an SLA of no time', { sla: { maxCompletionSeconds: 0 } }, 'invalid_request'],
    ['an SLA of more than a day', { sla: { maxCompletionSeconds: 86_401 } }, 'invalid_request'],
    ['half seconds', { sla: { maxCompletionSeconds: 1.5 } }, 'invalid_request'],
    ['an address that is not http', { endpointUrl: 'file:///etc/passwd' }, 'invalid_request'],
    ['a category with a NUL', { category: '\0' }, 'invalid_request'],
    ['a currency in small letters', { currency: 'usd' }, 'invalid_request'],
    ['a currency the provider has no wallet of', { currency: 'USDC' }, 'currency_mismatch'],
  ])('refuses %s', async (_what, change, kind) => {
    await expect(register('Refused', change)).rejects.toEqual(refused(kind));
  });

  it('is for agents', async () => {
    await expect(register('Admin', { principal: await admin() })).rejects.toEqual(refused('forbidden'));
  });
});

describe('list', () => {
  it('filters, pages and counts', async () => {
    const a = await register('A', { category: 'data' });
    clock.advance(1);
    const b = await register('B', { category: 'data' });
    clock.advance(1);
    const c = await register('C', { category: 'maps' });
    await marketplace.setVerified(core, { principal: await admin(), serviceId: c.id, verified: true });

    const ids = async (filter: Parameters<typeof marketplace.list>[1]) => {
      const { services, total } = await marketplace.list(core, filter);
      return [services.map((service) => service.id), total];
    };
    expect(await ids({})).toEqual([[a.id, b.id, c.id], 3]);
    expect(await ids({ category: 'data' })).toEqual([[a.id, b.id], 2]);
    expect(await ids({ verified: true })).toEqual([[c.id], 1]);
    expect(await ids({ verified: false, category: 'data', limit: 1, offset: 1 })).toEqual([[b.id], 2]);
    expect(await ids({ category: 'none' })).toEqual([[], 0]);
  });

  it('shows own registrations at once and those of another node within five seconds', async () => {
    await register('Mine');
    expect((await marketplace.list(core, {})).total).toBe(1);
    const { core: otherNode } = await testCore(db);
    await marketplace.register(otherNode, { principal: seller.principal, name: 'Theirs', pricePerCall: 1n });
    expect((await marketplace.list(core, {})).total).toBe(1);
    clock.advance(5_000);
    expect((await marketplace.list(core, {})).total).toBe(2);
    await register('Mine too');
    expect((await marketplace.list(core, {})).total).toBe(3);
  });

  it('leaves out what is not active', async () => {
    const { id } = await register('Suspended');
    await db.query("update services set status = 'suspended' where id = $1", [id]);
    expect(await marketplace.list(core, {})).toEqual({ services: [], total: 0 });
  });

  const written = [
    '["a",1,"b"]',
    '[1e400,1,"b"]',
    '[1e15,1,"b"]',
    '[1,1e16,"b"]',
    '[1,-1,"b"]',
    '[1,1.5,"b"]',
    String.raw`[1,1,"\u0000"]`,
  ].map((text) => Buffer.from(text).toString('base64url'));
  it.each(['x', 'WzFd', 'bm90IGpzb24', ...written])('refuses the cursor %j', async (cursor) => {
    await expect(marketplace.list(core, { cursor })).rejects.toMatchObject({
      kind: 'invalid_request',
      param: 'cursor',
    });
  });

  it.each([{ limit: 0 }, { limit: 101 }, { limit: 1.5 }, { offset: -1 }, { offset: Number.NaN }])(
    'refuses %j',
    async (page) => {
      await expect(marketplace.list(core, page)).rejects.toEqual(refused('invalid_request'));
    },
  );
});

describe('get and findByEndpoint', () => {
  it('find nothing for an unknown id or address', async () => {
    for (const serviceId of ['svc_none', '\0', `svc_${'0'.repeat(26)}`]) {
      await expect(marketplace.get(core, { serviceId })).rejects.toEqual(refused('service_not_found'));
    }
    expect(await marketplace.findByEndpoint(core, { url: 'https://nowhere.example.com/' })).toBeUndefined();
    await expect(marketplace.findByEndpoint(core, { url: 'nowhere' })).rejects.toEqual(
      refused('invalid_request'),
    );
  });

  it('find a service by its address with any query; the verified one before the first one', async () => {
    const url = 'https://api.example.com/weather';
    const first = await register('First', { endpointUrl: url });
    clock.advance(1);
    const second = await register('Second', { endpointUrl: url });
    expect((await marketplace.findByEndpoint(core, { url: `${url}?city=Bern` }))?.id).toBe(first.id);
    await marketplace.setVerified(core, { principal: await admin(), serviceId: second.id, verified: true });
    expect((await marketplace.findByEndpoint(core, { url }))?.id).toBe(second.id);
  });
});

describe('setVerified', () => {
  it('is for the admin', async () => {
    const { id: serviceId } = await register('Vouched');
    const byAdmin = { principal: await admin(), serviceId, verified: true };
    await expect(marketplace.setVerified(core, { ...byAdmin, principal: seller.principal })).rejects.toEqual(
      refused('forbidden'),
    );
    expect(await marketplace.setVerified(core, byAdmin)).toMatchObject({ verified: true });
    await expect(marketplace.setVerified(core, { ...byAdmin, serviceId: 'svc_none' })).rejects.toEqual(
      refused('service_not_found'),
    );
  });
});
