import type { Auth, Method } from '@agentpay/api';
import type { Clock, Random } from '@agentpay/primitives';

/** Options of a client of the API, completed. */
export interface ApiSettings {
  /** Without a slash at its end. */
  readonly url: string;
  readonly keys: Readonly<Partial<Record<Auth, string | undefined>>>;
  readonly fetch: typeof globalThis.fetch;
  readonly timeoutMs: number;
  readonly maxRetries: number;
  readonly onAttempt: ((attempt: CallAttempt) => void) | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** What may be said of one call beside its input. */
export interface CallOptions {
  /** Names the call where its endpoint can be repeated by key: under one key it is carried out once. Default: a new one for each call. */
  readonly idempotencyKey?: string | undefined;
  /** Gives the call up, which then rejects with the reason of the signal; what the API has done until then stands. */
  readonly signal?: AbortSignal | undefined;
  /** Deadline of one attempt, its body included, in milliseconds. Default: that of the client. */
  readonly timeoutMs?: number | undefined;
}

/** An attempt of a call that has ended: for logs, and to show progress. */
export interface CallAttempt {
  /** Id of the endpoint, such as `runtime.payments.create`. */
  readonly endpoint: string;
  readonly method: Method;
  /** Counted from 1. */
  readonly attempt: number;
  /** How long it took. */
  readonly ms: number;
  /** HTTP status and id of the request; undefined when there was no response. */
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  /** Why there was no response. */
  readonly error: unknown;
  /** Milliseconds until the same is sent again; undefined when it is not. */
  readonly retryInMs: number | undefined;
}
