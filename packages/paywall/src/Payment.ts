import type { Amount } from '@agentpay/primitives';
import { reasons, type mpp, type PaymentReceipt } from '@agentpay/protocol';
import type { Receipt } from './Claims.js';

/** What a payment has moved on chain; payment tokens move nothing there. */
export type Moved = Pick<PaymentReceipt, 'network' | 'asset' | 'amount' | 'payTo' | 'payer' | 'transaction'>;

/** What became of an attempt to take the money. */
export type Settlement =
  | { readonly state: 'settled'; readonly receipt: Receipt; readonly moved?: Moved }
  /** Certainly not taken and never will be by this proof. `error` is what the buyer is told. */
  | { readonly state: 'refused'; readonly error: Error }
  /** May have been taken: ask again with the same proof. */
  | { readonly state: 'unknown' }
  /** Certainly not taken yet: ask again with the same proof. */
  | { readonly state: 'unsent' };

/** A proof that fits the quote, whatever its dialect. */
export interface Payment {
  /** Names the money: the same for every proof that moves it. */
  readonly key: string;
  /** A name that the buyer gave the payment, which belongs to this one alone. */
  readonly alias?: string | undefined;
  /** Who pays. */
  readonly payer: string;
  /** When the proof stops being usable, in ms since the epoch. */
  readonly expiresAtMs: number;
  /** When a handler must have answered for the money to be settled in time, in ms since the epoch. */
  readonly deadlineMs: number;
  /** Whether there is time to serve and settle. @throws Refusal */
  checkTime(): void;
  /**
   * Asks whether the money can be taken; takes nothing.
   * @throws Refusal, AgentPayError `payment_already_used`, `facilitator_unavailable`
   */
  verify(): Promise<void>;
  /**
   * Takes the money, once, however often it is called. Never rejects.
   * @param again an earlier attempt may have taken it
   * @param used what is taken of a payment up to a ceiling, in micro-dollars
   */
  settle(again: boolean, used?: Amount): Promise<Settlement>;
  /** Gives up a verified payment that will not be settled. Never rejects. */
  release(): Promise<void>;
}

/** A proof that does not buy this: answered with a fresh offer. */
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
