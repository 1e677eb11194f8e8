import { jobs, marketplace } from '@agentpay/core';
import type { Core, Job } from '@agentpay/core';
import { OutboundError, type Db, type IncomingResponse, type ManualClock } from '@agentpay/primitives';
import { ownDb, signedIn, testCore } from './market.js';
import type { SignedIn } from './market.js';

const ADDRESS = 'https://api.example.com/weather';
const FILE = 'https://api.example.com/.well-known/agentpay-verification';
const DAY = 24 * 60 * 60 * 1000;

let db: Db;
let core: Core;
let clock: ManualClock;
let seller: SignedIn;
let names = 0;
/** What the network answers by address; anything else cannot be reached. */
const network = new Map<string, Partial<IncomingResponse>>();
const asked: string[] = [];

beforeAll(async () => {
  db = await ownDb();
  const endpoints = {
    assertAllowed: () => undefined,
    async fetchOut(url: string): Promise<IncomingResponse> {
      asked.push(url);
      const response = network.get(url);
      if (!response) throw new OutboundError('connection_failed', 'Nobody is there.', false);
      return { status: 200, headers: {}, body: new Uint8Array(), url, ...response };
    },
  };
  const settings = { marketplace: { offerUnproven: false } };
  ({ core, clock } = await testCore(db, { endpoints, settings }));
});
beforeEach(async () => {
  await db.exec('delete from services');
  network.clear();
  asked.length = 0;
  seller = await signedIn(core, 'Seller');
});
afterAll(() => db.close());

const register = (more: Partial<marketplace.Registration> = {}) =>
  marketplace.register(core, {
    principal: seller.principal,
    name: `Weather ${++names}`,
    pricePerCall: 5_000n,
    endpointUrl: ADDRESS,
    ...more,
  });
const check = (service: marketplace.Service) =>
  marketplace.checkEndpoint(core, { principal: seller.principal, serviceId: service.id });
const offered = async () => (await marketplace.findByEndpoint(core, { url: ADDRESS }))?.id;
const text = (value: string): Uint8Array => Buffer.from(value);
const paymentRequired = (body: unknown) => ({ status: 402, body: text(JSON.stringify(body)) });
const job = (name: string) => jobs.find((each) => each.name === name) as Job;

it('an address is not offered for a service that it does not know', async () => {
  const service = await register();
  network.set(FILE, { status: 404 });
  network.set(ADDRESS, { status: 200 });
  expect((await check(service)).service.endpointProvenAt).toBeNull();
  expect(await offered()).toBeUndefined();
});

it('is proven by the text at its host, on a line of its own', async () => {
  const service = await register();
  const { verification } = await check(service);
  expect(verification.url).toBe(FILE);
  network.set(ADDRESS, { status: 200 });
  network.set(FILE, { body: text(`x${verification.text}\n`) });
  expect((await check(service)).service.endpointProvenAt).toBeNull();
  network.set(FILE, { body: text(`# ours\r\n ${verification.text} \r\nagentpay-other\r\n`) });
  expect((await check(service)).service.endpointProvenAt).toEqual(new Date(clock.now()));
  expect(await offered()).toBe(service.id);
});

it('is proven by its own 402, for the service that it names and for no other', async () => {
  const thief = await register();
  const service = await register();
  network.set(FILE, { status: 404 });
  network.set(ADDRESS, paymentRequired({ token: { service_id: service.id, price: '0.005' } }));
  expect((await check(thief)).service.endpointProvenAt).toBeNull();
  expect((await check(service)).service).toMatchObject({
    endpointProvenAt: new Date(clock.now()),
    endpointPrice: 5_000n,
  });
  expect(await offered()).toBe(service.id);
});

it.each([
  ['the token of the service', (id: string) => ({ a: [{ service_id: id, price: '0.007' }] }), 7_000n],
  ['x402 version 1', () => ({ accepts: [{ maxAmountRequired: '8000' }] }), 8_000n],
  ['x402 version 2', () => ({ accepts: [{ amount: '9000' }] }), 9_000n],
  ['nothing that it understands', () => ({ price: 'much' }), null],
])('notes what the address asks by %s', async (_what, body, price) => {
  const service = await register();
  network.set(FILE, { status: 404 });
  network.set(ADDRESS, paymentRequired(body(service.id)));
  expect((await check(service)).service.endpointPrice).toBe(price);
});

it('reads the offers in the header of x402 version 2', async () => {
  const service = await register();
  const header = Buffer.from(JSON.stringify({ accepts: [{ amount: '5000' }] })).toString('base64');
  network.set(ADDRESS, { status: 402, headers: { 'payment-required': header } });
  expect((await check(service)).service.endpointPrice).toBe(5_000n);
});

it('stays as it was while it cannot be asked, and is lost when it no longer knows the service', async () => {
  const service = await register();
  const { verification } = await check(service);
  network.set(ADDRESS, { status: 200 });
  network.set(FILE, { body: text(verification.text) });
  const proven = (await check(service)).service.endpointProvenAt;
  for (const response of [undefined, { status: 503 }, { status: 429 }]) {
    network.delete(FILE);
    if (response) network.set(FILE, response);
    expect((await check(service)).service.endpointProvenAt).toEqual(proven);
  }
  network.set(FILE, { status: 404 });
  expect((await check(service)).service.endpointProvenAt).toBeNull();
});

it('is looked at for its provider only', async () => {
  const service = await register();
  const other = await signedIn(core, 'Other');
  const call = marketplace.checkEndpoint(core, { principal: other.principal, serviceId: service.id });
  await expect(call).rejects.toMatchObject({ kind: 'service_not_found' });
  expect(asked).toEqual([]);
});

it('is looked at by itself: soon after the registration, then daily', async () => {
  const { id } = await register();
  network.set(FILE, { status: 404 });
  network.set(ADDRESS, paymentRequired({ service_id: id, price: '0.005' }));
  const run = () => job('marketplace.endpoints').run(core);
  expect(await run()).toEqual({ done: { proven: 1, lost: 0 }, failures: [] });
  expect(await offered()).toBe(id);
  asked.length = 0;
  clock.advance(DAY - 1);
  await run();
  expect(asked).toEqual([]);
  network.set(ADDRESS, paymentRequired({ service_id: 'svc_other' }));
  clock.advance(1);
  expect(await run()).toEqual({ done: { proven: 0, lost: 1 }, failures: [] });
  expect(await offered()).toBeUndefined();
});

it('is looked at less and less while it proves nothing', async () => {
  await register();
  const looks: number[] = [];
  const start = clock.now();
  for (let minute = 0; minute < 120; minute++) {
    const before = asked.length;
    await job('marketplace.endpoints').run(core);
    if (asked.length > before) looks.push((clock.now() - start) / 60_000);
    clock.advance(60_000);
  }
  expect(looks).toEqual([0, 1, 2, 4, 8, 16, 32, 64]);
});
