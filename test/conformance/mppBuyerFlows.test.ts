/** The flows of the conformance suite of the Payment scheme, by their names there: a buyer's by the SDK. */
import { mpp } from '@agentpay/protocol';
import { createClient, paymentOf } from '@agentpay/sdk';
import { closeSellers, PAY_TO, BUYER_KEY, SECRET, listen, sell, chainId, usdc } from './mppFlows.js';

afterEach(closeSellers);

describe('flows of a buyer', () => {
  const buyer = () => createClient({ privateKey: BUYER_KEY, prefer: ['mpp'], maxAttempts: 1 });
  const request = mpp.evmChargeRequest({
    amount: 10_000n,
    currency: usdc.address,
    recipient: PAY_TO,
    chainId,
    decimals: 6,
  });
  const challenge = () => {
    const expires = new Date(Date.now() + 60_000).toISOString();
    return mpp.serializeChallenge(
      mpp.createChallenge({ realm: 'shop', method: 'evm', intent: 'charge', request, expires }, SECRET),
    );
  };

  /** A seller by hand, who notes the credentials that came. */
  async function byHand(offer: string | undefined, location?: string) {
    const credentials: string[] = [];
    const url = await listen((req, res) => {
      const { authorization } = req.headers;
      if (authorization) credentials.push(authorization);
      if (location) res.writeHead(302, { location }).end();
      else if (authorization) res.end('sold');
      else res.writeHead(402, offer === undefined ? {} : { 'www-authenticate': offer }).end();
    });
    return { url, credentials };
  }

  it('no_receipt_header', async () => {
    const { url, credentials } = await byHand(challenge());
    const response = await buyer().fetch(url);
    expect([response.status, await response.text(), credentials.length]).toEqual([200, 'sold', 1]);
    expect(paymentOf(response)?.transaction).toBeUndefined();
  });

  it.each(['Payment id="x"', 'Payment realm="shop, method=', 'Payments of all kinds'])(
    'invalid_www_authenticate: %s',
    async (offer) => {
      const { url, credentials } = await byHand(offer);
      expect([(await buyer().fetch(url)).status, credentials]).toEqual([402, []]);
    },
  );

  it('same_origin_payment_request', async () => {
    const { url } = await sell();
    const response = await buyer().fetch(`${url}/same-origin`);
    expect([response.status, paymentOf(response)?.dialect]).toEqual([200, 'mpp']);
    expect(response.headers.get('payment-receipt')).not.toBeNull();
  });

  it('plain_payment_request', async () => {
    const { url, served } = await sell();
    const response = await fetch(url);
    expect([response.status, served]).toEqual([402, []]);
  });

  it.each(['cross_origin_redirect_before_402_rejected', 'cross_origin_redirect_before_402_target'])(
    '%s',
    async () => {
      const target = await byHand(challenge());
      const { url, credentials } = await byHand(undefined, target.url);
      await expect(buyer().fetch(url)).rejects.toMatchObject({ reason: 'redirected_elsewhere' });
      expect([credentials, target.credentials]).toEqual([[], []]);
    },
  );
});
