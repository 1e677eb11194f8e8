import { AgentPayError, isAgentPayError, type Amount, type Clock, type Store } from '@agentpay/primitives';
import { z } from 'zod';
import { aliasesIn } from './Aliases.js';
import type { Report } from '../seller/Report.js';
import { storeAsker } from './storeAsker.js';

/** A handler's response, with the headers that the handler set. */
export interface HeldResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
}

const headersSchema = z.record(z.string(), z.union([z.string(), z.array(z.string())]));
const recordSchema = z.object({
  /**
   * `running`: the handler may be at work. `settling`: money may move or have moved, and has where there is a receipt. `done`: paid.
   * `free`: given up.
   */
  state: z.enum(['running', 'settling', 'done', 'free']),
  /** Digest of the request and the proof that the payment belongs to. */
  binding: z.string(),
  /** Names this claim to the facilitator, of which it buys once. */
  purchase: z.string(),
  /** Digest of the caller that the response may be sent to again. */
  bearer: z.string(),
  /** When it was paid, in ms since the epoch. */
  paidAt: z.number().optional(),
  /** When the lease of its owner ends, in ms since the epoch. */
  leaseUntil: z.number(),
  answer: z.object({ status: z.number(), headers: headersSchema, body: z.string() }).optional(),
  /** What the response has used of a payment up to a ceiling, in micro-dollars. */
  used: z
    .string()
    .regex(/^\d{1,30}$/)
    .optional(),
  /** Headers of the receipt, once paid. */
  receipt: z.record(z.string(), z.string()).optional(),
});
type Stored = z.infer<typeof recordSchema>;

/** Headers that tell the buyer of the payment. */
export type Receipt = Readonly<Record<string, string>>;

/** A payment as the store knows it, and the version to name when changing it. */
export interface Claim extends Bought, Pick<Subject, 'alias' | 'bearer'> {
  readonly key: string;
  readonly version: number;
  readonly expiresAtMs: number;
  readonly state: Stored['state'];
  readonly binding: string;
  readonly leaseUntil: number;
  /** Whether the lease may have run out: another owner may hold this claim, too. */
  readonly contested: boolean;
  /** Names this claim to the facilitator. */
  readonly purchase: string;
  readonly receipt: Receipt | undefined;
  /** When it was paid, in ms since the epoch. */
  readonly paidAt: number | undefined;
}

/** What a payment buys. */
export interface Bought {
  /** Undefined where it was not held. */
  readonly answer: HeldResponse | undefined;
  /** What the response has used of a payment up to a ceiling, in micro-dollars. */
  readonly used: Amount | undefined;
}

/** What is claimed: the payment's key, what it is bound to, and until when its proof could be used. */
export interface Subject {
  readonly key: string;
  readonly binding: string;
  /** Digest of the address and headers of the caller who brings the proof. */
  readonly bearer: string;
  readonly expiresAtMs: number;
  /** Another name of the payment, which belongs to this one alone. */
  readonly alias?: string | undefined;
}

/**
 * Exclusive use of payments over a shared {@link Store}: one owner runs the handler, one response is stored. All changes are
 * compare-and-set. Methods reject with `unavailable` when the store is out of reach: nothing is served then.
 */
export interface Claims {
  /**
   * The payment's claim if it was left behind (`running`, `settling` with a lease that ran out), given up (`free`) or is `done`;
   * undefined if there is none.
   * @throws AgentPayError `payment_in_progress`, `payment_bound_elsewhere`
   */
  find(subject: Subject): Promise<Claim | undefined>;
  /**
   * Becomes the owner; `after` is the claim that is taken over.
   * @throws AgentPayError `payment_in_progress` when somebody was first, `conflict` when the alias is that of another payment
   */
  take(subject: Subject, leaseMs: number, after: Claim | undefined): Promise<Claim>;
  /** Before money moves: stores what it buys. @throws AgentPayError `payment_in_progress` when the lease was lost */
  settling(claim: Claim, leaseMs: number, bought: Partial<Bought>): Promise<Claim>;
  /** After money has moved. @throws AgentPayError `payment_in_progress` when somebody else recorded it */
  done(claim: Claim, receipt: Receipt, answer: HeldResponse | undefined): Promise<void>;
  /** Notes that the money of a `settling` claim is taken, by which nothing is delivered yet; false when it is somebody else's by now. */
  settled(claim: Claim, receipt: Receipt): Promise<boolean>;
  /** Lets the next request with this proof continue at once. The claim as it stands, unless somebody else has it. Never rejects. */
  yieldLease(claim: Claim): Promise<Claim | undefined>;
  /** Nothing was charged: the payment may be used anew. Never rejects. */
  drop(claim: Claim): Promise<void>;
}

/** How long a payment whose outcome is open can still be asked for after its proof has expired. */
const OPEN_MS = 10 * 60_000;
/** How long a paid response is kept after its proof has expired; clocks of several nodes may differ by less. */
const DONE_MS = 60_000;

interface ClaimsContext {
  readonly store: Store;
  readonly clock: Clock;
  /** Gives a text that comes once. */
  readonly nonce: () => string;
  readonly report: Report;
}

