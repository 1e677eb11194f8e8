import { createHash } from 'node:crypto';
import { memoryStore, systemClock } from '@agentpay/primitives';
import {
  decodeSignIn,
  encodeSignIn,
  hashPersonalMessage,
  signInMessage,
  SIGN_IN_WITH_X,
  x402v2,
  type SignIn,
} from '@agentpay/protocol';
import { paywall, type PaywallOptions, type PricedRoute } from '../../index.js';
import {
  DIALECTS,
  PAY_TO,
  PAYER,
  fakeFacilitator,
  listen,
  pay,
  send,
  shiftedClock,
  type Reply,
  type Seller,
} from '../../seller.test.support.js';
import { signDigest } from './signDigest.test.support.js';

const BASE_URL = 'https://api.example.com';
const STRANGER = `0x${createHash('sha256').update('stranger').digest('hex')}` as const;

let seller: Seller;
afterEach(() => seller?.close());

async function open(route: Partial<PricedRoute> = {}, options: Partial<PaywallOptions> = {}) {
  const facilitator = fakeFacilitator();
  const served = { count: 0 };
  const extensions = { signIn: { seconds: 3600, statement: 'Come back.' } };
  const wall = paywall({
    payTo: PAY_TO,
    facilitator,
    baseUrl: BASE_URL,
    logger: false,
    ...options,
  });
  const charge = wall.charge({ price: '$0.01', extensions, ...route });
  seller = await listen((req, res) =>
    charge(req, res, () => {
      req.resume();
      res.end(`answer ${++served.count}`);
    }),
  );
  return { facilitator, served };
}

interface Declared {
  readonly info: Omit<SignIn, 'address' | 'chainId' | 'type' | 'signature'>;
  readonly supportedChains: readonly { readonly chainId: string; readonly type: 'eip191' }[];
}

function declared(offer: Reply): Declared {
  const { extensions } = x402v2.decodePaymentRequired(offer.headers['payment-required'] as string);
  return extensions?.[SIGN_IN_WITH_X] as Declared;
}

/** Signs the message of an offer. */
function signIn(offer: Reply, changes: Partial<SignIn> = {}, key?: `0x${string}`): Record<string, string> {
  const { info, supportedChains } = declared(offer);
  const message = { ...info, address: PAYER, ...supportedChains[0], ...changes } as Omit<SignIn, 'signature'>;
  const signature = changes.signature ?? signDigest(hashPersonalMessage(signInMessage(message)), key);
  return { 'sign-in-with-x': encodeSignIn({ ...message, signature }) };
}

async function buy(target = '/'): Promise<Reply> {
  return send(seller, target, { headers: pay(await send(seller, target), 'x402v2') });
}

describe('who has paid', () => {
  it('finds in the 402 a message to sign, of this URL', async () => {
    await open();
    const { info, supportedChains } = declared(await send(seller, '/a?b=1'));
    const uri = `${BASE_URL}/a?b=1`;
    expect(info).toMatchObject({
      domain: 'api.example.com',
      uri,
      version: '1',
      statement: 'Come back.',
      resources: [uri],
    });
    expect(supportedChains).toEqual([{ chainId: 'eip155:84532', type: 'eip191' }]);
    expect(Date.parse(info.expirationTime as string) - Date.parse(info.issuedAt)).toBe(300_000);
  });

  it.each(DIALECTS)('in %s comes back by that message, is served anew and not charged', async (dialect) => {
    const { facilitator, served } = await open();
    expect((await send(seller, '/', { headers: pay(await send(seller, '/'), dialect) })).text).toBe(
      'answer 1',
    );
    const back = await send(seller, '/', { headers: signIn(await send(seller, '/')) });
    expect([back.status, back.text, back.headers['payment-response']]).toEqual([200, 'answer 2', undefined]);
    expect(back.headers['cache-control']).toBe('private');
    expect(back.headers.vary).toContain('SIGN-IN-WITH-X');
    expect([served.count, facilitator.moved.length]).toEqual([2, 1]);
  });

  it('comes back for the same request only: method, path, query and body', async () => {
    await open();
    await buy('/a?b=1');
    for (const target of ['/a?b=2', '/a', '/b?b=1']) {
      const refused = await send(seller, target, { headers: signIn(await send(seller, target)) });
      expect([refused.status, refused.json().code]).toEqual([402, 'invalid_siwx_not_paid']);
    }
    const post = { method: 'POST', body: '{"a":1}' };
    const offer = await send(seller, '/a?b=1', post);
    expect((await send(seller, '/a?b=1', { ...post, headers: signIn(offer) })).status).toBe(402);
    expect((await send(seller, '/a?b=1', { ...post, headers: pay(offer, 'x402v2') })).status).toBe(200);
    const again = async (body: string) =>
      send(seller, '/a?b=1', { method: 'POST', body, headers: signIn(await send(seller, '/a?b=1', post)) });
    expect((await again('{"a":1}')).status).toBe(200);
    expect((await again('{"a":2}')).status).toBe(402);
  });

  it('comes back for the time that the route sets', async () => {
    const clock = shiftedClock();
    await open({}, { clock, store: memoryStore(clock) });
    await buy();
    clock.offset += 3_500_000;
    expect((await send(seller, '/', { headers: signIn(await send(seller, '/')) })).status).toBe(200);
    clock.offset += 110_000;
    expect((await send(seller, '/', { headers: signIn(await send(seller, '/')) })).status).toBe(402);
  });

  it('comes back to another process of the same store and secret', async () => {
    const shared = { store: memoryStore(systemClock), mppSecret: 's'.repeat(32) };
    await open({}, shared);
    await buy();
    const offer = await send(seller, '/');
    await seller.close();
    await open({}, shared);
    expect((await send(seller, '/', { headers: signIn(offer) })).status).toBe(200);
  });

  it('pays if the sign-in does not hold and a payment comes along', async () => {
    const { facilitator } = await open();
    const offer = await send(seller, '/');
    const both = { ...signIn(offer), ...pay(offer, 'x402v2') };
    expect((await send(seller, '/', { headers: both })).headers['payment-response']).toBeDefined();
    const back = { ...signIn(await send(seller, '/')), ...pay(offer, 'x402v2') };
    expect((await send(seller, '/', { headers: back })).headers['payment-response']).toBeUndefined();
    expect(facilitator.moved).toHaveLength(1);
  });
});

