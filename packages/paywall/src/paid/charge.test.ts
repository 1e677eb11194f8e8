import { PURCHASE, x402v2, type Facilitator, type FacilitatorRequest } from '@agentpay/protocol';
import {
  closeSellers,
  faulty,
  lost,
  NONCE_USED,
  OFFER_HEADERS,
  open,
  pending,
  refusing,
  unreachable,
} from './charge.test.support.js';
import {
  DIALECTS,
  HASH,
  PAY_TO,
  fakeFacilitator,
  pay,
  receiptOf,
  send,
  shiftedClock,
  type Dialect,
  type FakeFacilitator,
} from '../seller.test.support.js';

afterEach(closeSellers);

describe.each<Dialect>(DIALECTS)('settlement of %s', (dialect) => {
  it.each([
    ['whose answer was lost', lost],
    ['that is pending', pending],
    ['that never reached the facilitator', unreachable],
  ])('%s is asked for again and delivers', async (_, fault) => {
    const facilitator = faulty([fault]);
    const { seller, served } = await open(facilitator);
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), dialect) });
    expect([reply.status, reply.text, receiptOf(reply, dialect)]).toEqual([200, 'answer 1', HASH]);
    expect([served.count, facilitator.moved.length, facilitator.calls.settle]).toEqual([1, 1, 2]);
  });

  it('that stays unknown is a 503 without a challenge; the same proof gets the held response later', async () => {
    const facilitator = faulty([lost, lost, lost, lost]);
    const { seller, served } = await open(facilitator);
    const headers = pay(await send(seller, '/'), dialect);
    const open503 = await send(seller, '/', { headers });
    expect([open503.status, open503.json().code]).toEqual([503, 'settlement_unknown']);
    expect(Number(open503.headers['retry-after'])).toBeGreaterThan(0);
    expect([open503.headers['www-authenticate'], open503.headers['payment-required']]).toEqual([
      undefined,
      undefined,
    ]);
    const later = await send(seller, '/', { headers });
    expect([later.status, later.text, receiptOf(later, dialect)]).toEqual([200, 'answer 1', HASH]);
    expect([served.count, facilitator.moved.length]).toEqual([1, 1]);
  });

  it('that is refused charges nothing, shows nothing and says why', async () => {
    const facilitator = faulty([refusing('invalid_exact_evm_insufficient_balance')]);
    const { seller } = await open(facilitator);
    const headers = pay(await send(seller, '/'), dialect);
    const reply = await send(seller, '/', { headers });
    expect([reply.status, reply.json().code]).toEqual([402, 'invalid_exact_evm_insufficient_balance']);
    expect(reply.text).not.toContain('answer 1');
    expect(reply.headers['payment-receipt']).toBeUndefined();
    if (dialect === 'x402v2')
      expect(x402v2.decodeSettleResponse(reply.headers['payment-response'] as string).success).toBe(false);
    expect((await send(seller, '/', { headers })).status).toBe(200);
  });

  it('whose nonce turns out used is a 409 when nothing was sent before, and a delivery after a lost attempt', async () => {
    const used = refusing('invalid_exact_evm_nonce_already_used');
    const stranger = await open(faulty([used]));
    const refused = await send(stranger.seller, '/', {
      headers: pay(await send(stranger.seller, '/'), dialect),
    });
    expect([refused.status, refused.json().code]).toEqual([409, 'invalid_exact_evm_nonce_already_used']);
    const own = await open(faulty([lost, used]));
    const reply = await send(own.seller, '/', { headers: pay(await send(own.seller, '/'), dialect) });
    expect([reply.status, reply.text]).toEqual([200, 'answer 1']);
  });

  it.each([
    ['that nobody proves is no sale: 503 for as long as that is so', {}, 503, 'settlement_unknown'],
    ['that the chain proves to be something else is refused', { nonceUse: 'other' }, 402, NONCE_USED],
    [
      'that is this payment, though granted to nobody, is no sale',
      { nonceUse: 'payment', transaction: HASH },
      503,
      'settlement_unknown',
    ],
  ] as const)('after a lost attempt, a use of the nonce %s', async (_, proof, status, code) => {
    const used = refusing(NONCE_USED, proof);
    const { seller } = await open(faulty([lost, used, used, used, used]));
    const headers = pay(await send(seller, '/'), dialect);
    const reply = await send(seller, '/', { headers });
    expect([reply.status, reply.json().code]).toEqual([status, code]);
    expect(reply.text).not.toContain('answer 1');
    expect(dialect in OFFER_HEADERS && OFFER_HEADERS[dialect] in reply.headers).toBe(status === 402);
  });

  it('that was granted to another claim is a 409, though the facilitator says yes', async () => {
    const granted = () => async (asked: FacilitatorRequest) => ({
      success: true,
      repeat: true,
      transaction: HASH,
      network: asked.paymentRequirements.network,
    });
    const { seller } = await open(faulty([granted]));
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), dialect) });
    expect([reply.status, reply.text.includes('answer 1')]).toEqual([409, false]);
  });

  it('names what is bought, for each claim another one, and the same until the claim is settled', async () => {
    const asked: FacilitatorRequest[] = [];
    const noting =
      (fault: (honest: FakeFacilitator) => Facilitator['settle']) =>
      (own: FakeFacilitator) =>
      async (request: FacilitatorRequest) => {
        asked.push(request);
        return fault(own)(request);
      };
    const honest = fakeFacilitator();
    const { seller } = await open(
      faulty([noting(lost), noting(() => honest.settle), noting(() => honest.settle)]),
    );
    for (let purchase = 0; purchase < 2; purchase++)
      await send(seller, '/', { headers: pay(await send(seller, '/'), dialect) });
    const named = asked.map(({ x402Version, paymentPayload, paymentRequirements }) => {
      return x402Version === 1
        ? { purchase: paymentRequirements.extra?.[PURCHASE], url: paymentRequirements.resource }
        : { purchase: paymentPayload.extensions?.[PURCHASE], url: paymentPayload.resource?.url };
    });
    const [first, again, next] = named as { purchase: Record<string, string>; url: string }[];
    expect(again).toEqual(first);
    expect(first).toMatchObject({
      purchase: { claim: expect.stringMatching(/^.{24}$/) },
      url: `${seller.url}/`,
    });
    expect(next?.purchase['claim']).not.toBe(first?.purchase['claim']);
    expect(first?.purchase['challengeId'] !== undefined).toBe(dialect === 'mpp');
  });

  it('is never taken for refused once it may have been sent', async () => {
    const expired = refusing('invalid_exact_evm_payload_authorization_valid_before');
    const { seller } = await open(faulty([lost, expired, expired, expired]));
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), dialect) });
    expect([reply.status, reply.json().code]).toEqual([503, 'settlement_unknown']);
  });
});

