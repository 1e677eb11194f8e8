import type { Address, Authorization, Hex, Reason } from '@agentpay/protocol';
import { fromAuthorization, toAuthorization, type ExactPayload } from '@agentpay/protocol';

/**
 * `claimed`: nothing was signed for it yet; `sent`: a signed transaction is recorded, so it may land at any time;
 * `settled`: its transfer is proved; `failed`: proved not to have happened, and claimable again.
 */
export type SettlementState = 'claimed' | 'sent' | 'settled' | 'failed';

/** What names the money: at most one settlement per key. */
export interface SettlementKey {
  /** CAIP-2. */
  readonly network: string;
  readonly asset: Address;
  readonly payer: Address;
  readonly nonce: Hex;
}

export interface Settlement extends SettlementKey {
  readonly id: string;
  /** The purchase it belongs to: see `fingerprint`. */
  readonly fingerprint: string;
  readonly authorization: Authorization;
  readonly signature: Hex;
  /** Signed by an account with code: goes in a transaction of its own, because that code may burn the gas of others. */
  readonly byAccount: boolean;
  readonly state: SettlementState;
  /** The group of attempts (one account nonce) that carries it; null before `sent`. */
  readonly transactionId: string | null;
  /** Latest attempt, or the transaction that moved the money. */
  readonly hash: Hex | null;
  readonly reason: Reason | null;
  readonly message: string | null;
}

/** How a settlement stands for whoever waits. */
export type Outcome =
  | { readonly state: 'settled'; readonly hash: Hex }
  | { readonly state: 'failed'; readonly reason: Reason; readonly message: string }
  | { readonly state: 'pending'; readonly hash: Hex | '' };

/** One text per key, whatever the case of its hex. */
export function keyText({ network, asset, payer, nonce }: SettlementKey): string {
  return [network, asset, payer, nonce].join(':').toLowerCase();
}

export function outcomeOf({ state, hash, reason, message }: Settlement): Outcome {
  if (state === 'settled' && hash) return { state, hash };
  if (state === 'failed') return { state, reason: reason ?? 'unexpectedSettle', message: message ?? '' };
  return { state: 'pending', hash: hash ?? '' };
}

/** Whether two settlements, or a settlement and a payment, carry the very same authorization. */
export function sameAuthorization(a: Authorization, b: Authorization): boolean {
  const text = (authorization: Authorization) => JSON.stringify(Object.values(fromAuthorization(authorization))).toLowerCase();
  return text(a) === text(b);
}

export function authorizationFromJson(json: unknown): Authorization {
  return toAuthorization(json as ExactPayload['authorization']);
}
