import { baseSepolia } from '@agentpay/primitives';
import { mpp } from '@agentpay/protocol';
import { createClient, type Client } from './Client.js';
import type { ClientOptions } from './options.js';
import { paymentOf } from './Receipt.js';
import {
  BUYER,
  BUYER_KEY,
  PAY_TO,
  SERVICE,
  TRANSACTION,
  WALLET,
  askMpp,
  askToken,
  askV1,
  askV2,
  closeServers,
  deliverGoods,
  failure,
  hurriedClock,
  isSigned,
  offer,
  serve,
  startLedger,
  startSeller,
  together,
  type Reply,
  type Seller,
} from './seller.test.support.js';

const clock = hurriedClock();
const client = (options: Partial<ClientOptions> = {}) =>
  createClient({ privateKey: BUYER_KEY, clock, ...options });

async function buyOnce(buyer: Client, seller: Seller, init?: RequestInit) {
  const response = await buyer.fetch(`${seller.url}/paid`, init);
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ served: 1 });
  expect(seller.proofs).toHaveLength(1);
  return paymentOf(response);
}

afterEach(closeServers);

describe('a purchase on a chain', () => {
  it.each([
    ['x402v2', askV2()],
    ['x402v1', askV1()],
    ['mpp', askMpp(clock)],
  ] as const)(
    'in %s signs the price for the recipient, within the lifetime asked for, and reads the receipt',
    async (dialect, ask) => {
      const seller = await startSeller(ask);
      const buyer = client();
      const payment = await buyOnce(buyer, seller);
      const amount = 10_000n;
      const asset = baseSepolia.usdc.address;
      expect(payment).toEqual({
        dialect,
        amount,
        asset,
        network: baseSepolia.id,
        payTo: PAY_TO,
        transaction: TRANSACTION,
      });
      const [proof] = seller.proofs;
      expect(proof).toMatchObject({ dialect, authorization: { from: BUYER, to: PAY_TO, value: amount } });
      expect(await isSigned(proof as never)).toBe(true);
      const now = BigInt(Math.floor(clock.now() / 1000));
      const { validAfter, validBefore } = proof?.authorization ?? { validAfter: 0n, validBefore: 0n };
      expect(validAfter).toBeLessThan(now);
      expect(validBefore - now).toBeGreaterThan(200n);
      expect(validBefore - now).toBeLessThanOrEqual(300n);
      expect(buyer.spent()).toEqual([
        { network: baseSepolia.id, asset, signed: amount, confirmed: amount, reserved: 0n },
      ]);
    },
  );

  it('echoes an x402 v2 offer with members it does not know, as they were written', async () => {
    const entry = { ...offer, payTo: PAY_TO.toLowerCase(), future: [1], outputSchema: null };
    const resource = { url: 'http://seller.test/paid', serviceName: 'Weather', tags: ['a'] };
    const seller = await startSeller(
      askV2([entry], { resource, extensions: { known: { info: { n: '1' } } } }),
    );
    await buyOnce(client(), seller);
    const sent = JSON.parse(Buffer.from(seller.proofs[0]?.value as string, 'base64').toString()) as object;
    expect(sent).toMatchObject({ accepted: entry, resource, extensions: { known: { info: { n: '1' } } } });
  });

  it('leaves out extensions that would make the proof too long for a header', async () => {
    const seller = await startSeller(askV2([offer], { extensions: { big: 'x'.repeat(6_500) } }));
    await buyOnce(client(), seller);
    expect(seller.proofs[0]?.value.length).toBeLessThan(4_000);
    expect(seller.proofs[0]?.payment?.extensions).toBeUndefined();
  });

  it('echoes an MPP challenge untouched and derives the nonce from it', async () => {
    const parts = {
      description: 'Fünf "Grad"',
      digest: mpp.bodyDigest(Buffer.from('{"q":1}')),
      header: mpp.PAYMENT_AUTHORIZATION,
    };
    const ask = askMpp(clock, parts);
    const seller = await startSeller(ask);
    await buyOnce(client(), seller, {
      method: 'POST',
      body: '{"q":1}',
      headers: { authorization: 'Bearer mine' },
    });
    const [challenge] = mpp.readChallenges(ask.headers['www-authenticate'] as string);
    const { credential, authorization } = seller.proofs[0] as Required<Seller['proofs'][number]>;
    expect(credential.challenge).toEqual(challenge);
    expect(authorization.nonce).toBe(mpp.challengeNonce(challenge as mpp.Challenge));
    expect(credential.source).toBe(`did:pkh:eip155:84532:${BUYER}`);
    const sent = {
      authorization: 'Bearer mine',
      'payment-authorization': expect.stringMatching(/^Payment /),
    };
    expect(seller.requests[1]?.headers).toMatchObject(sent);
  });

  it("takes another dialect rather than the place of the caller's own Authorization", async () => {
    const seller = await startSeller(together(askMpp(clock), askV2()));
    const payment = await buyOnce(client({ prefer: ['mpp', 'x402v2'] }), seller, {
      headers: { authorization: 'Bearer mine' },
    });
    expect(payment?.dialect).toBe('x402v2');
    expect(seller.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer mine',
      'Bearer mine',
    ]);
  });

  it('asks for MPP by Accept-Payment where it may pay in it', async () => {
    const seller = await startSeller(askV2());
    await buyOnce(client(), seller);
    expect(seller.requests[0]?.headers['accept-payment']).toBe('evm/charge');
  });

  it('counts as reserved, not as confirmed, without a receipt for it', async () => {
    const foreign = { success: true, transaction: TRANSACTION, network: 'eip155:8453' };
    for (const receipt of ['', 'not base64', Buffer.from(JSON.stringify(foreign)).toString('base64')]) {
      const answer: Reply = (response) =>
        response.writeHead(200, { 'payment-response': receipt }).end('{"served":1}');
      const seller = await startSeller(askV2(), answer);
      const buyer = client();
      const payment = await buyOnce(buyer, seller);
      expect(payment?.transaction).toBeUndefined();
      expect(buyer.spent()).toEqual([
        expect.objectContaining({ signed: 10_000n, confirmed: 0n, reserved: 10_000n }),
      ]);
    }
  });

  it('is signed by whatever account is given', async () => {
    const seller = await startSeller(askV2());
    const account = { address: BUYER, signTypedData: () => Promise.reject(new Error('The owner said no.')) };
    const buyer = createClient({ account, clock });
    expect(await failure(buyer.fetch(seller.url))).toMatchObject({ message: 'The owner said no.' });
    expect(buyer.spent()[0]?.signed).toBe(0n);
  });
});

