import { mpp, x402v2 } from '@agentpay/protocol';
import { paywall } from '../index.js';
import {
  PAY_TO,
  fakeFacilitator,
  listen,
  send,
  shiftedClock,
  type Reply,
  type Seller,
} from '../seller.test.support.js';

describe('what a 402 says', () => {
  let seller: Seller;
  const clock = shiftedClock();
  beforeAll(async () => {
    const pay = paywall({
      logger: false,
      payTo: PAY_TO,
      facilitator: fakeFacilitator(),
      price: '$0.01',
      maxTimeoutSeconds: 60,
      clock,
    });
    seller = await listen((req, res) => pay(req, res, () => res.end('sold')));
  });
  afterAll(() => seller.close());

  const challengeOf = ({ headers }: Reply) =>
    mpp.readChallenges(String(headers['www-authenticate']))[0] as mpp.Challenge;
  const urlOf = ({ headers }: Reply) =>
    x402v2.decodePaymentRequired(String(headers['payment-required'])).resource.url;

  it('is for its own method and URL, however many there are', async () => {
    const scopes = new Set<string>();
    for (let i = 0; i < 450; i++) {
      const [method, target] = [i % 2 ? 'GET' : 'DELETE', `/${i % 225}?a=|b`];
      const reply = await send(seller, target, { method });
      expect(urlOf(reply).endsWith(target)).toBe(true);
      scopes.add(mpp.readOpaque(challengeOf(reply))['s'] as string);
    }
    expect(scopes.size).toBe(450);
  });

  it('has ids of its own, and expires in time, from one second to the next', async () => {
    const replies: Reply[] = [];
    for (let i = 0; i < 40; i++) {
      clock.offset += 77;
      const before = clock.now();
      const reply = await send(seller, '/');
      replies.push(reply);
      const expires = mpp.expiresAtMs(challengeOf(reply));
      expect(expires).toBeGreaterThan(before + 59_000);
      expect(expires).toBeLessThanOrEqual(clock.now() + 60_000);
    }
    const nonces = replies.map((reply) => mpp.readOpaque(challengeOf(reply))['n']);
    expect(nonces.every((nonce) => /^[\w-]{24}$/.test(nonce ?? ''))).toBe(true);
    for (const ids of [
      nonces,
      replies.map((reply) => challengeOf(reply).id),
      replies.map(({ headers }) => headers['x-request-id']),
    ]) {
      expect(new Set(ids).size).toBe(40);
    }
    for (const reply of replies) {
      const { challengeId, request_id: requestId } = reply.json();
      expect([challengeId, requestId]).toEqual([challengeOf(reply).id, reply.headers['x-request-id']]);
    }
  });

  it('names the request as its caller does', async () => {
    const reply = await send(seller, '/', { headers: { 'x-request-id': 'mine-1' } });
    expect([reply.headers['x-request-id'], reply.json().request_id]).toEqual(['mine-1', 'mine-1']);
  });

  it('is nothing of MPP to a client that would not pay by it', async () => {
    const reply = await send(seller, '/', { headers: { 'accept-payment': 'evm/charge;q=0' } });
    expect([reply.headers['www-authenticate'], reply.json().challengeId]).toEqual([undefined, undefined]);
  });
});
