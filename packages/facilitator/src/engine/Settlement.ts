import { unixSeconds, type Clock } from '@agentpay/primitives';
import { jcs, type Address, type Hex, type Reason } from '@agentpay/protocol';
import type { SignedTransaction } from '@agentpay/evm';
import type { Order, SettlementTransfer } from '../schemes/Scheme.js';

/**
 * `claimed`: nothing was signed for it yet; `sent`: a signed transaction is recorded, so it may be mined at any time;
 * `settled`: its transfer is proved; `failed`: proved not to have happened, and claimable again.
 */
export type SettlementState = 'claimed' | 'sent' | 'settled' | 'failed';

/** The reason of a claim that was ended before anything was signed: no verdict on the payment, which may be tried again. */
export const GIVEN_UP: Reason = 'unexpectedSettle';

/** What names the money: at most one settlement per key. */
export interface SettlementKey {
  /** CAIP-2. */
  readonly network: string;
  /** The contract in which the payer's nonces are used up: the token, or Permit2. */
  readonly asset: Address;
  readonly payer: Address;
  readonly nonce: Hex;
}

export interface Settlement extends SettlementKey, Order {
  readonly id: string;
  /** The purchase it belongs to: see `fingerprint`. */
  readonly fingerprint: string;
  /** How its money moves. */
  readonly transfer: SettlementTransfer;
  readonly state: SettlementState;
  /** The group of attempts (one account nonce) that carries it; null before `sent`. */
  readonly transactionId: string | null;
  /** Latest attempt, or the transaction that moved the money. */
  readonly hash: Hex | null;
  readonly reason: Reason | null;
  readonly message: string | null;
}

/** This very payment, by a transaction whoever sent it; or something else. */
export type NonceUseProof = { readonly for: 'payment'; readonly hash: Hex } | { readonly for: 'other' };

/** How a settlement stands for whoever waits. */
export type SettlementOutcome =
  | { readonly state: 'settled'; readonly hash: Hex }
  | {
      readonly state: 'failed';
      readonly reason: Reason;
      readonly message: string;
      /** What the chain proves to have used the nonce, where that is why it failed. */
      readonly use?: NonceUseProof | undefined;
    }
  | { readonly state: 'pending'; readonly hash: Hex | '' }
  /** The amount is nothing, so there is no transaction. */
  | { readonly state: 'nothing' };

/** One text per key, whatever the case of its hex. */
export function keyText({ network, asset, payer, nonce }: SettlementKey): string {
  return [network, asset, payer, nonce].join(':').toLowerCase();
}

export function outcomeOf({ state, hash, reason, message }: Settlement): SettlementOutcome {
  if (state === 'settled' && hash) return { state, hash };
  if (state === 'failed') return { state, reason: reason ?? GIVEN_UP, message: message ?? '' };
  return { state: 'pending', hash: hash ?? '' };
}

/** Whether two payments carry the very same authorization. */
export function sameAuthorization(a: Order['authorization'], b: Order['authorization']): boolean {
  return jcs(a).toLowerCase() === jcs(b).toLowerCase();
}

/** Whether no block can take it any more, as far as our clock knows. */
export function hasEnded({ transfer }: Settlement, clock: Clock): boolean {
  return transfer.endsAt <= BigInt(unixSeconds(clock));
}

/** What a new claim consists of. */
export type SettlementClaim = Pick<Settlement, 'id' | 'fingerprint'> & SettlementKey & Order;

/** All attempts to use one account nonce, oldest first, with the settlements that wait for it. */
export interface CarryingTransaction {
  readonly transactionId: string;
  readonly attempts: readonly SignedTransaction[];
  readonly settlements: readonly Settlement[];
}
