import { createHash } from 'node:crypto';

/** What a key stands for: the same key of another party, or at another endpoint, is another key. */
export interface RepeatableRequest {
  readonly partyId: string;
  /** Id of the endpoint. */
  readonly endpoint: string;
  /** What the caller sent as `Idempotency-Key`. */
  readonly key: string;
  /** Everything that the request asks for: parameters, query and body. */
  readonly input: unknown;
}

/** A response as it is stored and sent again, byte for byte. */
export interface StoredResponse {
  readonly status: number;
  readonly body: string;
}

/** The right to carry a request out, held by one of all that send it. */
export interface IdempotencyClaim {
  readonly partyId: string;
  readonly endpoint: string;
  readonly key: string;
  readonly claimId: string;
}

/** A key as kept. */
export interface IdempotencyKey extends IdempotencyClaim {
  readonly digest: string;
  readonly state: 'in_progress' | 'done';
  /** Until when nobody else may take an unfinished request over. */
  readonly claimedUntil: Date;
  readonly status: number | null;
  readonly body: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** What tells whether two requests ask for the same: SHA-256 over the input as JSON with sorted keys, hex. */
export function digestOf(input: unknown): string {
  return createHash('sha256').update(canonical(input)).digest('hex');
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return `${part}n`;
    if (part === null || typeof part !== 'object' || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
