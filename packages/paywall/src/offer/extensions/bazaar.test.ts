import express from 'express';
import { x402v2, type FacilitatorRequest } from '@agentpay/protocol';
import { z } from 'zod';
import { paywall, type PricedRoute } from '../../index.js';
import {
  HASH,
  PAY_TO,
  PAYER,
  fakeFacilitator,
  listen,
  pay,
  send,
  type Reply,
  type Seller,
} from '../../seller.test.support.js';

const BASE_URL = 'https://api.example.com';

let seller: Seller;
afterEach(() => seller?.close());

const schemas = {
  query: z.object({ city: z.string() }),
  body: z.object({ cities: z.array(z.string()) }),
  response: z.object({ sky: z.string() }),
};

async function open(route: Partial<PricedRoute> = {}) {
  const settled: FacilitatorRequest[] = [];
  const facilitator = fakeFacilitator({
    async settle(request) {
      settled.push(request);
      return { success: true, transaction: HASH, network: 'eip155:84532', payer: PAYER };
    },
  });
  const wall = paywall({ logger: false, payTo: PAY_TO, facilitator, baseUrl: BASE_URL });
  const app = express();
  const charge = wall.charge({ price: '$0.01', extensions: { bazaar: true }, schemas, ...route });
  app.all('/items/:id', charge, (_req, res) => void res.json({ sky: 'blue' }));
  app.all('/weather', charge, (_req, res) => void res.json({ sky: 'blue' }));
  seller = await listen(app);
  return settled;
}

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into arbitrary JSON
function listing(offer: Reply): any {
  return x402v2.decodePaymentRequired(offer.headers['payment-required'] as string).extensions?.['bazaar'];
}

describe('a listing in the bazaar', () => {
  it('says method and query, by the schemas of the route', async () => {
    await open({ extensions: { bazaar: { query: { city: 'Bern' }, response: { sky: 'blue' } } } });
    const { info, schema, routeTemplate } = listing(await send(seller, '/weather'));
    expect(info).toEqual({
      input: { type: 'http', method: 'GET', queryParams: { city: 'Bern' } },
      output: { type: 'json', example: { sky: 'blue' } },
    });
    expect(schema.properties.input.properties.queryParams).toMatchObject({
      type: 'object',
      required: ['city'],
    });
    expect(schema.properties.output.properties.example).toMatchObject({
      properties: { sky: { type: 'string' } },
    });
    expect(routeTemplate).toBeUndefined();
  });

  it('says the body of methods that have one, and HEAD is GET', async () => {
    await open({ extensions: { bazaar: { body: { cities: ['Bern'] } } } });
    const posted = listing(await send(seller, '/weather', { method: 'POST' }));
    expect(posted.info.input).toEqual({
      type: 'http',
      method: 'POST',
      bodyType: 'json',
      body: { cities: ['Bern'] },
    });
    expect(posted.schema.properties.input.properties.body).toMatchObject({ required: ['cities'] });
    expect(listing(await send(seller, '/weather', { method: 'HEAD' })).info.input).toEqual({
      type: 'http',
      method: 'GET',
    });
  });

  it('names the route where it has parameters', async () => {
    await open();
    expect(listing(await send(seller, '/items/7')).routeTemplate).toBe('/items/:id');
  });

  it('goes to the facilitator with the payment in the words of the seller, without what the buyer asked', async () => {
    const settled = await open({ description: 'Weather', mimeType: 'application/json' });
    const offer = await send(seller, '/weather?city=Bern');
    const paid = x402v2.decodePaymentPayload(pay(offer, 'x402v2')['payment-signature'] as string);
    const forged = { bazaar: { info: 'forged' } };
    const header = x402v2.encodePaymentPayload({
      ...paid,
      resource: { url: 'https://evil.example' },
      extensions: forged,
    });
    expect(
      (await send(seller, '/weather?city=Bern', { headers: { 'payment-signature': header } })).status,
    ).toBe(200);
    const resource = { url: `${BASE_URL}/weather`, description: 'Weather', mimeType: 'application/json' };
    expect(settled[0]?.paymentPayload).toMatchObject({ resource, extensions: { bazaar: listing(offer) } });
  });

  it('is not made for routes that do not ask for it', async () => {
    const settled = await open({ extensions: {} });
    const offer = await send(seller, '/weather');
    expect(listing(offer)).toBeUndefined();
    await send(seller, '/weather', { headers: pay(offer, 'x402v2') });
    const paid = settled[0]?.paymentPayload as x402v2.PaymentPayload | undefined;
    expect(Object.keys(paid?.extensions ?? {})).toEqual(['purchase']);
    expect(paid?.resource).toEqual({ url: 'https://api.example.com/weather' });
  });

  it("needs baseUrl, since the Host header is the caller's", () => {
    const wall = paywall({ logger: false, payTo: PAY_TO, facilitator: fakeFacilitator() });
    expect(() => wall.charge({ price: '$1', extensions: { bazaar: true } })).toThrow(/baseUrl/);
  });

  it('takes examples that JSON can say', () => {
    const wall = paywall({ logger: false, payTo: PAY_TO, facilitator: fakeFacilitator(), baseUrl: BASE_URL });
    expect(() => wall.charge({ price: '$1', extensions: { bazaar: { response: 1n } } })).toThrow(
      /bazaar must be true, or examples/,
    );
  });
});
