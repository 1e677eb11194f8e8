import { events, identity, ledger, payments, tokens } from '@agentpay/core';
import type { Core } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import type { Db, ManualClock, Tracker } from '@agentpay/primitives';
import { memoryTracker } from '@agentpay/tracker';
import { ADMIN_KEY, FEE, market, money, PRICE, signedIn, SLA_SECONDS, START_MS, testCore } from './market.js';
import { FUNDS, refused, tokenBed, TTL_MS, unspent } from './tokenBed.js';
import type { TokenBed } from './tokenBed.js';

let db: Db;
let core: Core;
let clock: ManualClock;
let place: TokenBed['place'];

const { authorize, tokenIn, trust } = tokenBed((bed) => ({ db, core, clock, place } = bed));

describe('authorize', () => {
  it('reserves the price and fixes the terms', async () => {
    const { signed, token } = await authorize({ maxAmount: PRICE });
    expect(token).toMatchObject({
      state: 'reserved',
      amount: PRICE,
      slaSeconds: SLA_SECONDS,
      expiresAt: new Date(START_MS + TTL_MS),
    });
    expect(core.ports.tokenCodec.verify(signed)).toMatchObject({
      tokenId: token.id,
      serviceId: place.service.id,
      amount: PRICE,
    });
    expect(await money(core, place.buyer)).toEqual({ available: FUNDS - PRICE, held: PRICE });
  });

  it.each([
    ['a price above the limit', { maxAmount: PRICE - 1n }, 'price_above_limit'],
    ['an unknown service', { serviceId: 'svc_none' }, 'service_not_found'],
    ['an unknown wallet', { walletId: 'wallet_none' }, 'wallet_not_found'],
  ])('refuses %s and reserves nothing', async (_what, change, kind) => {
    await expect(authorize(change)).rejects.toEqual(refused(kind));
    expect(await money(core, place.buyer)).toEqual(unspent);
  });

  it("refuses another agent's wallet, a suspended service, another currency and an empty wallet", async () => {
    await expect(authorize({ walletId: place.seller.walletId })).rejects.toEqual(refused('wallet_not_found'));
    const poor = await signedIn(core, 'Poor');
    const spending = tokens.authorize(core, {
      principal: poor.principal,
      serviceId: place.service.id,
      walletId: poor.walletId,
    });
    await expect(spending).rejects.toEqual(refused('insufficient_funds'));
    await db.query("update services set currency = 'USDC' where id = $1", [place.service.id]);
    await expect(authorize()).rejects.toEqual(refused('currency_mismatch'));
    await db.query("update services set status = 'suspended' where id = $1", [place.service.id]);
    await expect(authorize()).rejects.toEqual(refused('service_not_active'));
    expect(await money(core, place.buyer)).toEqual(unspent);
  });
});

