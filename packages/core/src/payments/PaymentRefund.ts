import type { Amount } from '@agentpay/primitives';

/** Money of a payment that goes back. */
export interface Refund {
  /** `rfd_...` */
  readonly id: string;
  readonly paymentId: string;
  readonly amount: Amount;
  readonly reason: string | null;
  /** `pending`: the rail has not said yet that the money went back, or that it never will. */
  readonly status: 'pending' | 'completed' | 'failed';
  /** An address that the rail pays; null: the wallet of the payer gets it. */
  readonly toExternal: string | null;
  /** Whether the platform pays what cannot be had from the payee: a decision against the payee. */
  readonly short: boolean;
  /** What the platform gave in place of the payee: a claim on them. */
  readonly claimed: Amount;
  /** How much of the claim the payee has paid since. */
  readonly collected: Amount;
  /** What the rail calls it. */
  readonly reference: string | null;
  /** What the rail needs to try again without paying twice; made before anything is sent. */
  readonly proof: Readonly<Record<string, unknown>> | null;
  /** Why it failed, snake_case. */
  readonly failure: string | null;
  /** When its rail is to be asked next; null when nothing is left to do. */
  readonly nextAttemptAt: Date | null;
  readonly attempts: number;
  readonly createdAt: Date;
}
