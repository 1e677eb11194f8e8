import { isAgentPayError, type Amount } from '@agentpay/primitives';
import { reasons, type mpp, type PaymentReceipt } from '@agentpay/protocol';
import type { Receipt } from './Claims.js';

/** What a payment has moved on chain; payment tokens move nothing there. */
export type Moved = Pick<PaymentReceipt, 'network' | 'asset' | 'amount' | 'payTo' | 'payer' | 'transaction'>;

/** What became of an attempt to take the money. */
export type SettleOutcome =
  | { readonly state: 'settled'; readonly receipt: Receipt; readonly moved?: Moved }
  /** Certainly not taken and never will be by this proof. `error` is what the buyer is told. */
  | { readonly state: 'refused'; readonly error: Error }
  /** May have been taken: ask again with the same proof. */
  | { readonly state: 'unknown' }
  /** Certainly not taken yet: ask again with the same proof. */
  | { readonly state: 'unsent' };

/** What is known of a payer once the payment is verified. */
export interface Verified {
  /** What the payer has, and what this payment takes of it: base units of one token. Undefined where the facilitator does not say. */
  readonly funds?: { readonly token: string; readonly balance: bigint; readonly due: bigint };
  /** The money is set aside or taken already: the payer cannot spend it elsewhere. */
  readonly isHeld?: boolean;
}

/** One attempt to take the money. */
export interface SettleAttempt {
  /** An earlier one may have taken it. */
  readonly again: boolean;
  /** What is taken of a payment up to a ceiling, in micro-dollars. */
  readonly used: Amount | undefined;
  /** Names the claim for which the money is taken: another claim to the same payment is another purchase. */
  readonly purchase: string;
}

/** A proof that fits the quote, whatever its dialect. */
export interface ProvenPayment {
  /** Names the money: the same for every proof that moves it. */
  readonly key: string;
  /** A name that the buyer gave the payment, which belongs to this one alone. */
  readonly alias?: string | undefined;
  /** Who pays. */
  readonly payer: string;
  /** Whether the proof holds something that never gets on the chain, so that it cannot be copied from there. */
  readonly isSecret: boolean;
  /** When the proof stops being usable, in ms since the epoch. */
  readonly expiresAtMs: number;
  /** When the handler must be done for the money to be settled in time, in ms since the epoch. */
  readonly deadlineMs: number;
  /** Whether there is time to serve and settle. @throws Refusal */
  checkTime(): void;
  /**
   * Asks whether the money can be taken; takes nothing.
   * @param purchase as in {@link SettleAttempt}
   * @throws Refusal, AgentPayError `payment_already_used`, `facilitator_unavailable`
   */
  verify(purchase: string): Promise<Verified>;
  /**
   * Of a payment that waits in an escrow while the handler runs: holds all of it, once, however often it is called. Never rejects.
   * `settle` then captures what was used, and `release` gives it back.
   */
  readonly hold?: (attempt: Pick<SettleAttempt, 'again' | 'purchase'>) => Promise<SettleOutcome>;
  /**
   * Takes the money, once, however often it is called. Never rejects.
   */
  settle(attempt: SettleAttempt): Promise<SettleOutcome>;
  /**
   * After an attempt whose outcome is unknown: whether the money was taken, without taking it. False: not, as far as is known, and asking
   * again tells no more; undefined: not known yet. Absent where nobody tells. Never rejects.
   */
  readonly isSettled?: ((attempt: Omit<SettleAttempt, 'again'>) => Promise<boolean | undefined>) | undefined;
  /** Gives up a verified payment that will not be settled. Never rejects. */
  release(): Promise<void>;
}

/** A proof that does not buy this: the response is a fresh offer. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  constructor(
    /** Stable reason code, of the dialect's vocabulary where it has one. */
    readonly reason: string,
    message: string,
    readonly problem: mpp.ProblemCode = 'verification-failed',
    /** Headers that tell of the refusal in the dialect of the proof. */
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
  /** 412 where the payer has something to do before it can pay: to let Permit2 move the token. */
  get status(): 402 | 412 {
    return this.reason === reasons.permit2AllowanceRequired.v2 ? 412 : 402;
  }
}

/** Why a payment was not made, in one word for programs: the finest code there is. */
export function reasonOf(error: unknown): string {
  if (error instanceof Refusal) return error.reason;
  return isAgentPayError(error) ? (error.reason ?? error.kind) : 'internal_error';
}
