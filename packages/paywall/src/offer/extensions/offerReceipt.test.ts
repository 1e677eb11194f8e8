import { createPublicKey, generateKeyPairSync, verify, type KeyObject } from 'node:crypto';
import { unixSeconds } from '@agentpay/primitives';
import { OFFER_RECEIPT, x402v2 } from '@agentpay/protocol';
import { paywall, type PaywallOptions, type PricedRoute } from '../../index.js';
import {
  HASH,
  NETWORK,
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

const BASE_URL = 'https://api.example.com';
const { privateKey, publicKey } = generateKeyPairSync('ed25519');

let seller: Seller;
afterEach(() => seller?.close());

async function open(route: Partial<PricedRoute> = {}, options: Partial<PaywallOptions> = {}): Promise<void> {
  const facilitator = fakeFacilitator();
  const wall = paywall({
    logger: false,
    payTo: PAY_TO,
    facilitator,
    baseUrl: BASE_URL,
    receiptKey: privateKey,
    ...options,
  });
  const charge = wall.charge({ price: '$0.01', extensions: { offerReceipt: true }, ...route });
  seller = await listen((req, res) => charge(req, res, () => res.end('answer')));
}

interface Signed {
  readonly format: string;
  readonly acceptIndex?: number;
  readonly signature: string;
}

const decoded = (part: string | undefined) => JSON.parse(Buffer.from(part as string, 'base64url').toString());

/** What a JWS says, if the key signed it. */
function payloadOf({ format, signature }: Signed, key: KeyObject = publicKey): unknown {
  const [header, payload, bytes] = signature.split('.');
  expect([format, decoded(header).alg]).toEqual(['jws', 'EdDSA']);
  expect(
    verify(null, Buffer.from(`${header}.${payload}`), key, Buffer.from(bytes as string, 'base64url')),
  ).toBe(true);
  return decoded(payload);
}

function offersOf(reply: Reply): readonly Signed[] {
  const { extensions } = x402v2.decodePaymentRequired(reply.headers['payment-required'] as string);
  return (extensions as { [OFFER_RECEIPT]: { info: { offers: Signed[] } } })[OFFER_RECEIPT].info.offers;
}

function receiptOf(reply: Reply): Signed | undefined {
  const { extensions } = x402v2.decodeSettleResponse(reply.headers['payment-response'] as string);
  return (extensions?.[OFFER_RECEIPT] as { info: { receipt: Signed } } | undefined)?.info.receipt;
}

describe('a signed offer', () => {
  it('is made of every offer of the 402, for its time and URL', async () => {
    const clock = shiftedClock();
    clock.now = () => 1_800_000_000_000;
    await open({ accepts: [{}, { network: 'base' }] }, { clock });
    const offer = await send(seller, '/a?b=1');
    const { accepts } = x402v2.decodePaymentRequired(offer.headers['payment-required'] as string);
    const offers = offersOf(offer);
    expect(offers.map(({ acceptIndex }) => acceptIndex)).toEqual([0, 1]);
    expect(offers.map((signed) => payloadOf(signed))).toEqual(
      accepts.map(({ scheme, network, asset, payTo, amount }) => {
        return {
          version: 1,
          resourceUrl: `${BASE_URL}/a?b=1`,
          scheme,
          network,
          asset,
          payTo,
          amount,
          validUntil: 1_800_000_300,
        };
      }),
    );
  });

  it('names its key by a URL that holds the key', async () => {
    await open();
    const signed = offersOf(await send(seller, '/'))[0] as Signed;
    const { kid } = decoded(signed.signature.split('.')[0]);
    expect(kid).toMatch(/^did:jwk:[A-Za-z0-9_-]+#0$/);
    const jwk = decoded(kid.slice('did:jwk:'.length, -'#0'.length));
    expect(payloadOf(signed, createPublicKey({ key: jwk, format: 'jwk' }))).toMatchObject({
      amount: '10000',
    });
  });
});

describe('a signed receipt', () => {
  it('says who paid what was bought, by which transaction, and is the same when the proof is sent again', async () => {
    await open();
    const headers = pay(await send(seller, '/a'), 'x402v2');
    const paid = await send(seller, '/a', { headers });
    const now = unixSeconds(shiftedClock());
    const receipt = payloadOf(receiptOf(paid) as Signed) as { issuedAt: number };
    expect(receipt).toMatchObject({
      version: 1,
      network: NETWORK.id,
      resourceUrl: `${BASE_URL}/a`,
      payer: PAYER,
      transaction: HASH,
    });
    expect(Math.abs(now - receipt.issuedAt)).toBeLessThan(60);
    expect(receiptOf(await send(seller, '/a', { headers }))).toEqual(receiptOf(paid));
  });

  it('is given on routes that declare it only', async () => {
    await open({ extensions: {} });
    const offer = await send(seller, '/');
    expect(
      x402v2.decodePaymentRequired(offer.headers['payment-required'] as string).extensions,
    ).toBeUndefined();
    expect(receiptOf(await send(seller, '/', { headers: pay(offer, 'x402v2') }))).toBeUndefined();
  });
});

describe('the key of offers and receipts', () => {
  const good = { payTo: PAY_TO, facilitator: fakeFacilitator() };
  const extensions = { offerReceipt: true };

  it('may be PEM', () => {
    const receiptKey = privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
    expect(() =>
      paywall({ logger: false, ...good, receiptKey, baseUrl: BASE_URL }).charge({ price: '$1', extensions }),
    ).not.toThrow();
  });

  it.each([
    ['that is public', publicKey],
    ['of another kind', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
    ['that is no key', 'secret'],
  ])('%s is refused at construction', (_, receiptKey) => {
    expect(() => paywall({ logger: false, ...good, receiptKey })).toThrow(
      /receiptKey must be a private Ed25519 key/,
    );
  });

  it("must be given where a route signs, and signs no URL of the caller's", () => {
    expect(() => paywall(good).charge({ price: '$1', extensions })).toThrow(/needs the option receiptKey/);
    expect(() =>
      paywall({ logger: false, ...good, receiptKey: privateKey }).charge({ price: '$1', extensions }),
    ).toThrow(/baseUrl/);
  });
});
