import type { RequestView } from '@agentpay/paywall';
import { mpp, x402v1, x402v2 } from '@agentpay/protocol';
import express from 'express';
import { closeServers, serve } from './paywallSeller.js';
import { answer, DEAR, mppProofOf, proofOf, v1ProofOf, wallOf } from './pricedSale.js';

afterEach(closeServers);

describe('F8 a price for one buyer is no price for another', () => {
  const price = ({ headers }: RequestView) => (headers['x-api-key'] === 'vip' ? '$0.001' : '$5');

  it.each<[string, Record<string, string>, Record<string, string>]>([
    ['an API key', { 'x-api-key': 'vip' }, {}],
    ['another API key', { 'x-api-key': 'vip' }, { 'x-api-key': 'mine' }],
  ])('%s: a stranger pays his own price, whichever offer he brings', async (_, vip, stranger) => {
    const url = await serve(
      express()
        .use(wallOf({ routes: { 'GET /x': price } }))
        .get(
          '/x',
          answer(() => 'sold'),
        ),
    );
    const cheap = await fetch(`${url}/x`, { headers: vip });
    const body = (await cheap.json()) as { accepts: x402v1.PaymentRequirements[] };
    const { accepts } = x402v2.decodePaymentRequired(cheap.headers.get('payment-required') as string);
    const challenge = mpp.readChallenges(cheap.headers.get('www-authenticate') as string)[0] as mpp.Challenge;
    const v2 = () => ({ [x402v2.PAYMENT_SIGNATURE]: proofOf(accepts[0] as x402v2.PaymentRequirements) });
    const v1 = () => ({ [x402v1.X_PAYMENT]: v1ProofOf(body.accepts[0] as x402v1.PaymentRequirements) });
    const authorization = () => ({ authorization: mppProofOf(challenge) });
    for (const proof of [v2, v1, authorization]) {
      const refused = await fetch(`${url}/x`, { headers: { ...stranger, ...proof() } });
      expect(refused.status).toBe(402);
      const again = x402v2.decodePaymentRequired(refused.headers.get('payment-required') as string);
      expect(again.accepts[0]?.amount).toBe(DEAR);
      expect((await fetch(`${url}/x`, { headers: { ...vip, ...proof() } })).status).toBe(200);
    }
  });

  it.each(['authorization', 'cookie', 'x-api-key', 'api-key'])(
    'a price that has changed meanwhile counts for the holder of the %s alone',
    async (name) => {
      let current = '$0.01';
      const url = await serve(
        express()
          .use(wallOf({ routes: { 'GET /x': () => current } }))
          .get(
            '/x',
            answer(() => 'sold'),
          ),
      );
      const buyWith = async (own: string, headers: string) => {
        current = '$0.01';
        const offer = await fetch(`${url}/x`, { headers: { [name]: own } });
        const body = (await offer.json()) as { accepts: x402v1.PaymentRequirements[] };
        current = '$5';
        const proof = { [x402v1.X_PAYMENT]: v1ProofOf(body.accepts[0] as x402v1.PaymentRequirements) };
        return (await fetch(`${url}/x`, { headers: { [name]: headers, ...proof } })).status;
      };
      expect([await buyWith('Bearer a', 'Bearer a'), await buyWith('Bearer b', 'Bearer c')]).toEqual([
        200, 402,
      ]);
    },
  );

  it('vary names the headers that a price goes by, and no others', async () => {
    let current = '$0.01';
    const priced = { price: () => current, vary: ['X-Tier'] };
    const url = await serve(
      express()
        .use(wallOf({ routes: { 'GET /x': priced } }))
        .get(
          '/x',
          answer(() => 'sold'),
        ),
    );
    const buyWith = async (first: Record<string, string>, then: Record<string, string>) => {
      current = '$0.01';
      const offer = await fetch(`${url}/x`, { headers: first });
      current = '$5';
      const { accepts } = x402v2.decodePaymentRequired(offer.headers.get('payment-required') as string);
      const proof = { [x402v2.PAYMENT_SIGNATURE]: proofOf(accepts[0] as x402v2.PaymentRequirements) };
      return (await fetch(`${url}/x`, { headers: { ...then, ...proof } })).status;
    };
    expect(await buyWith({ 'x-tier': 'gold', cookie: 'a=1' }, { 'x-tier': 'gold', cookie: 'a=2' })).toBe(200);
    expect(await buyWith({ 'x-tier': 'gold' }, { 'x-tier': 'tin' })).toBe(402);
    expect(() => wallOf({ routes: { '/x': { price: '$1', vary: ['a'] } } })).toThrow(/vary belongs to/);
  });
});
