import type { Amount } from '@agentpay/primitives';

/** A call of a listing by a gateway. Its price is reserved until it ends, and paid only when it was completed. */
export interface GatewayCall {
  readonly id: string;
  readonly gatewayId: string;
  readonly walletId: string;
  readonly listingId: string;
  readonly developerId: string;
  /** The developer's wallet. */
  readonly payoutWalletId: string;
  readonly provisionId: string;
  readonly method: string;
  readonly price: Amount;
  readonly holdId: string;
  readonly status: CallStatus;
  readonly input: Readonly<Record<string, unknown>>;
  /** What the agent answered: JSON as it is, anything else as `{ text }`. */
  readonly output: unknown;
  /** Why it failed, snake_case. */
  readonly failure: string | null;
  /** How long it may take. */
  readonly windowSeconds: number;
  readonly idempotencyKey: string | null;
  /** Tells whether the same key asks for the same call. */
  readonly digest: string | null;
  readonly queuedAt: Date;
  readonly startedAt: Date | null;
  /** A call that is running then has been left by its process. */
  readonly deadline: Date | null;
  readonly endedAt: Date | null;
}

const table = {
  queued: { begin: 'running', fail: 'failed' },
  running: { complete: 'completed', fail: 'failed' },
  completed: {},
  failed: {},
} as const;

export type CallStatus = keyof typeof table;
export const callStatuses = Object.keys(table) as readonly CallStatus[];

/** Where a step leads; undefined when it has no place there. */
export function stepOf(status: CallStatus, step: 'begin' | 'complete' | 'fail'): CallStatus | undefined {
  return (table[status] as Partial<Record<typeof step, CallStatus>>)[step];
}

/** How an attempt at a call ended. */
export type CallOutcome =
  | { readonly kind: 'done'; readonly output: unknown }
  /** `refused`: the agent would not do it; `down`: it did not answer as it should; `left`: nobody knows. */
  | { readonly kind: 'refused' | 'down' | 'left'; readonly failure: string };
