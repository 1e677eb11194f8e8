import type { Facilitator, FacilitatorRequest, SettlementStatus } from '@agentpay/protocol';
import type { PaymentEvent } from '../index.js';
import { away, closeSellers, lost, open, unknown, type Options } from './charge.test.support.js';
import {
  HASH,
  PAYER,
  PAY_TO,
  fakeFacilitator,
  nonceOf,
  pay,
  receiptOf,
  send,
  type FakeFacilitator,
} from '../seller.test.support.js';

afterEach(closeSellers);

type Told = SettlementStatus['state'] | 'not known' | 'away';

interface FollowedFacilitator extends FakeFacilitator {
  readonly asked: string[];
  /** Lets these settlements arrive and lose their response; at first the four attempts of one purchase. */
  lose(which: (request: FacilitatorRequest) => boolean): void;
}

/** A facilitator that can lose responses and tells what became of payments, in these words one after the other, the last for good. */
function followed(...told: readonly Told[]): FollowedFacilitator {
  const honest = fakeFacilitator();
  const asked: string[] = [];
  let attempts = 0;
  let isLost: (request: FacilitatorRequest) => boolean = () => attempts <= 4;
  const settle: Facilitator['settle'] = (request) => {
    attempts++;
    return isLost(request) ? lost(honest)(request) : honest.settle(request);
  };
  async function settlement(request: FacilitatorRequest): Promise<SettlementStatus | undefined> {
    const state = told[Math.min(asked.push(nonceOf(request)), told.length) - 1];
    if (state === 'away') throw away();
    if (state === 'not known' || state === undefined) return undefined;
    const { network } = request.paymentRequirements;
    const open = { transaction: null, explorer: null, reason: null, updated_at: '2026-11-20T12:00:00Z' };
    return { state, network, payer: PAYER, pay_to: PAY_TO, amount: '10000', ...open };
  }
  const facilitator = fakeFacilitator({ verify: honest.verify, settle });
  return { ...facilitator, settlement, moved: honest.moved, asked, lose: (which) => void (isLost = which) };
}

/** Buys once, without learning what became of the payment. */
async function unresolved(facilitator: FollowedFacilitator, options: Options = {}) {
  const settled: (PaymentEvent & { payer: string })[] = [];
  const errors: unknown[] = [];
  const opened = await open(facilitator, {
    onSettled: (event) => void settled.push(event),
    onError: (report: unknown) => void errors.push(report),
    ...options,
  });
  const headers = pay(await send(opened.seller, '/'), 'x402v2');
  const reply = await send(opened.seller, '/', { headers });
  return { ...opened, settled, errors, headers, reply };
}

async function until(met: () => boolean): Promise<void> {
  while (!met()) await new Promise((resolve) => setTimeout(resolve, 5));
}
/** Longer than the next question takes to come on the clock of these tests. */
const aWhile = () => new Promise((resolve) => setTimeout(resolve, 700));

