import { AgentPayError } from '@agentpay/primitives';
import type { Tx } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { within } from '../within.js';
import { digestOf } from './Claim.js';
import type { IdempotencyClaim, IdempotencyKey, RepeatableRequest, StoredResponse } from './Claim.js';
import * as store from './IdempotencyStore.js';

/** How long a key is remembered. */
export const KEPT_MS = 24 * 60 * 60 * 1000;
/** How long an unfinished request keeps others out; longer than any handler may take. */
export const CLAIM_MS = 60_000;
const RETRY_AFTER_SECONDS = 1;
const MAX_TRIES = 3;

/**
 * Carries a request out once per key, however often it is sent. The key is claimed in a transaction of its own; then `work`
 * runs with a core whose transactions are all one, in which the response is stored as well: what `work` changed and its
 * response are committed together or not at all. The same request again gets the stored response; a request that failed
 * changed nothing and frees its key.
 *
 * `mount` calls this for every endpoint with `idempotent: true` when the caller sent a key:
 *
 * ```ts
 * const { status, body } = await idempotency.once(
 *   core,
 *   { partyId: principal.party.id, endpoint: endpoint.id, key, input: { params, query, body } },
 *   async (core) => ({ status: endpoint.status, body: JSON.stringify(encodeResponse(endpoint, await handle(core)(call))) }),
 * );
 * ```
 *
 * The handler must be made from the core that `work` is given (on the embedded database, a query on any other waits for
 * ever), and must only use the database: work that lasts or leaves the process claims and finishes by itself
 * ({@link claim}, {@link finish}). Secrets that are shown once do not belong behind a key: the response is kept for 24 hours.
 *
 * @throws AgentPayError `conflict`: reason `idempotency_key_reused` when the key was used for another request,
 * `idempotency_in_progress` (with `retryAfter`) while the first one is under way; `outcome_unknown` when another took the
 * request over because this one lasted too long; and whatever `work` throws
 */
export async function once(
  core: Core,
  request: RepeatableRequest,
  work: (core: Core) => Promise<StoredResponse>,
): Promise<StoredResponse> {
  const claimed = await claim(core, request);
  if ('response' in claimed) return claimed.response;
  try {
    return await core.db.tx(
      async (tx) => {
        const response = await within(core, tx, work);
        await finish(tx, { claim: claimed.claim, response });
        return response;
      },
      { lane: request.partyId },
    );
  } catch (error) {
    await release(core, claimed.claim);
    throw error;
  }
}

/**
 * Claims the key of a request in a transaction of its own: gives the claim to the one that may carry it out, or the response
 * that was stored. For operations that last or leave the process; they end with {@link finish} in their own transaction, or
 * with {@link release} when nothing was changed.
 * @throws AgentPayError `conflict`, as {@link once}
 */
export async function claim(
  core: Core,
  { partyId, endpoint, key, input }: RepeatableRequest,
): Promise<{ claim: IdempotencyClaim } | { response: StoredResponse }> {
  const digest = digestOf(input);
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const nowMs = core.clock.now();
    const wanted: IdempotencyKey = {
      partyId,
      endpoint,
      key,
      digest,
      claimId: Buffer.from(core.random.bytes(16)).toString('hex'),
      state: 'in_progress',
      claimedUntil: new Date(nowMs + CLAIM_MS),
      status: null,
      body: null,
      createdAt: new Date(nowMs),
      expiresAt: new Date(nowMs + KEPT_MS),
    };
    if (await store.takeKey(core.db, wanted))
      return { claim: { partyId, endpoint, key, claimId: wanted.claimId } };
    const kept = await store.keys.find(core.db, { partyId, endpoint, key });
    // Freed between the two statements: it may be had now.
    if (!kept) continue;
    if (kept.digest !== digest) throw reused();
    if (kept.state === 'done')
      return { response: { status: kept.status as number, body: kept.body as string } };
    throw inProgress();
  }
  throw inProgress();
}

/**
 * Stores the response of a claimed request, in the transaction of what it changed.
 * @throws AgentPayError `outcome_unknown` when the claim was taken over; the transaction must not commit then
 */
export async function finish(
  tx: Tx,
  { claim: held, response }: { claim: IdempotencyClaim; response: StoredResponse },
): Promise<void> {
  if (await store.finishKey(tx, held, response)) return;
  throw new AgentPayError(
    'outcome_unknown',
    'The same request was taken over because this one lasted too long.',
  );
}

/**
 * Frees the key of a request that changed nothing. One that is finished stays. Never rejects, or the caller would be told what the
 * database says now in place of what became of the request: a key that cannot be freed is free when its claim has lapsed.
 */
export async function release(core: Core, held: IdempotencyClaim): Promise<void> {
  await store.dropUnfinished(core.db, held).catch(() => undefined);
}

/** Forgets keys whose time is over, at most `limit`, and says how many. */
export function purge(core: Core, { limit }: { limit: number }): Promise<number> {
  return store.deleteExpired(core.db, new Date(core.clock.now()), limit);
}

function reused(): AgentPayError {
  return new AgentPayError('conflict', 'The idempotency key was used for another request.', {
    reason: 'idempotency_key_reused',
    param: 'idempotencyKey',
  });
}

function inProgress(): AgentPayError {
  return new AgentPayError('conflict', 'The same request is under way.', {
    reason: 'idempotency_in_progress',
    param: 'idempotencyKey',
    retryAfter: RETRY_AFTER_SECONDS,
  });
}
