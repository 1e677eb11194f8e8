import express from 'express';
import { mpp, x402v1, x402v2 } from '@agentpay/protocol';
import { paywall } from '../index.js';
import { PAY_TO, acceptsIn, fakeFacilitator, listen, send, type Seller } from '../seller.test.support.js';
import { weather as openWeather } from '../weather.test.support.js';

type OptionsOf<T> = T extends (app: never, ...options: infer O) => unknown ? O : never;

let seller: Seller;
afterEach(() => seller?.close());

async function weather(...options: OptionsOf<typeof openWeather>) {
  const opened = await openWeather(express(), ...options);
  ({ seller } = opened);
  return opened;
}

describe('the 402', () => {
  it('says in every dialect and on its page what the seller says, in whatever script', async () => {
    const description = 'Météo ☀ 🌧 天気';
    const wall = paywall({
      logger: false,
      payTo: PAY_TO,
      facilitator: fakeFacilitator(),
      price: { price: '$0.01', description },
    });
    seller = await listen((req, res) => wall(req, res, () => res.end()));
    const { headers, json } = await send(seller, '/weather');
    expect(json()).toMatchObject({ detail: description, accepts: [{ description }] });
    expect(x402v2.decodePaymentRequired(headers['payment-required'] as string).resource.description).toBe(
      description,
    );
    expect(mpp.readChallenges(String(headers['www-authenticate']))).toMatchObject([{ description }]);
    const page = await send(seller, '/weather', { headers: { accept: 'text/html' } });
    expect(page.text).toContain(`<h1 id="title">${description}</h1>`);
  });

  it('can be read as x402 v2, as x402 v1, as MPP and as a problem', async () => {
    await weather();
    const reply = await send(seller, '/weather?city=Rome');
    expect(reply.status).toBe(402);
    expect(reply.headers['cache-control']).toBe('no-store');
    expect(reply.headers['content-type']).toMatch(/^application\/problem\+json/);
    const asset = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
    const extra = { name: 'USDC', version: '2' };
    const offer = {
      scheme: 'exact',
      network: 'eip155:84532',
      asset,
      payTo: PAY_TO,
      maxTimeoutSeconds: 300,
      extra,
    };
    const url = `${seller.url}/weather?city=Rome`;
    const resource = { description: 'One forecast', mimeType: 'application/json' };
    const required = x402v2.decodePaymentRequired(reply.headers['payment-required'] as string);
    expect({ ...required, accepts: acceptsIn(reply) }).toEqual({
      x402Version: 2,
      error: 'Payment required',
      resource: { url, ...resource },
      accepts: [{ ...offer, amount: '10000' }],
    });
    expect(x402v1.parsePaymentRequired(reply.json())).toEqual({
      x402Version: 1,
      error: 'X-PAYMENT header is required',
      accepts: [
        { ...offer, ...resource, network: 'base-sepolia', maxAmountRequired: '10000', resource: url },
      ],
    });
    const [challenge] = mpp.readChallenges(reply.headers['www-authenticate'] as string);
    const charge = { amount: '10000', recipient: PAY_TO, methodDetails: { chainId: 84532 } };
    expect(mpp.readEvmChargeRequest(challenge as mpp.Challenge)).toMatchObject(charge);
    expect(reply.json()).toMatchObject({
      type: 'https://paymentauth.org/problems/payment-required',
      status: 402,
      code: 'payment_required',
      challengeId: challenge?.id,
      request_id: expect.stringMatching(/^req_/),
    });
  });

  it('is unique: a thousand challenges have a thousand ids', async () => {
    await weather();
    const ids = new Set<string>();
    for (let round = 0; round < 20; round++) {
      const replies = await Promise.all(Array.from({ length: 50 }, () => send(seller, '/weather')));
      for (const reply of replies) ids.add(reply.json().challengeId);
    }
    expect(ids.size).toBe(1000);
  });

  it('keeps the challenges, Vary and exposed headers that others have set', async () => {
    const wall = paywall({ logger: false, payTo: PAY_TO, facilitator: fakeFacilitator() });
    seller = await listen((req, res) => {
      res.setHeader('WWW-Authenticate', 'Bearer realm="x"');
      res.setHeader('Vary', 'Origin');
      res.setHeader('Access-Control-Expose-Headers', 'ETag');
      wall.charge('$0.01')(req, res, () => res.end());
    });
    const reply = await send(seller, '/', { headers: { origin: 'https://shop.example' } });
    expect(reply.headers['www-authenticate']).toMatch(/^Bearer realm="x", Payment id="/);
    const proofs = 'PAYMENT-SIGNATURE, X-PAYMENT, Authorization, X-Payment-Token, SIGN-IN-WITH-X';
    expect(reply.headers['vary']).toBe(`Origin, ${proofs}, Accept-Payment`);
    expect(reply.headers['access-control-expose-headers']).toMatch(
      /^ETag, WWW-Authenticate, PAYMENT-REQUIRED, /,
    );
  });

  it('is asked of HEAD; OPTIONS is answered for nothing, and reaches no handler', async () => {
    const { served } = await weather();
    const options = await send(seller, '/weather', { method: 'OPTIONS' });
    expect([options.status, options.headers['allow'], options.text]).toEqual([
      204,
      expect.stringContaining('GET'),
      '',
    ]);
    expect((await send(seller, '/weather', { method: 'HEAD' })).status).toBe(402);
    expect(served.count).toBe(0);
  });

  it('repeats a well-formed request id and no other', async () => {
    await weather();
    expect((await send(seller, '/weather', { headers: { 'x-request-id': 'abc-1' } })).json().request_id).toBe(
      'abc-1',
    );
    expect(
      (await send(seller, '/weather', { headers: { 'x-request-id': 'a b"<' } })).json().request_id,
    ).toMatch(/^req_/);
  });

  it('survives a lying Host header and an endless URL', async () => {
    await weather();
    const lied = await send(seller, '/weather', { headers: { host: 'evil"}<script>' } });
    expect(x402v2.decodePaymentRequired(lied.headers['payment-required'] as string).resource.url).toBe(
      'http://localhost/weather',
    );
    const long = await send(seller, `/weather?${'x'.repeat(9000)}`);
    expect(x402v2.decodePaymentRequired(long.headers['payment-required'] as string).resource.url).toBe(
      `${seller.url}/weather`,
    );
  });
});