describe('a sign-in', () => {
  it('is good once, also of twenty at the same time', async () => {
    const { served } = await open();
    await buy();
    const headers = signIn(await send(seller, '/'));
    const replies = await Promise.all(Array.from({ length: 20 }, () => send(seller, '/', { headers })));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect((await send(seller, '/', { headers })).json().code).toBe('invalid_siwx_nonce');
    expect(served.count).toBe(2);
  });

  const stranger = (offer: Reply) => signIn(offer, {}, STRANGER);
  it.each<[string, (offer: Reply) => Record<string, string>, string]>([
    [
      'for another host',
      (offer) => signIn(offer, { domain: 'evil.example' }),
      'invalid_siwx_domain_mismatch',
    ],
    ['for another URL', (offer) => signIn(offer, { uri: `${BASE_URL}/other` }), 'invalid_siwx_uri_mismatch'],
    ['with a nonce of its own', (offer) => signIn(offer, { nonce: 'a'.repeat(48) }), 'invalid_siwx_nonce'],
    [
      'with another time',
      (offer) => signIn(offer, { issuedAt: new Date(0).toISOString() }),
      'invalid_siwx_nonce',
    ],
    [
      'that has expired',
      (offer) => signIn(offer, { expirationTime: new Date(0).toISOString() }),
      'invalid_siwx_expired',
    ],
    [
      'for later',
      (offer) => signIn(offer, { notBefore: '2100-01-01T00:00:00Z' }),
      'invalid_siwx_not_yet_valid',
    ],
    ['signed by somebody else', stranger, 'invalid_siwx_signature'],
    [
      'with a signature of another kind',
      (offer) => signIn(offer, { signature: `0x${'ab'.repeat(66)}` }),
      'invalid_siwx_signature',
    ],
    [
      'with a signature that none can give',
      (offer) => signIn(offer, { signature: `0x${'ff'.repeat(64)}1b` }),
      'invalid_siwx_signature',
    ],
  ])('%s gets a 402 that says so', async (_, make, code) => {
    const { facilitator, served } = await open();
    await buy();
    const refused = await send(seller, '/', { headers: make(await send(seller, '/')) });
    expect([refused.status, refused.json().code, served.count, facilitator.calls.verify]).toEqual([
      402,
      code,
      1,
      1,
    ]);
  });

  it('of a message with another statement than the one that was signed is refused', async () => {
    await open();
    await buy();
    const good = decodeSignIn(signIn(await send(seller, '/'))['sign-in-with-x'] as string);
    const headers = { 'sign-in-with-x': encodeSignIn({ ...good, statement: 'Another.' }) };
    expect((await send(seller, '/', { headers })).json().code).toBe('invalid_siwx_signature');
  });

  it('is too old after five minutes', async () => {
    const clock = shiftedClock();
    await open({}, { clock });
    await buy();
    const headers = signIn(await send(seller, '/'), { expirationTime: '2100-01-01T00:00:00Z' });
    clock.offset += 301_000;
    expect((await send(seller, '/', { headers })).json().code).toBe('invalid_siwx_issued_at_too_old');
  });

  it('that cannot be read is malformed', async () => {
    await open();
    const refused = await send(seller, '/', { headers: { 'sign-in-with-x': 'e30=' } });
    expect([refused.status, refused.json().code]).toEqual([400, 'payment_malformed']);
  });

  it('fails closed while the store is away', async () => {
    const store = memoryStore(systemClock);
    let away = false;
    const get: typeof store.get = async (key) => (away ? Promise.reject(new Error('away')) : store.get(key));
    const { served } = await open({}, { store: { ...store, get } });
    await buy();
    const headers = signIn(await send(seller, '/'));
    away = true;
    expect((await send(seller, '/', { headers })).json()).toMatchObject({ status: 503, code: 'unavailable' });
    expect(served.count).toBe(1);
  });

  it('is not asked of who is refused by authorize, and not read by routes without the extension', async () => {
    await open({ authorize: () => 'refuse' });
    expect((await send(seller, '/', { headers: { 'sign-in-with-x': 'e30=' } })).status).toBe(403);
    await seller.close();
    await open({ extensions: {} });
    expect((await send(seller, '/', { headers: { 'sign-in-with-x': 'e30=' } })).status).toBe(402);
  });
});

it("signIn without baseUrl is refused at construction: the Host header is the caller's", () => {
  const wall = paywall({ logger: false, payTo: PAY_TO, facilitator: fakeFacilitator() });
  expect(() => wall.charge({ price: '$1', extensions: { signIn: { seconds: 60 } } })).toThrow(/baseUrl/);
});
