import { AgentPayError, type Clock, type Random, type Store } from '@agentpay/primitives';
import { z } from 'zod';
import type { Report } from './options.js';

/** A handler's answer, with the headers that the handler set. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
}

const headersSchema = z.record(z.string(), z.union([z.string(), z.array(z.string())]));
const recordSchema = z.object({
  /** `running`: the handler may be at work. `settling`: money may move or have moved. `done`: paid. */
  state: z.enum(['running', 'settling', 'done']),
  /** Digest of the request and the proof that the payment belongs to. */
  binding: z.string(),
  owner: z.string(),
  /** Until when, in ms since the epoch, the owner is taken to be alive. */
  leaseUntil: z.number(),
  answer: z.object({ status: z.number(), headers: headersSchema, body: z.string() }).optional(),
  /** Headers of the receipt, once paid. */
  receipt: z.record(z.string(), z.string()).optional(),
});
type Stored = z.infer<typeof recordSchema>;

/** Headers that tell the buyer of the payment. */
export type Receipt = Readonly<Record<string, string>>;

/** A payment as the store knows it, and the version to name when changing it. */
export interface Claim {
  readonly key: string;
  readonly version: number;
  readonly expiresAtMs: number;
  readonly state: Stored['state'];
  readonly binding: string;
  readonly owner: string;
  readonly answer: Answer | undefined;
  readonly receipt: Receipt | undefined;
}

/** What is claimed: the payment's key, what it is bound to, and until when its proof could be used. */
export interface Subject {
  readonly key: string;
  readonly binding: string;
  readonly expiresAtMs: number;
}

/**
 * Exclusive use of payments over a shared {@link Store}: one owner runs the handler, one answer is stored. All changes are
 * compare-and-set. Methods reject with `unavailable` when the store is out of reach: nothing is served then.
 */
export interface Claims {
  /**
   * The payment's claim if it was left behind (`running`, `settling` with a lease that ran out) or is `done`; undefined if there is none.
   * @throws AgentPayError `payment_in_progress`, `payment_bound_elsewhere`
   */
  find(subject: Subject): Promise<Claim | undefined>;
  /** Becomes the owner; `after` is the claim that is taken over. @throws AgentPayError `payment_in_progress` when somebody was first */
  take(subject: Subject, leaseMs: number, after: Claim | undefined): Promise<Claim>;
  /** Before money moves: stores the answer that the money buys. @throws AgentPayError `payment_in_progress` when the lease was lost */
  settling(claim: Claim, leaseMs: number, answer: Answer | undefined): Promise<Claim>;
  /** After money has moved. @throws AgentPayError `payment_in_progress` when somebody else recorded it */
  done(claim: Claim, receipt: Receipt, answer: Answer | undefined): Promise<void>;
  /** Lets the next request with this proof continue at once. Never rejects. */
  yieldLease(claim: Claim): Promise<void>;
  /** Nothing was charged: the payment may be used anew. Never rejects. */
  drop(claim: Claim): Promise<void>;
}

/** How long a payment whose outcome is open can still be asked for after its proof has expired. */
const OPEN_MS = 10 * 60_000;
/** How long a paid answer is kept after its proof has expired; clocks of several nodes may differ by less. */
const DONE_MS = 60_000;

export function claimsIn({ store, clock, random, report }: { store: Store; clock: Clock; random: Random; report: Report }): Claims {
  async function asking<T>(what: Promise<T>): Promise<T> {
    try {
      return await what;
    } catch (cause) {
      report({ what: 'the claim store gives no answer', error: cause });
      throw new AgentPayError('unavailable', 'Payments cannot be taken at the moment.', { cause, retryAfter: 2 });
    }
  }

  async function write(claim: Omit<Claim, 'version'>, expected: number, leaseMs: number): Promise<Claim> {
    const { key, state, binding, owner, answer, receipt, expiresAtMs } = claim;
    const record: Stored = {
      state,
      binding,
      owner,
      leaseUntil: clock.now() + leaseMs,
      ...(answer && { answer: { ...answer, headers: { ...answer.headers }, body: answer.body.toString('base64') } }),
      ...(receipt && { receipt: { ...receipt } }),
    };
    const ttlMs = Math.max(expiresAtMs - clock.now(), leaseMs, 0) + (state === 'done' ? DONE_MS : OPEN_MS);
    const version = await asking(store.put(key, JSON.stringify(record), { expected, ttlMs }));
    if (version === undefined) throw inProgress();
    return { ...claim, version };
  }

  async function quietly(change: Promise<unknown>): Promise<void> {
    try {
      await change;
    } catch (error) {
      report({ what: 'a claim could not be changed and stays until it expires', error });
    }
  }

  return {
    async find({ key, binding, expiresAtMs }) {
      const entry = await asking(read(store, key));
      if (!entry) return undefined;
      const { record, version } = entry;
      if (record.binding !== binding) throw new AgentPayError('payment_bound_elsewhere', 'This payment belongs to another request.');
      if (record.state !== 'done' && record.leaseUntil > clock.now()) throw inProgress();
      const answer = record.answer && { ...record.answer, body: Buffer.from(record.answer.body, 'base64') };
      return { key, expiresAtMs, version, state: record.state, binding, owner: record.owner, answer, receipt: record.receipt };
    },
    take(subject, leaseMs, after) {
      const owner = Buffer.from(random.bytes(12)).toString('base64url');
      const claim = { ...subject, state: 'running', owner, answer: undefined, receipt: undefined } as const;
      return write(claim, after?.version ?? 0, leaseMs);
    },
    settling: (claim, leaseMs, answer) => write({ ...claim, state: 'settling', answer }, claim.version, leaseMs),
    async done(claim, receipt, answer) {
      await write({ ...claim, state: 'done', receipt, answer }, claim.version, 0);
    },
    yieldLease: (claim) => quietly(write(claim, claim.version, 0)),
    drop: (claim) => quietly(store.delete(claim.key, { expected: claim.version })),
  };
}

async function read(store: Store, key: string): Promise<{ record: Stored; version: number } | undefined> {
  const entry = await store.get(key);
  return entry && { record: recordSchema.parse(JSON.parse(entry.value)), version: entry.version };
}

function inProgress(): AgentPayError {
  return new AgentPayError('payment_in_progress', 'This payment is being served.', { retryAfter: 1 });
}