describe('a call', () => {
  it('is paid when it is completed: price from the consumer, fee to the platform, the rest to the provider', async () => {
    const revenue = await ledger.accountTotal(db, { account: 'rev:payment', asset: 'USD' });
    const { bySeller, byBuyer } = await tokenIn('settled');
    const token = await tokens.get(core, byBuyer);
    expect(token).toMatchObject({
      state: 'settled',
      deadline: null,
      paymentId: expect.stringMatching(/^tx_/),
    });
    expect(await money(core, place.buyer)).toEqual({ available: FUNDS - PRICE, held: 0n });
    expect(await money(core, place.seller)).toEqual({ available: PRICE - FEE, held: 0n });
    expect(await ledger.accountTotal(db, { account: 'rev:payment', asset: 'USD' })).toBe(revenue + FEE);
    expect(await trust()).toBe(51);

    const paymentId = token.paymentId as string;
    for (const { principal } of [byBuyer, bySeller]) {
      const payment = await payments.get(core, { principal, paymentId });
      expect(payment).toMatchObject({
        id: paymentId,
        status: 'completed',
        amount: PRICE,
        fee: FEE,
        serviceId: place.service.id,
      });
      expect((await payments.list(core, { principal })).payments).toEqual([payment]);
    }
    const stranger = await signedIn(core, 'Stranger');
    await expect(payments.get(core, { principal: stranger.principal, paymentId })).rejects.toEqual(
      refused('payment_not_found'),
    );
    expect((await payments.list(core, { principal: stranger.principal })).payments).toEqual([]);
    expect(await events.history(db, { subject: paymentId })).toEqual([
      expect.objectContaining({
        type: 'payment.completed',
        data: expect.objectContaining({ amount: '0.005', fee: '0.00002' }),
      }),
    ]);
    const [, settled] = await events.history(db, { subject: token.id });
    expect(settled).toMatchObject({
      type: 'token.settled',
      audience: [place.buyer.agent.id, place.seller.agent.id],
      data: { token_id: token.id, service_id: place.service.id, payment_id: paymentId, amount: '0.005' },
    });
  });

  it('is paid once when completed is said again', async () => {
    const { bySeller } = await tokenIn('accepted');
    const first = await tokens.callCompleted(core, bySeller);
    expect(await tokens.callCompleted(core, bySeller)).toEqual(first);
    expect(await money(core, place.seller)).toEqual({ available: PRICE - FEE, held: 0n });
    expect(await trust()).toBe(51);
  });

  it('answers started and accepted again without moving the deadline', async () => {
    const { bySeller } = await tokenIn('redeemed');
    const started = await tokens.callStarted(core, bySeller);
    clock.advance(1_000);
    expect(await tokens.callStarted(core, bySeller)).toEqual(started);
    const accepted = await tokens.callAccepted(core, bySeller);
    expect(await tokens.callAccepted(core, bySeller)).toEqual(accepted);
    expect(accepted.deadline).toEqual(started.deadline);
  });

  it('keeps its order', async () => {
    const { bySeller, byBuyer } = await tokenIn('redeemed');
    await expect(tokens.callAccepted(core, bySeller)).rejects.toEqual(
      refused('token_wrong_state', 'redeemed'),
    );
    await expect(tokens.callCompleted(core, bySeller)).rejects.toEqual(
      refused('token_wrong_state', 'redeemed'),
    );
    await expect(tokens.cancel(core, byBuyer)).rejects.toEqual(refused('token_wrong_state', 'redeemed'));
    expect(await money(core, place.buyer)).toEqual({ available: FUNDS - PRICE, held: PRICE });
  });

  it.each(['redeemed', 'in_flight', 'accepted'] as const)(
    'that fails when %s costs nothing, at once',
    async (state) => {
      const { bySeller, stateNow } = await tokenIn(state);
      const failed = await tokens.callFailed(core, bySeller);
      expect(failed.state).toBe('failed');
      expect(await tokens.callFailed(core, bySeller)).toEqual(failed);
      expect(await money(core, place.buyer)).toEqual(unspent);
      expect(await trust()).toBe(50);
      await expect(tokens.callCompleted(core, bySeller)).rejects.toEqual(
        refused('token_wrong_state', 'failed'),
      );
      expect(await stateNow()).toBe('failed');
    },
  );
});

