import { createPublicKey, generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto';
import { baseSepolia, systemClock, unixSeconds } from '@agentpay/primitives';
import { RECEIPT_KEYS_PATH, PAYMENT_RECEIPT_JWS, verifyPaymentReceipt } from '@agentpay/protocol';
import { paywall, type PaywallOptions } from '../index.js';
import {
  DIALECTS,
  HASH,
  PAY_TO,
  PAYER,
  fakeFacilitator,
  listen,
  pay,
  send,
  type Reply,
  type Seller,
} from '../seller.test.support.js';

const newKey = () => generateKeyPairSync('ed25519').privateKey;
const ANY = { price: '$0.01' } as const;

let seller: Seller;
afterEach(() => seller?.close());

async function open(
  options: Partial<PaywallOptions>,
  price: Parameters<ReturnType<typeof paywall>['charge']>[0] = ANY,
  status = 200,
) {
  const wall = paywall({
    payTo: PAY_TO,
    facilitator: fakeFacilitator(),
    logger: false,
    repeats: {},
    ...options,
  });
  const [charge, discovery] = [wall.charge(price), wall.discovery()];
  seller = await listen((req, res) => {
    discovery(req, res, () => charge(req, res, () => res.writeHead(status).end('sold')));
  });
}

async function keysOf(): Promise<readonly JsonWebKey[]> {
  const reply = await send(seller, RECEIPT_KEYS_PATH);
  expect([reply.status, reply.headers['access-control-allow-origin']]).toEqual([200, '*']);
  return reply.json().keys;
}

const signedIn = (reply: Reply) => reply.headers[PAYMENT_RECEIPT_JWS.toLowerCase()] as string | undefined;

describe.each(DIALECTS)('a response paid in %s', (dialect) => {
  it('certifies who paid how much for what, and by which transaction, under a published key', async () => {
    await open({ receiptKey: newKey(), baseUrl: 'https://shop.example' });
    const bought = await send(seller, '/weather?city=secret', {
      headers: pay(await send(seller, '/weather?city=secret'), dialect),
    });
    const { iat, ...certified } = verifyPaymentReceipt(signedIn(bought) as string, await keysOf()) ?? {
      iat: 0,
    };
    expect(certified).toEqual({
      iss: 'https://shop.example',
      method: 'GET',
      path: '/weather',
      network: baseSepolia.id,
      asset: baseSepolia.usdc.address,
      amount: '10000',
      payTo: PAY_TO,
      payer: PAYER,
      transaction: HASH,
    });
    expect(Math.abs(iat - unixSeconds(systemClock))).toBeLessThan(60);
  });

  it('repeats the very receipt when the same proof comes again', async () => {
    await open({ receiptKey: newKey() });
    const headers = pay(await send(seller, '/'), dialect);
    const [first, again] = [await send(seller, '/', { headers }), await send(seller, '/', { headers })];
    expect(again.headers['x-payment-replayed']).toBe('true');
    expect([signedIn(first)?.length, signedIn(again)]).toEqual([expect.any(Number), signedIn(first)]);
  });
});

it('the receipt stands on answers that are paid for before the handler runs, also when it fails', async () => {
  await open({ receiptKey: newKey() }, { price: '$0.01', settle: 'before' }, 500);
  const failed = await send(seller, '/', { headers: pay(await send(seller, '/'), 'mpp') });
  expect([failed.status, failed.headers['payment-receipt']]).toEqual([500, undefined]);
  expect(verifyPaymentReceipt(signedIn(failed) as string, await keysOf())?.amount).toBe('10000');
});

it('nothing is certified of what was not charged', async () => {
  await open({ receiptKey: newKey() }, ANY, 500);
  const offer = await send(seller, '/');
  expect(signedIn(offer)).toBeUndefined();
  expect(signedIn(await send(seller, '/', { headers: pay(offer, 'x402v2') }))).toBeUndefined();
});

it('receipts name the seller as configured, whatever Host a request names', async () => {
  await open({ receiptKey: newKey(), realm: 'shop' });
  const headers = { ...pay(await send(seller, '/'), 'x402v2'), host: 'evil.example' };
  expect(
    verifyPaymentReceipt(signedIn(await send(seller, '/', { headers })) as string, await keysOf())?.iss,
  ).toBe('shop');
});

it.each<[string, (key: KeyObject) => string | KeyObject]>([
  ['as it was', (key) => key],
  ['by its public part', (key) => createPublicKey(key)],
  [
    'as PEM of its public part',
    (key) => createPublicKey(key).export({ format: 'pem', type: 'spki' }) as string,
  ],
])('receipts of a former key, listed %s, stay good; new ones are signed by the first', async (_, former) => {
  const [old, current] = [newKey(), newKey()];
  const buy = async () =>
    signedIn(await send(seller, '/', { headers: pay(await send(seller, '/'), 'mpp') })) as string;
  await open({ receiptKey: old });
  const before = await buy();
  const [oldKey] = await keysOf();
  await seller.close();
  await open({ receiptKey: [current, former(old)] });
  const keys = await keysOf();
  expect([keys.length, keys[1]]).toEqual([2, oldKey]);
  expect(verifyPaymentReceipt(before, keys)?.amount).toBe('10000');
  const after = await buy();
  expect(verifyPaymentReceipt(after, keys.slice(0, 1))?.amount).toBe('10000');
  expect(verifyPaymentReceipt(after, keys.slice(1))).toBeUndefined();
});

it('without a key there is neither header nor key set', async () => {
  await open({});
  expect(signedIn(await send(seller, '/', { headers: pay(await send(seller, '/'), 'mpp') }))).toBeUndefined();
  expect((await send(seller, RECEIPT_KEYS_PATH)).status).toBe(402);
});

it('pages of other origins may read the receipt', async () => {
  await open({ receiptKey: newKey() });
  const offer = await send(seller, '/', { headers: { origin: 'https://page.example' } });
  expect(offer.headers['access-control-expose-headers']).toContain(PAYMENT_RECEIPT_JWS);
});
