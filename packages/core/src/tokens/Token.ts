import { AgentPayError } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';

/** Reserved money that buys one call of one service. */
export interface Token {
  readonly id: string;
  readonly serviceId: string;
  /** The agent that sells the call, and its wallet that is paid. */
  readonly providerId: string;
  readonly payoutWalletId: string;
  /** The agent that pays, and its wallet. */
  readonly consumerId: string;
  readonly walletId: string;
  readonly holdId: string;
  /** The payment it settled into. */
  readonly paymentId: string | null;
  /** Price when it was authorized, in micro-units. */
  readonly amount: Amount;
  readonly currency: string;
  /** SLA window, from call-started. */
  readonly slaSeconds: number;
  readonly state: TokenState;
  /** When the present state runs out; null in a state that stays. */
  readonly deadline: Date | null;
  readonly issuedAt: Date;
  /** Until when it can be redeemed. */
  readonly expiresAt: Date;
  readonly redeemedAt: Date | null;
  readonly startedAt: Date | null;
  readonly acceptedAt: Date | null;
  /** When it reached a state in which its hold is closed. */
  readonly endedAt: Date | null;
}

export type TokenState = keyof typeof table;

export type TokenEvent =
  | 'verify'
  | 'call_started'
  | 'call_accepted'
  | 'call_completed'
  | 'call_failed'
  | 'cancel'
  | 'deadline_passed'
  | 'refund';

const table = {
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
} as const;

/** The state an event leads to; undefined when it has no place there. */
export function transition(state: TokenState, event: TokenEvent): TokenState | undefined {
  return (table[state] as Partial<Record<TokenEvent, TokenState>>)[event];
}

// The state each event leads to, for those that may be said twice. Verify is not among them: it is the single use.
const repeatable: Partial<Record<TokenEvent, TokenState>> = {
  call_started: 'in_flight',
  call_accepted: 'accepted',
  call_completed: 'settled',
  call_failed: 'failed',
  cancel: 'cancelled',
};

/** What an event does to a token at a moment. */
export type Decision =
  | { readonly kind: 'advance'; readonly to: TokenState }
  /** The event has happened before: same response, no effect. */
  | { readonly kind: 'repeat' }
  /** The deadline passed first: the token takes that way, and the event is refused. */
  | { readonly kind: 'lapse'; readonly to: TokenState }
  | { readonly kind: 'refuse' };

/** A deadline counts from the moment it names, whether or not a sweep has run since. */
export function decide(token: Pick<Token, 'state' | 'deadline'>, event: TokenEvent, nowMs: number): Decision {
  const to = transition(token.state, event);
  const repeats = repeatable[event] === token.state;
  if (to === undefined && !repeats) return { kind: 'refuse' };
  const lapsed = isDue(token, nowMs) ? transition(token.state, 'deadline_passed') : undefined;
  if (lapsed !== undefined)
    return event === 'deadline_passed' ? { kind: 'advance', to: lapsed } : { kind: 'lapse', to: lapsed };
  if (event === 'deadline_passed') return { kind: 'refuse' };
  return to === undefined ? { kind: 'repeat' } : { kind: 'advance', to };
}

/** Whether the state the token is in has run out. */
export function isDue(token: Pick<Token, 'deadline'>, nowMs: number): boolean {
  return token.deadline !== null && nowMs >= token.deadline.getTime();
}

/** Why an event is refused in a state: `token_expired`, `token_already_redeemed` or `token_wrong_state` with the state as reason. */
export function refusal(state: TokenState, event: TokenEvent): AgentPayError {
  if (state === 'expired')
    return new AgentPayError('token_expired', 'The token has expired; its reservation was released.');
  if (event === 'verify' && state !== 'cancelled')
    return new AgentPayError('token_already_redeemed', 'The token was redeemed before.');
  return new AgentPayError('token_wrong_state', `The token is ${state}.`, { reason: state });
}
