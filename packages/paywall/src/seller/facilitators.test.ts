import { AgentPayError, manualClock } from '@agentpay/primitives';
import type { Facilitator, FacilitatorRequest } from '@agentpay/protocol';
import { failover, withBreaker } from './facilitators.js';
import { paywall } from '../index.js';
import { HASH, NETWORK, PAYER, PAY_TO, fakeFacilitator, listen, pay, send } from '../seller.test.support.js';

const request = {
  paymentPayload: { payload: { authorization: { nonce: '0x1' } } },
  paymentRequirements: { network: NETWORK.id },
} as unknown as FacilitatorRequest;
const down = () => Promise.reject(new AgentPayError('facilitator_unavailable', 'down'));
const lost = () => Promise.reject(new AgentPayError('settlement_unknown', 'lost'));
const success = { success: true, transaction: HASH, network: NETWORK.id, payer: PAYER };

describe('several facilitators', () => {
  it('verify by the first that answers', async () => {
    const [first, second] = [fakeFacilitator({ verify: down }), fakeFacilitator()];
    expect((await failover([first, second]).verify(request)).isValid).toBe(true);
    expect([first.calls.verify, second.calls.verify]).toEqual([1, 1]);
  });

  it('take a refusal for a response', async () => {
    const second = fakeFacilitator();
    const refusing = fakeFacilitator({ verify: async () => ({ isValid: false, invalidReason: 'no' }) });
    expect((await failover([refusing, second]).verify(request)).isValid).toBe(false);
    expect(second.calls.verify).toBe(0);
  });

  it('settle by the next one when the one before certainly did not take the request', async () => {
    const second = fakeFacilitator();
    expect(await failover([fakeFacilitator({ settle: down }), second]).settle(request)).toEqual(success);
    expect(second.moved).toHaveLength(1);
  });

  it('never settle by another once one may have sent the payment, not even when that one is down by then', async () => {
    const responses = [lost, down, down, async () => success];
    const first = fakeFacilitator({ settle: () => (responses.shift() as Facilitator['settle'])(request) });
    const second = fakeFacilitator();
    const both = failover([first, second]);
    await expect(both.settle(request)).rejects.toMatchObject({ kind: 'settlement_unknown' });
    await expect(both.settle(request)).rejects.toMatchObject({ kind: 'facilitator_unavailable' });
    await expect(both.settle(request)).rejects.toMatchObject({ kind: 'facilitator_unavailable' });
    expect(await both.settle(request)).toEqual(success);
    expect(second.calls.settle).toBe(0);
  });

  it('serve a buyer while the first is down', async () => {
    const second = fakeFacilitator();
    const facilitator = [fakeFacilitator({ verify: down, settle: down }), second];
    const charge = paywall({ logger: false, payTo: PAY_TO, facilitator }).charge('$0.01');
    const seller = await listen((req, res) => charge(req, res, () => res.end('sold')));
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), 'x402v2') });
    await seller.close();
    expect([reply.text, second.moved.length]).toEqual(['sold', 1]);
  });
});

describe('the circuit breaker', () => {
  const open = async () => {
    const clock = manualClock(0);
    const told: string[] = [];
    let isDown = true;
    const facilitator = fakeFacilitator({
      verify: () => (isDown ? down() : Promise.resolve({ isValid: true })),
    });
    const guarded = withBreaker(facilitator, 'it', { clock, report: ({ what }) => told.push(what) });
    for (let i = 0; i < 5; i++) await expect(guarded.verify(request)).rejects.toThrow('down');
    return { clock, told, facilitator, guarded, recover: () => (isDown = false) };
  };

  it('stops asking after five failures in a row and tells the operator once', async () => {
    const { facilitator, guarded, told } = await open();
    const refused = { kind: 'facilitator_unavailable', retryAfter: 5 };
    for (let i = 0; i < 3; i++) await expect(guarded.verify(request)).rejects.toMatchObject(refused);
    await expect(guarded.settle(request)).rejects.toMatchObject({ kind: 'facilitator_unavailable' });
    expect([facilitator.calls.verify, facilitator.calls.settle, told.length]).toEqual([5, 0, 1]);
  });

  it('tries one call after the pause, and another after the next', async () => {
    const { clock, facilitator, guarded } = await open();
    for (const expected of [6, 7]) {
      clock.advance(5_000);
      await Promise.allSettled([guarded.verify(request), guarded.verify(request)]);
      expect(facilitator.calls.verify).toBe(expected);
    }
  });

  it('closes when the facilitator is back', async () => {
    const { clock, guarded, recover } = await open();
    recover();
    clock.advance(5_000);
    for (let i = 0; i < 3; i++) expect((await guarded.verify(request)).isValid).toBe(true);
  });
});