describe('a payment of which it is not known whether it was made', () => {
  it.each([
    ['at once', ['settled'], 1],
    ['when it is settled later', ['pending', 'settled'], 2],
    ['when the facilitator is back', ['away', 'settled'], 2],
  ] as const)('is found out though the buyer never comes back: %s', async (_, told, questions) => {
    const facilitator = followed(...told);
    const { reply, settled } = await unresolved(facilitator);
    expect([reply.status, reply.json().code]).toEqual([503, 'settlement_unknown']);
    expect(settled).toEqual([]);
    await until(() => settled.length > 0);
    expect(settled).toMatchObject([{ amount: '0.01' }]);
    expect([facilitator.asked.length, facilitator.moved.length]).toEqual([questions, 1]);
  });

  it('delivers afterwards what was held, once told of and once settled', async () => {
    const facilitator = followed('settled');
    const { seller, headers, settled, served } = await unresolved(facilitator);
    await until(() => settled.length > 0);
    const attempts = facilitator.calls.settle;
    const later = await send(seller, '/', { headers });
    expect([later.status, later.text, receiptOf(later, 'x402v2')]).toEqual([200, 'answer 1', HASH]);
    expect([settled.length, served.count, facilitator.calls.settle]).toEqual([1, 1, attempts]);
    expect((await send(seller, '/', { headers })).text).toBe('answer 1');
  });

  it("with settle: 'before' runs the handler when the buyer comes back, and takes no more money", async () => {
    const facilitator = followed('settled');
    const { seller, headers, settled, served } = await unresolved(facilitator, { settle: 'before' });
    await until(() => settled.length > 0);
    expect(served.count).toBe(0);
    const later = await send(seller, '/', { headers });
    expect([later.status, later.text, settled.length]).toEqual([200, 'answer 1', 1]);
    expect([served.count, facilitator.moved.length]).toEqual([1, 1]);
  });

  it('is told of once when the buyer is faster', async () => {
    const facilitator = followed('pending', 'settled');
    const { seller, headers, settled, errors } = await unresolved(facilitator);
    await until(() => facilitator.asked.length > 0);
    expect((await send(seller, '/', { headers })).status).toBe(200);
    await until(() => facilitator.asked.length > 1);
    await aWhile();
    expect(settled).toHaveLength(1);
    expect(JSON.stringify(errors)).not.toContain('not found out');
  });

  it.each(['not known', 'failed'] as const)(
    'moves nothing when it is %s, and is not asked for again',
    async (told) => {
      const facilitator = followed(told);
      const { settled } = await unresolved(facilitator);
      const attempts = facilitator.calls.settle;
      await until(() => facilitator.asked.length > 0);
      await aWhile();
      expect([facilitator.asked.length, facilitator.calls.settle, settled]).toEqual([1, attempts, []]);
    },
  );

  it('is not told of when the facilitator settled it for another claim', async () => {
    const facilitator = followed('settled');
    const elsewhere: Facilitator = {
      ...facilitator,
      async settle(request) {
        if (facilitator.calls.settle < 4) return facilitator.settle(request);
        facilitator.calls.settle++;
        const errorReason = 'invalid_exact_evm_nonce_already_used';
        const { network } = request.paymentRequirements;
        return { success: false, errorReason, transaction: HASH, network, nonceUse: 'payment' };
      },
    };
    const { settled } = await unresolved({ ...facilitator, settle: elsewhere.settle });
    await until(() => facilitator.calls.settle > 4);
    await aWhile();
    expect(settled).toEqual([]);
  });

  it('is followed once, however often the buyer asks', async () => {
    const facilitator = followed('pending');
    facilitator.lose(() => true);
    const { seller, headers } = await unresolved(facilitator);
    for (let again = 0; again < 3; again++) expect((await send(seller, '/', { headers })).status).toBe(503);
    await until(() => facilitator.asked.length > 0);
    const asked = facilitator.asked.length;
    await aWhile();
    expect(facilitator.asked.length - asked).toBeLessThanOrEqual(2);
  });

  it('is asked of nobody where the facilitator does not tell', async () => {
    const honest = fakeFacilitator();
    const { settled, reply } = await unresolved(
      Object.assign(
        followed(),
        { settlement: undefined, settle: () => Promise.reject(unknown()) },
        {
          verify: honest.verify,
        },
      ) as never,
    );
    await aWhile();
    expect([reply.status, settled]).toEqual([503, []]);
  });
});

describe("settle: 'optimistic'", () => {
  it('the debt of a payment that was made after all is paid', async () => {
    const facilitator = followed('pending', 'pending', 'settled');
    const { seller, reply, settled } = await unresolved(facilitator, {
      settle: 'optimistic' as never,
      maxUnsettled: 1,
    });
    expect([reply.status, reply.text]).toEqual([200, 'answer 1']);
    await until(() => facilitator.asked.length > 0);
    const [first] = facilitator.moved;
    facilitator.lose((request) => nonceOf(request) !== first);
    const buy = async () => send(seller, '/', { headers: pay(await send(seller, '/'), 'x402v2') });
    // With a debt the payer is charged first, which does not work now.
    expect((await buy()).status).toBe(503);
    await until(() => settled.length > 0);
    expect((await buy()).status).toBe(200);
  });
});