describe('a purchase by payment token', () => {
  const withWallet = (url: string, options: Partial<ClientOptions> = {}) =>
    client({ agentpay: { url, apiKey: 'pk_test_1', walletId: WALLET }, ...options });

  it("has the token issued by the client's own API and hands it to the seller", async () => {
    const ledger = await startLedger(clock);
    const seller = await startSeller(together(askToken(), askV2()));
    const buyer = withWallet(ledger.url);
    const payment = await buyOnce(buyer, seller);
    const tokenId = 'tokid_01kb3x9v7f5m2q8r4t6w0y1z3e';
    expect(payment).toEqual({
      dialect: 'token',
      amount: 10_000n,
      asset: 'USD',
      network: 'agentpay',
      payTo: SERVICE,
      tokenId,
    });
    expect(ledger.calls).toEqual([
      `POST /v1/services/${SERVICE}/authorize {"from_wallet_id":"${WALLET}","max_amount":0.01}`,
    ]);
    expect(buyer.spent()).toEqual([
      { network: 'agentpay', asset: 'USD', signed: 10_000n, confirmed: 10_000n, reserved: 0n },
    ]);
  });

  it('gives way to the next offer when no token is issued', async () => {
    const ledger = await startLedger(clock);
    ledger.refusal = 402;
    const seller = await startSeller(together(askToken(), askV2()));
    const buyer = withWallet(ledger.url);
    expect((await buyOnce(buyer, seller))?.dialect).toBe('x402v2');
    expect(buyer.spent().map(({ network, signed }) => [network, signed])).toEqual([
      ['agentpay', 0n],
      [baseSepolia.id, 10_000n],
    ]);
  });

  const unpaid = ['reserved', 'failed', 'expired', 'refunded'];
  it.each(unpaid)('costs nothing when it fails and the ledger says that the token is %s', async (status) => {
    const ledger = await startLedger(clock);
    ledger.status = status;
    const seller = await startSeller(askToken(), (response) => response.writeHead(500).end('{}'));
    const buyer = withWallet(ledger.url);
    expect((await buyer.fetch(seller.url)).status).toBe(500);
    expect(buyer.spent()[0]).toMatchObject({ signed: 0n });
  });

  it('stays reserved when it fails and the ledger does not say that the token is void', async () => {
    const ledger = await startLedger(clock);
    ledger.status = 'redeemed';
    const seller = await startSeller(askToken(), (response) => response.writeHead(404).end('{}'));
    const buyer = withWallet(ledger.url);
    expect((await buyer.fetch(seller.url)).status).toBe(404);
    expect(buyer.spent()[0]).toMatchObject({ signed: 10_000n, reserved: 10_000n });
  });
});

describe('what is not a purchase', () => {
  it('passes as with fetch', async () => {
    const url = await serve((_, response) => response.writeHead(418, { 'x-a': 'b' }).end('short and stout'));
    const response = await client().fetch(new Request(url));
    expect([response.status, response.headers.get('x-a'), await response.text()]).toEqual([
      418,
      'b',
      'short and stout',
    ]);
    expect(paymentOf(response)).toBeUndefined();
  });

  it('is a 402 without an offer that is understood, its body unread', async () => {
    const headers = { 'www-authenticate': 'Bearer realm="x"' };
    const url = await serve((_, response) => response.writeHead(402, headers).end('Top up your account.'));
    const response = await client().fetch(url);
    expect([response.status, await response.text()]).toEqual([402, 'Top up your account.']);
  });

  it('fails as fetch does', async () => {
    expect(await failure(client().fetch('not a url'))).toMatchObject({ name: 'TypeError' });
    const signal = AbortSignal.abort(new Error('Enough.'));
    const seller = await startSeller(askV2());
    expect(await failure(client().fetch(seller.url, { signal }))).toMatchObject({ message: 'Enough.' });
    expect(seller.requests).toHaveLength(0);
  });
});

