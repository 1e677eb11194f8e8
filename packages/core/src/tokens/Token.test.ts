import fc from 'fast-check';
import { decide, refusal, transition } from './Token.js';
import type { TokenEvent, TokenState } from './Token.js';

const states: TokenState[] = [
  'reserved',
  'redeemed',
  'in_flight',
  'accepted',
  'settled',
  'sla_breached',
  'expired',
  'cancelled',
  'failed',
  'refunded',
];
const events: TokenEvent[] = [
  'verify',
  'call_started',
  'call_accepted',
  'call_completed',
  'call_failed',
  'cancel',
  'deadline_passed',
  'refund',
];
const live: TokenState[] = ['reserved', 'redeemed', 'in_flight', 'accepted'];
const DEADLINE = 1_000_000;
const at = (state: TokenState) => ({ state, deadline: live.includes(state) ? new Date(DEADLINE) : null });

const documented: Record<TokenState, Partial<Record<TokenEvent, TokenState>>> = {
  reserved: { verify: 'redeemed', cancel: 'cancelled', deadline_passed: 'expired' },
  redeemed: { call_started: 'in_flight', call_failed: 'failed', deadline_passed: 'expired' },
  in_flight: { call_accepted: 'accepted', call_failed: 'failed', deadline_passed: 'sla_breached' },
  accepted: { call_completed: 'settled', call_failed: 'failed', deadline_passed: 'sla_breached' },
  settled: { refund: 'refunded' },
  sla_breached: {},
  expired: {},
  cancelled: {},
  failed: {},
  refunded: {},
};

describe('transition', () => {
  it.each(states.flatMap((state) => events.map((event) => [state, event] as const)))(
    '%s, %s',
    (state, event) => {
      expect(transition(state, event)).toBe(documented[state][event]);
    },
  );
});

describe('decide', () => {
  it('advances before the deadline exactly where the table leads on', () => {
    for (const state of states) {
      for (const event of events.filter((name) => name !== 'deadline_passed')) {
        const to = documented[state][event];
        if (to) expect(decide(at(state), event, DEADLINE - 1)).toEqual({ kind: 'advance', to });
      }
    }
  });

  it('lets the deadline win from its very millisecond on', () => {
    expect(decide(at('accepted'), 'call_completed', DEADLINE - 1)).toEqual({
      kind: 'advance',
      to: 'settled',
    });
    expect(decide(at('accepted'), 'call_completed', DEADLINE)).toEqual({ kind: 'lapse', to: 'sla_breached' });
    expect(decide(at('reserved'), 'verify', DEADLINE)).toEqual({ kind: 'lapse', to: 'expired' });
    expect(decide(at('reserved'), 'cancel', DEADLINE)).toEqual({ kind: 'lapse', to: 'expired' });
  });

  it('sweeps what is due and nothing else', () => {
    for (const state of states) {
      expect(decide(at(state), 'deadline_passed', DEADLINE - 1)).toEqual({ kind: 'refuse' });
      const to = documented[state].deadline_passed;
      expect(decide(at(state), 'deadline_passed', DEADLINE)).toEqual(
        to ? { kind: 'advance', to } : { kind: 'refuse' },
      );
    }
  });

  it.each([
    ['call_started', 'in_flight'],
    ['call_accepted', 'accepted'],
    ['call_completed', 'settled'],
    ['call_failed', 'failed'],
    ['cancel', 'cancelled'],
  ] as const)('answers %s again in the state it led to', (event, state) => {
    expect(decide(at(state), event, DEADLINE - 1)).toEqual({ kind: 'repeat' });
  });

  it('never verifies twice', () => {
    for (const state of states.filter((name) => name !== 'reserved')) {
      expect(decide(at(state), 'verify', DEADLINE - 1)).toEqual({ kind: 'refuse' });
    }
  });

  it('redeems at most once and closes the hold exactly once, whatever happens in whatever order', () => {
    const steps = fc.array(
      fc.record({ event: fc.constantFrom(...events), waitMs: fc.integer({ min: 0, max: 400 }) }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(steps, (happenings) => {
        let token: { state: TokenState; deadline: Date | null } = {
          state: 'reserved',
          deadline: new Date(300),
        };
        let now = 0;
        let redeemed = 0;
        let closed = 0;
        for (const { event, waitMs } of happenings) {
          now += waitMs;
          const decision = decide(token, event, now);
          if (decision.kind !== 'advance' && decision.kind !== 'lapse') continue;
          if (decision.to === 'redeemed') redeemed++;
          if (live.includes(token.state) && !live.includes(decision.to)) closed++;
          token = { state: decision.to, deadline: live.includes(decision.to) ? new Date(now + 300) : null };
        }
        expect(redeemed).toBeLessThanOrEqual(1);
        expect(closed).toBe(live.includes(token.state) ? 0 : 1);
        if (token.state === 'settled') expect(redeemed).toBe(1);
      }),
    );
  });
});

describe('refusal', () => {
  it.each([
    ['expired', 'verify', 'token_expired'],
    ['expired', 'call_started', 'token_expired'],
    ['redeemed', 'verify', 'token_already_redeemed'],
    ['settled', 'verify', 'token_already_redeemed'],
    ['cancelled', 'verify', 'token_wrong_state'],
    ['sla_breached', 'call_completed', 'token_wrong_state'],
  ] as const)('in %s, %s is %s', (state, event, kind) => {
    expect(refusal(state, event).kind).toBe(kind);
  });

  it('names the state as its reason', () => {
    expect(refusal('sla_breached', 'call_completed').reason).toBe('sla_breached');
  });
});