describe('a kept response', () => {
  it('lasts until the proof expires, and never makes the handler run again', async () => {
    const clock = shiftedClock();
    const { seller, served } = await open(fakeFacilitator(), { clock });
    const headers = pay(await send(seller, '/'), 'x402v2');
    await send(seller, '/', { headers });
    clock.offset += 240_000;
    expect((await send(seller, '/', { headers })).text).toBe('answer 1');
    clock.offset += 160_000;
    expect((await send(seller, '/', { headers })).status).toBe(402);
    expect(served.count).toBe(1);
  });

  it('too long to be kept is a 409 without a challenge', async () => {
    const { seller, served } = await open(fakeFacilitator(), { maxStoredBytes: 3 });
    const headers = pay(await send(seller, '/'), 'x402v2');
    expect((await send(seller, '/', { headers })).text).toBe('answer 1');
    const again = await send(seller, '/', { headers });
    expect([again.status, again.json().code, served.count]).toEqual([409, 'payment_already_used', 1]);
  });
});

describe('faults in the seller', () => {
  it('a hook that throws harms nobody', async () => {
    const onError = () => {
      throw new Error('hook');
    };
    const facilitator = fakeFacilitator({ verify: () => Promise.reject(new Error('odd')) });
    const { seller } = await open(facilitator, { onError });
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), 'x402v2') });
    expect([reply.status, reply.json().code]).toEqual([503, 'facilitator_unavailable']);
  });

  it('a facilitator that answers for another payer is not believed', async () => {
    const { seller, served } = await open(
      fakeFacilitator({ verify: async () => ({ isValid: true, payer: PAY_TO }) }),
    );
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), 'x402v2') });
    expect([reply.status, served.count]).toEqual([503, 0]);
  });

  it('prose in place of a reason becomes a code', async () => {
    const { seller } = await open(
      fakeFacilitator({ verify: async () => ({ isValid: false, invalidReason: 'fetch failed <b>' }) }),
    );
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), 'x402v2') });
    expect([reply.status, reply.json().code]).toEqual([402, 'unexpected_verify_error']);
  });
});