describe('request bodies', () => {
  const form = new FormData();
  form.set('a', '1');
  const stream = () =>
    new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('in '));
        controller.enqueue(new TextEncoder().encode('parts'));
        controller.close();
      },
    });

  it.each<[string, () => NonNullable<RequestInit['body']>, RegExp]>([
    ['text', () => '{"q":1}', /^\{"q":1\}$/],
    ['bytes', () => new Uint8Array([104, 105]), /^hi$/],
    ['form fields', () => new URLSearchParams({ a: '1' }), /^a=1$/],
    ['a blob', () => new Blob(['blob']), /^blob$/],
    ['a multipart form', () => form, /name="a"\r\n\r\n1\r\n/],
    ['a stream', stream, /^in parts$/],
  ])('go out the same with the proof when they are %s', async (_, body, pattern) => {
    const seller = await startSeller(askV2());
    await buyOnce(client(), seller, { method: 'POST', body: body() });
    const [first, second] = seller.requests;
    expect(first?.body).toMatch(pattern);
    expect(second?.body).toBe(first?.body);
    expect(second?.headers['content-type']).toBe(first?.headers['content-type']);
  });

  it('are refused above the limit before anything is sent', async () => {
    const seller = await startSeller(askV2());
    const error = await failure(
      client({ maxBodyBytes: 10 }).fetch(seller.url, { method: 'POST', body: 'x'.repeat(11) }),
    );
    expect(error).toMatchObject({ kind: 'payload_too_large' });
    expect(seller.requests).toHaveLength(0);
  });
});

describe('redirects', () => {
  it('are followed before payment within the origin, and the proof goes to where payment was asked for', async () => {
    const paths: (string | undefined)[] = [];
    const url = await serve((message, response) => {
      paths.push(message.url);
      if (message.url === '/old') return void response.writeHead(307, { location: '/new' }).end();
      if (message.headers['payment-signature']) response.end('paid');
      else response.writeHead(402, askV2().headers).end('{}');
    });
    expect(await (await client().fetch(`${url}/old`)).text()).toBe('paid');
    expect(paths).toEqual(['/old', '/new', '/new']);
  });

  it('are not followed with a proof', async () => {
    const thief = await startSeller(askV2());
    const seller = await startSeller(askV2(), (response) =>
      response.writeHead(307, { location: thief.url }).end(),
    );
    const response = await client().fetch(seller.url);
    expect(response.status).toBe(307);
    expect(thief.requests).toHaveLength(0);
  });

  it('of a request with a body are not paid for', async () => {
    const url = await serve((message, response) => {
      if (message.url === '/old') return void response.writeHead(307, { location: '/new' }).end();
      response.writeHead(402, askV2().headers).end('{}');
    });
    const error = await failure(client().fetch(`${url}/old`, { method: 'POST', body: 'x' }));
    expect(error).toMatchObject({ kind: 'offer_not_acceptable', reason: 'redirected' });
  });
});

describe('the options', () => {
  it.each<[string, ClientOptions]>([
    ['account', {}],
    ['privateKey', { privateKey: '0x12' }],
    ['privateKey', { privateKey: BUYER_KEY, account: { address: BUYER, signTypedData: async () => '0x' } }],
    ['prefer', { privateKey: BUYER_KEY, prefer: ['barter' as never] }],
    ['allow.networks', { privateKey: BUYER_KEY, allow: { networks: ['mars'] } }],
    ['maxAttempts', { privateKey: BUYER_KEY, maxAttempts: 0 }],
  ])('are checked: %s', (param, options) => {
    expect(() => createClient(options)).toThrow(expect.objectContaining({ kind: 'invalid_request', param }));
  });

  it('never show a private key in an error', () => {
    const privateKey = `${BUYER_KEY}zz` as `0x${string}`;
    expect(() => createClient({ privateKey })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('59c6995e') }),
    );
  });

  it('refuse a budget that is no price', () => {
    const options = { privateKey: BUYER_KEY, budget: { total: 'much' } } as const;
    expect(() => createClient(options)).toThrow(expect.objectContaining({ kind: 'invalid_amount' }));
  });

  it('bound what is spent when no budget is given', async () => {
    const seller = await startSeller(askV2([{ ...offer, amount: '1000001' }]), deliverGoods);
    expect(await failure(client().fetch(seller.url))).toMatchObject({
      kind: 'budget_exceeded',
      reason: 'per_request',
    });
  });
});
