import { AgentPayError, newId, sleep } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import type { TransferDialect } from '@agentpay/protocol';
import type { Core } from '../Core.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { checkOptionalText } from '../text.js';
import { acquireAny, whenAsked } from './acquire.js';
import type { KeptRequest, Unasked, Working } from './acquire.js';
import { approvalFor } from './approval.js';
import { digestOf, sealRequest, sellerRequest } from './BuyRequest.js';
import { deliver, failureOf } from './deliver.js';
import type { Purchased } from './deliver.js';
import { awaitProof } from './fate.js';
import type { Purchase } from './Purchase.js';
import * as store from './PurchaseStore.js';
import { begin, CLAIM_MS, inProgress, putOff, taken } from './steps.js';

const LOOK_EVERY_MS = 150;

/** What an agent wants to have. */
export interface BuyRequest {
  readonly principal: Principal;
  /** Whose wallets pay; those of the party itself when absent. */
  readonly holder?: string | undefined;
  /** The same key and request again are the same purchase: its response, or the same proof once more. */
  readonly idempotencyKey?: string | undefined;
  /** The key was made for this call: nobody can have used it. It is written down with the first thing that there is to keep. */
  readonly newKey?: boolean | undefined;
  readonly url: string;
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | Uint8Array | undefined;
  /** Who may approve it beside the operator of the platform, where the rules ask for an approval. */
  readonly ownerId?: string | undefined;
  /** Most that it may cost, in base units; every asset has six decimals. */
  readonly maxAmount?: Amount | undefined;
  /** In which protocols it may be paid; any when absent. */
  readonly protocols?: readonly ('x402' | 'mpp')[] | undefined;
  /**
   * Gives what the seller has delivered as soon as it is kept, if the seller names the transaction; the chain is asked meanwhile, and what
   * it proves is written down afterwards: see `Core.proofs`.
   */
  readonly early?: boolean | undefined;
}

/**
 * Calls a seller for an agent, pays what its 402 asks for if the rules of the agent allow it, and gives what the seller then answers. One
 * signature at most: whatever is lost, the same proof is sent again, by this call, by another with the same key, or by `work`.
 * @throws AgentPayError `invalid_request`, `settlement_not_configured`, `seller_not_402`, `no_payment_header`, `offer_not_acceptable`,
 * `budget_exceeded`, `policy_denied` and `insufficient_funds` (nothing was signed), `payment_refused`, `payment_unresolved`,
 * `payment_in_progress`, `conflict`
 */
export async function buy(core: Core, given: BuyRequest): Promise<Purchased> {
  return whenAsked(await fetchPaid(core, given));
}

/** {@link buy}, where a seller that asks for no payment is as welcome: what it gives is given. @throws AgentPayError as `buy` */
export async function fetchPaid(core: Core, given: BuyRequest): Promise<Purchased | Unasked> {
  const partyId = requireParty(given.principal, 'agent', 'user');
  const request = sellerRequest(given);
  const { protocols, ownerId, maxAmount, holder = partyId } = given;
  const asked: KeptRequest = {
    request,
    ...(protocols && { dialects: dialectsOf(protocols) }),
    ...(ownerId !== undefined && { ownerId }),
    ...(maxAmount !== undefined && { maxAmount: String(maxAmount) }),
  };
  const until = core.clock.now() + core.settings.purchases.answerMs;
  const idempotencyKey = checkOptionalText('idempotencyKey', given.idempotencyKey);
  const fresh = draft(core, { partyId, holder, idempotencyKey, asked });
  const working = { asked, until, early: given.early };
  const begun = given.newKey ? fresh : await begin(core, fresh);
  return begun ? acquireAny(core, begun, working) : again(core, fresh, working);
}

/** The key was used before: what came of that. */
async function again(core: Core, fresh: Purchase, working: Working): Promise<Purchased | Unasked> {
  const { holder, idempotencyKey } = fresh;
  for (;;) {
    const kept = await store.purchases.find(core.db, { holder, idempotencyKey });
    if (!kept) throw inProgress();
    if (kept.digest !== fresh.digest)
      throw new AgentPayError('conflict', 'The idempotency key was used for another request.', {
        param: 'idempotencyKey',
      });
    const known = outcomeOf(kept);
    if (known) return { ...known, purchase: await awaitProof(core, known.purchase, 0) };
    const mine = await taken(core, kept.id);
    if (mine) return resume(core, mine, working);
    if (core.clock.now() + LOOK_EVERY_MS > working.until) throw inProgress();
    await sleep(core.clock, LOOK_EVERY_MS);
  }
}

/** What is settled for whoever asks again; undefined when there is something to do or to wait for. */
function outcomeOf(kept: Purchase): Purchased | undefined {
  const { state, sellerStatus: status, contentType, response: body } = kept;
  if (status !== null && body !== null)
    return { purchase: kept, response: { status, contentType, body, truncated: false } };
  if (state === 'rejected' || state === 'released' || state === 'refused') throw failureOf(kept);
  return undefined;
}

async function resume(core: Core, mine: Purchase, working: Working): Promise<Purchased | Unasked> {
  if (mine.state === 'requested') return acquireAny(core, mine, working);
  if (mine.state === 'quoted') {
    // Its owner may have decided meanwhile.
    const { id: approvalId } = await approvalFor(core, mine, working.asked);
    return acquireAny(core, mine, { ...working, approvalId });
  }
  const ends = (mine.validBefore as Date).getTime();
  if (core.clock.now() < ends)
    return deliver(core, mine, { request: working.asked.request, until: Math.min(working.until, ends) });
  await putOff(core, mine, mine.endedAt ? null : new Date(core.clock.now()));
  throw failureOf(mine);
}

function draft(
  core: Core,
  {
    partyId,
    holder,
    idempotencyKey,
    asked,
  }: Pick<Purchase, 'partyId' | 'holder' | 'idempotencyKey'> & { asked: KeptRequest },
): Purchase {
  const id = newId('purchase', core);
  const now = core.clock.now();
  return {
    id,
    partyId,
    holder,
    idempotencyKey,
    way: 'seller',
    method: asked.request.method,
    url: asked.request.url,
    digest: digestOf(asked),
    sealedRequest: sealRequest(core, id, asked),
    ...blank,
    nextAttemptAt: new Date(now + CLAIM_MS),
    createdAt: new Date(now),
  };
}

/** A purchase of which nothing is known but what is asked for. */
export const blank = {
  state: 'draft',
  terms: null,
  transactionId: null,
  holdId: null,
  approvalId: null,
  authorized: null,
  sealedProof: null,
  validBefore: null,
  reference: null,
  claim: null,
  failure: null,
  sellerStatus: null,
  contentType: null,
  response: null,
  attempts: 0,
  endedAt: null,
} as const;

function dialectsOf(protocols: readonly ('x402' | 'mpp')[]): TransferDialect[] {
  return protocols.flatMap((protocol) =>
    protocol === 'mpp' ? ['mpp' as const] : (['x402v2', 'x402v1'] as const),
  );
}
