import { tokens } from '@agentpay/core';
import type { Core } from '@agentpay/core';
import type { Db, ManualClock } from '@agentpay/primitives';
import { memoryTracker } from '@agentpay/tracker';
import { money, SLA_SECONDS, START_MS, testCore } from './market.js';
import { refused, tokenBed, TTL_MS, unspent } from './tokenBed.js';
import type { TokenBed } from './tokenBed.js';

let db: Db;
let core: Core;
let clock: ManualClock;
let place: TokenBed['place'];

const { authorize, tokenIn, trust } = tokenBed((bed) => ({ db, core, clock, place } = bed));

describe('deadlines', () => {
  it('an unused token expires at its TTL: verify is refused and the money is back, without a sweep', async () => {
    const { signed, stateNow } = await tokenIn('reserved');
    clock.advance(TTL_MS);
    await expect(tokens.verify(core, { principal: place.seller.principal, token: signed })).rejects.toEqual(
      refused('token_expired'),
    );
    expect(await stateNow()).toBe('expired');
    expect(await money(core, place.buyer)).toEqual(unspent);
  });

  it('a redeemed token that is not started expires a TTL later', async () => {
    const { bySeller, stateNow } = await tokenIn('redeemed');
    clock.advance(TTL_MS - 1);
    expect(await tokens.sweep(core)).toEqual({ expired: 0, breached: 0, failures: [] });
    clock.advance(1);
    await expect(tokens.callStarted(core, bySeller)).rejects.toEqual(refused('token_expired'));
    expect(await stateNow()).toBe('expired');
    expect(await money(core, place.buyer)).toEqual(unspent);
  });

  it.each(['in_flight', 'accepted'] as const)(
    'the sweep refunds a call %s past its SLA window, at a cost of trust',
    async (state) => {
      const { bySeller, stateNow } = await tokenIn(state);
      clock.advance(SLA_SECONDS * 1000 - 1);
      expect(await tokens.sweep(core)).toEqual({ expired: 0, breached: 0, failures: [] });
      clock.advance(1);
      expect(await tokens.sweep(core)).toEqual({ expired: 0, breached: 1, failures: [] });
      expect(await tokens.sweep(core)).toEqual({ expired: 0, breached: 0, failures: [] });
      expect(await stateNow()).toBe('sla_breached');
      expect(await money(core, place.buyer)).toEqual(unspent);
      expect(await trust()).toBe(45);
      await expect(tokens.callCompleted(core, bySeller)).rejects.toEqual(
        refused('token_wrong_state', 'sla_breached'),
      );
    },
  );

  it('completing after the deadline is a breach even when no sweep has run: the clock decides', async () => {
    const { bySeller, stateNow } = await tokenIn('accepted');
    clock.advance(SLA_SECONDS * 1000);
    await expect(tokens.callCompleted(core, bySeller)).rejects.toEqual(
      refused('token_wrong_state', 'sla_breached'),
    );
    expect(await stateNow()).toBe('sla_breached');
    expect(await money(core, place.buyer)).toEqual(unspent);
    expect(await money(core, place.seller)).toEqual({ available: 0n, held: 0n });
  });

  it('completing in the last millisecond is in time', async () => {
    const { bySeller } = await tokenIn('accepted');
    clock.advance(SLA_SECONDS * 1000 - 1);
    expect((await tokens.callCompleted(core, bySeller)).state).toBe('settled');
  });

  it('a sweep takes the longest overdue first, no more than its limit, and goes on past a token it cannot release', async () => {
    const first = await tokenIn('reserved');
    clock.advance(1);
    const second = await tokenIn('reserved');
    clock.advance(1);
    const third = await tokenIn('reserved');
    clock.advance(TTL_MS);
    expect(await tokens.sweep(core, { limit: 1 })).toMatchObject({ expired: 1 });
    expect([await first.stateNow(), await second.stateNow()]).toEqual(['expired', 'reserved']);

    const { tokenId } = second.byBuyer;
    const [broken] = await db.query<{ holdId: string }>(
      'select hold_id as "holdId" from payment_tokens where id = $1',
      [tokenId],
    );
    const holdId = broken?.holdId ?? '';
    await db.query("update ledger_holds set state = 'released', closed_at = created_at where id = $1", [
      holdId,
    ]);
    const held = await tokens.sweep(core, { limit: 1 });
    expect(held).toMatchObject({ expired: 0, failures: [{ tokenId }] });
    expect(await tokens.sweep(core, { limit: 1 })).toEqual({ expired: 1, breached: 0, failures: [] });
    expect([await second.stateNow(), await third.stateNow()]).toEqual(['reserved', 'expired']);

    await db.query("update ledger_holds set state = 'open', closed_at = null where id = $1", [holdId]);
    clock.advance(1_000);
    expect(await tokens.sweep(core)).toEqual({ expired: 1, breached: 0, failures: [] });
  });

  it('the tracker leads to what is due; PostgreSQL decides whether it is', async () => {
    const { stateNow } = await tokenIn('in_flight');
    const settled = await tokenIn('settled');
    expect(await tokens.sweepTracked(core)).toEqual({ expired: 0, breached: 0, failures: [] });
    await core.ports.tracker.track({
      tokenId: settled.byBuyer.tokenId,
      state: 'in_flight',
      deadlineMs: START_MS,
    });
    clock.advance(SLA_SECONDS * 1000);
    expect(await tokens.sweepTracked(core)).toEqual({ expired: 0, breached: 1, failures: [] });
    expect([await stateNow(), await settled.stateNow()]).toEqual(['sla_breached', 'settled']);
    clock.advance(60_000);
    expect(await core.ports.tracker.due({ nowMs: clock.now(), limit: 10, leaseMs: 1 })).toEqual([]);
  });
});

describe('a tracker that has lost everything', () => {
  it('is told of every open token, in as many batches as it takes, and of no other', async () => {
    await tokenIn('settled');
    await tokenIn('in_flight');
    await Promise.all(Array.from({ length: 150 }, () => authorize()));
    const open = await db.query<{ id: string }>('select id from payment_tokens where deadline is not null');
    const { core: fresh } = await testCore(db);
    expect(await tokens.rebuildTracker(fresh)).toBe(open.length);
    const due = await fresh.ports.tracker.due({ nowMs: START_MS + 10 * TTL_MS, limit: 10_000, leaseMs: 1 });
    expect(due.sort()).toEqual(open.map(({ id }) => id).sort());
    expect(open.length).toBeGreaterThan(150);
  });

  it('does not hold up a node that stops, nor one whose tracker is away', async () => {
    await authorize();
    expect(await tokens.rebuildTracker(core, { signal: AbortSignal.abort() })).toBe(0);
    let asked = 0;
    const track = () => Promise.reject(new Error(`away ${++asked}`));
    await Promise.all(Array.from({ length: 150 }, () => authorize()));
    const { core: misled } = await testCore(db, { tracker: { ...memoryTracker(), track } });
    expect(await tokens.rebuildTracker(misled)).toBe(0);
    expect(asked).toBe(100);
  });
});