describe('verify', () => {
  it('reads nothing after the statement that redeems: a token that is redeemed gets its response', async () => {
    let redeemed = false;
    const query: Db['query'] = async (sql, params, options) => {
      if (redeemed) throw new AgentPayError('unavailable', 'No connection is free.');
      const rows = await db.query<never>(sql, params, options);
      redeemed = sql.includes('update payment_tokens');
      return rows;
    };
    const { core: crowded } = await testCore({ ...db, query });
    const { signed } = await authorize();
    const { service } = await tokens.verify(crowded, { principal: place.seller.principal, token: signed });
    expect(service.id).toBe(place.service.id);
    expect(redeemed).toBe(true);
  });

  it('gives the provider the token and the service, once', async () => {
    const { signed } = await authorize();
    const request = { principal: place.seller.principal, token: signed };
    const { token, service } = await tokens.verify(core, request);
    expect(token).toMatchObject({ state: 'redeemed', deadline: new Date(START_MS + TTL_MS) });
    expect(service.id).toBe(place.service.id);
    await expect(tokens.verify(core, request)).rejects.toEqual(refused('token_already_redeemed'));
  });

  it('refuses forged tokens, and anybody but the provider', async () => {
    const { signed, token } = await authorize();
    const { seller, buyer } = place;
    await expect(tokens.verify(core, { principal: seller.principal, token: `${signed}0` })).rejects.toEqual(
      refused('token_invalid'),
    );
    await expect(tokens.verify(core, { principal: buyer.principal, token: signed })).rejects.toEqual(
      refused('token_not_found'),
    );
    const other = await market(core);
    await expect(tokens.verify(core, { principal: other.seller.principal, token: signed })).rejects.toEqual(
      refused('token_not_found'),
    );
    const altered = core.ports.tokenCodec.sign({ ...core.ports.tokenCodec.verify(signed), amount: 1n });
    await expect(tokens.verify(core, { principal: seller.principal, token: altered })).rejects.toEqual(
      refused('token_not_found'),
    );
    expect((await tokens.get(core, { principal: buyer.principal, tokenId: token.id })).state).toBe(
      'reserved',
    );
  });

  it('believes PostgreSQL, not the tracker, about a replay', async () => {
    const lying: Tracker = { ...memoryTracker(), redeem: async () => 'replayed' };
    const { core: misled } = await testCore(db, { tracker: lying });
    const { signed } = await authorize();
    const request = { principal: place.seller.principal, token: signed };
    expect((await tokens.verify(misled, request)).token.state).toBe('redeemed');
    await expect(tokens.verify(misled, request)).rejects.toEqual(refused('token_already_redeemed'));
  });
});

describe('cancel and get', () => {
  it('the consumer gets an unused token refunded, and may say so twice', async () => {
    const { signed, byBuyer } = await tokenIn('reserved');
    const cancelled = await tokens.cancel(core, byBuyer);
    expect(cancelled.state).toBe('cancelled');
    expect(await tokens.cancel(core, byBuyer)).toEqual(cancelled);
    expect(await money(core, place.buyer)).toEqual(unspent);
    const verifying = tokens.verify(core, { principal: place.seller.principal, token: signed });
    await expect(verifying).rejects.toEqual(refused('token_wrong_state', 'cancelled'));
  });

  it('a token is for its two sides, and each step for one of them', async () => {
    const { bySeller, byBuyer } = await tokenIn('redeemed');
    const { principal } = await signedIn(core, 'Stranger');
    const byStranger = { ...byBuyer, principal };
    for (const operation of [
      tokens.get,
      tokens.cancel,
      tokens.callStarted,
      tokens.callAccepted,
      tokens.callCompleted,
      tokens.callFailed,
    ]) {
      await expect(operation(core, byStranger)).rejects.toEqual(refused('token_not_found'));
      await expect(operation(core, { ...bySeller, tokenId: '\0' })).rejects.toEqual(
        refused('token_not_found'),
      );
    }
    await expect(tokens.cancel(core, bySeller)).rejects.toEqual(refused('token_not_found'));
    await expect(tokens.callStarted(core, byBuyer)).rejects.toEqual(refused('token_not_found'));
    const admin = await identity.authenticate(core, { accepts: ['admin'], secret: ADMIN_KEY });
    await expect(tokens.callStarted(core, { ...bySeller, principal: admin })).rejects.toEqual(
      refused('forbidden'),
    );
    expect(await tokens.get(core, bySeller)).toEqual(await tokens.get(core, byBuyer));
  });
});

describe('a tracker that is away', () => {
  it('changes no outcome', async () => {
    const away = async () => Promise.reject(new Error('away'));
    ({ core, clock } = await testCore(db, {
      tracker: { track: away, redeem: away, forget: away, due: away, close: away },
    }));
    await tokenIn('settled');
    expect(await money(core, place.seller)).toEqual({ available: PRICE - FEE, held: 0n });
    await tokenIn('in_flight');
    clock.advance(SLA_SECONDS * 1000);
    expect(await tokens.sweepTracked(core)).toEqual({ expired: 0, breached: 0, failures: [] });
    expect(await tokens.sweep(core)).toEqual({ expired: 0, breached: 1, failures: [] });
    expect(await money(core, place.buyer)).toEqual({ available: FUNDS - PRICE, held: 0n });
  });
});