export function claimsIn({ store, clock, nonce, report }: ClaimsContext): Claims {
  const aliases = aliasesIn(store);

  const asking = storeAsker(report, {
    fault: 'the claim store gives no response',
    message: 'Payments cannot be taken at the moment.',
  });

  async function write(change: Omit<Claim, 'leaseUntil'>, leaseMs: number): Promise<Claim> {
    const now = clock.now();
    const claim = { ...change, leaseUntil: now + leaseMs };
    const put = { expected: claim.version, ttlMs: lifeOf(claim, now) };
    const version = await asking(store.put(claim.key, JSON.stringify(storedForm(claim)), put));
    if (version === undefined) throw inProgress();
    return { ...claim, version };
  }

  const isContested = ({ contested, leaseUntil }: Claim) => contested || leaseUntil <= clock.now();

  // The store counts versions anew after a delete, so that a stale owner could win: a claim that may be contested is marked free instead.
  async function giveUp(claim: Claim): Promise<void> {
    if (isContested(claim)) await write({ ...claim, state: 'free', answer: undefined }, 0);
    else if (!(await store.delete(claim.key, { expected: claim.version }))) return;
    if (claim.alias !== undefined) await aliases.free(claim.alias, claim.key);
  }

  const quietly = <T>(change: Promise<T>) => orNothing(change, report);

  return {
    async find(subject) {
      const entry = await asking(read(store, subject.key));
      if (!entry) return undefined;
      const { state, binding, leaseUntil } = entry.record;
      if (state !== 'free' && binding !== subject.binding) throw boundElsewhere();
      if (state !== 'done' && leaseUntil > clock.now()) throw inProgress();
      return claimOf(subject, entry);
    },
    async take(subject, leaseMs, after) {
      const { alias, key } = subject;
      if (alias !== undefined && !(await asking(aliases.bind(alias, key)))) throw aliasTaken();
      const taken = { state: 'running', contested: after !== undefined, purchase: nonce() } as const;
      return write({ ...subject, ...taken, ...NOTHING_BOUGHT, version: after?.version ?? 0 }, leaseMs);
    },
    settling(claim, leaseMs, { answer, used }) {
      return write({ ...claim, state: 'settling', contested: isContested(claim), answer, used }, leaseMs);
    },
    async done(claim, receipt, answer) {
      await write({ ...claim, state: 'done', receipt, answer, paidAt: clock.now() }, 0);
    },
    settled: (claim, receipt) => isOurs(write({ ...claim, receipt }, 0)),
    yieldLease: (claim) => quietly(write(claim, 0)),
    drop: (claim) => quietly(giveUp(claim)),
  };
}

/** What the change gives; undefined when it was not made. */
async function orNothing<T>(change: Promise<T>, report: Report): Promise<T | undefined> {
  try {
    return await change;
  } catch (error) {
    if (isAgentPayError(error, 'payment_in_progress')) return undefined; // it belongs to somebody else by now
    report({ what: 'a claim could not be changed and stays until it expires', error });
    return undefined;
  }
}

/** Whether the change could be made, as the claim is still ours. */
async function isOurs(change: Promise<unknown>): Promise<boolean> {
  try {
    await change;
    return true;
  } catch (error) {
    if (isAgentPayError(error, 'payment_in_progress')) return false;
    throw error;
  }
}

/** How long the store keeps a claim, in ms. */
function lifeOf({ expiresAtMs, leaseUntil, state }: Omit<Claim, 'version'>, now: number): number {
  return Math.max(expiresAtMs - now, leaseUntil - now, 0) + (state === 'done' ? DONE_MS : OPEN_MS);
}

const NOTHING_BOUGHT = { answer: undefined, used: undefined, receipt: undefined, paidAt: undefined };

interface Entry {
  readonly record: Stored;
  readonly version: number;
}

async function read(store: Store, key: string): Promise<Entry | undefined> {
  const entry = await store.get(key);
  return entry && { record: recordSchema.parse(JSON.parse(entry.value)), version: entry.version };
}

/** A claim that the store holds, which others may come upon as well. */
function claimOf({ key, alias, expiresAtMs }: Subject, { record, version }: Entry): Claim {
  const { state, binding, leaseUntil, purchase, bearer, answer, used, receipt, paidAt } = record;
  return {
    key,
    alias,
    expiresAtMs,
    version,
    contested: true,
    state,
    binding,
    leaseUntil,
    purchase,
    bearer,
    receipt,
    paidAt,
    answer: answer && { ...answer, body: Buffer.from(answer.body, 'base64') },
    used: used === undefined ? undefined : BigInt(used),
  };
}

function storedForm(claim: Omit<Claim, 'version'>): Stored {
  const { state, binding, leaseUntil, purchase, bearer, answer, used, receipt, paidAt } = claim;
  return {
    state,
    binding,
    leaseUntil,
    purchase,
    bearer,
    ...(paidAt !== undefined && { paidAt }),
    ...(answer && {
      answer: { ...answer, headers: { ...answer.headers }, body: answer.body.toString('base64') },
    }),
    ...(used !== undefined && { used: used.toString() }),
    ...(receipt && { receipt: { ...receipt } }),
  };
}

export function boundElsewhere(): AgentPayError {
  return new AgentPayError('payment_bound_elsewhere', 'This payment belongs to another request.');
}

function aliasTaken(): AgentPayError {
  const message = 'This payment identifier belongs to another payment: send that one again.';
  return new AgentPayError('conflict', message, { reason: 'payment_identifier_conflict' });
}

function inProgress(): AgentPayError {
  return new AgentPayError('payment_in_progress', 'This payment is being served.', { retryAfter: 1 });
}
