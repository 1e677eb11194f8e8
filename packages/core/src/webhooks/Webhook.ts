/** An address that is told of events of its owner. */
export interface Webhook {
  readonly id: string;
  /** The party that owns it. */
  readonly ownerId: string;
  readonly url: string;
  /** Names of events, or patterns that end with an asterisk: "payment.completed", "payment.*", "*". */
  readonly events: readonly string[];
  /** Sealed. */
  readonly secret: string;
  /** The secret before the last rotation, sealed, which signs as well until `formerUntil`. */
  readonly formerSecret: string | null;
  readonly formerUntil: Date | null;
  readonly status: WebhookStatus;
  readonly createdAt: Date;
}

/** `disabled`: the receiver answered 410, or its owner stopped it; `deleted`: its deliveries stay readable. */
export type WebhookStatus = 'active' | 'disabled' | 'deleted';

/** One event for one webhook. Every attempt of it has the same id and body. */
export interface Delivery {
  readonly id: string;
  readonly webhookId: string;
  readonly eventId: string;
  readonly type: string;
  readonly state: DeliveryState;
  /** Attempts made. */
  readonly attempts: number;
  /** When the next attempt is due; null when there is none. */
  readonly nextAt: Date | null;
  /** Until then one instance is sending it. */
  readonly claimedUntil: Date | null;
  /** HTTP status of the last attempt; null when there was no response. */
  readonly lastStatus: number | null;
  /** Why the last attempt failed, for people. */
  readonly lastError: string | null;
  readonly createdAt: Date;
  readonly deliveredAt: Date | null;
}

/** `dead`: given up after the last attempt, or because the webhook ended; its owner may send it again. */
export type DeliveryState = 'pending' | 'delivered' | 'dead';

/** What came of one attempt. */
export interface Attempt {
  /** HTTP status; undefined: no response. */
  readonly status?: number | undefined;
  /** Milliseconds that the receiver asks us to wait (`Retry-After`). */
  readonly retryAfterMs?: number | undefined;
  /** Why there was no response. */
  readonly error?: string | undefined;
}

export const MAX_ATTEMPTS = 8;
const FIRST_RETRY_MS = 10_000;
/** Longest time between two attempts, whatever the receiver asks for. */
const MAX_WAIT_MS = 6 * 60 * 60 * 1000;

/**
 * What follows from an attempt: delivered by any 2xx, given up at 410 and after {@link MAX_ATTEMPTS}, else tried again after 10 s, doubled
 * each time, with jitter of a quarter either way; later when the receiver asks for it.
 * @param chance 0 <= chance < 1
 */
export function afterAttempt(
  attempts: number,
  { status, retryAfterMs = 0 }: Attempt,
  chance: number,
): { state: 'delivered' | 'dead' } | { state: 'pending'; waitMs: number } {
  if (status !== undefined && status >= 200 && status < 300) return { state: 'delivered' };
  if (status === 410 || attempts >= MAX_ATTEMPTS) return { state: 'dead' };
  const backOff = FIRST_RETRY_MS * 2 ** (attempts - 1) * (0.75 + chance / 2);
  return { state: 'pending', waitMs: Math.min(MAX_WAIT_MS, Math.round(Math.max(backOff, retryAfterMs))) };
}

/** Whether a webhook wants events of this type. */
export function wants({ events }: Pick<Webhook, 'events'>, type: string): boolean {
  return events.some((name) => (name.endsWith('*') ? type.startsWith(name.slice(0, -1)) : name === type));
}
