import { AgentPayError, inTime, isAgentPayError, newId, textBounds } from '@agentpay/primitives';
import { PREPAID, x402v2, type Facilitator, type FacilitatorRequest } from '@agentpay/protocol';
import type { Core } from '../Core.js';
import { payingFor } from '../custody/index.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { checkOptionalText } from '../text.js';
import { digestOf } from './BuyRequest.js';
import { chooseAndSign } from './acquire.js';
import { approvalFor } from './approval.js';
import { blank } from './buy.js';
import { failureOf } from './deliver.js';
import { awaitProof } from './fate.js';
import { candidatesIn } from './offers.js';
import type { Purchase } from './Purchase.js';
import * as store from './PurchaseStore.js';
import { begin, CLAIM_MS, confirm, hear, inProgress, proofOf, putOff } from './steps.js';
import type { PurchaseProof } from './steps.js';

/** A 402 that a caller has met and wants to have paid. */
export interface PayRequest {
  readonly principal: Principal;
  /** Whose wallets pay. */
  readonly holder: string;
  /** Value of the seller's `PAYMENT-REQUIRED` header. */
  readonly paymentRequired: string;
  /** Of the request that met the 402. */
  readonly url: string;
  readonly method?: string | undefined;
  readonly idempotencyKey?: string | undefined;
}

/** A purchase with the value of the `PAYMENT-SIGNATURE` header that the caller hands to the seller. */
export interface Paid {
  readonly purchase: Purchase;
  readonly paymentSignature: string;
}

/**
 * Pays what a 402 asks for through the configured facilitator, and gives the proof to be sent to the seller. Verified before it is
 * settled; one signature at most, however often it is asked under one key.
 * @throws AgentPayError `settlement_not_configured`, `payment_malformed`, `offer_not_acceptable`, `policy_denied`, `insufficient_funds`,
 * `payment_refused`, `payment_unresolved`, `payment_in_progress`, `conflict`
 */
export async function pay(core: Core, given: PayRequest): Promise<Paid> {
  const partyId = requireParty(given.principal, 'user', 'agent');
  const facilitator = facilitatorOf(core);
  const { holder, paymentRequired, method = 'GET' } = given;
  const url = checkedUrl(given.url);
  const asked = { paymentRequired, url, method: method.toUpperCase() };
  const idempotencyKey = checkOptionalText('idempotencyKey', given.idempotencyKey);
  const id = newId('purchase', core);
  const now = core.clock.now();
  const until = now + core.settings.purchases.answerMs;
  const fresh: Purchase = {
    ...blank,
    id,
    partyId,
    holder,
    idempotencyKey,
    way: 'facilitator',
    method: asked.method,
    url,
    digest: digestOf(asked),
    sealedRequest: null,
    nextAttemptAt: new Date(now + CLAIM_MS),
    createdAt: new Date(now),
  };
  const working = { ...asked, until };
  const begun = await begin(core, fresh);
  return begun ? work(core, facilitator, begun, working) : again(core, facilitator, fresh, working);
}

/** What is to be paid, and until when the caller waits. */
interface Working {
  readonly paymentRequired: string;
  readonly url: string;
  readonly until: number;
  readonly approvalId?: string;
}

async function work(
  core: Core,
  facilitator: Facilitator,
  purchase: Purchase,
  { paymentRequired, url, until, approvalId }: Working,
): Promise<Paid> {
  try {
    const wallets = await payingFor(core.db, { holder: purchase.holder });
    const header = (name: string) => (name === x402v2.PAYMENT_REQUIRED ? paymentRequired : null);
    const demand = { url, hasAuthorization: false, requestBody: undefined, header, body: undefined };
    const candidates = candidatesIn(core, { demand, url, wallets, dialects: ['x402v2'] });
    const { purchase: signed, proof } = await chooseAndSign(core, purchase, candidates, { approvalId });
    return await settle(core, facilitator, signed, { until, proof });
  } catch (error) {
    // Whoever asked is told what happened first: it may be that the signature was kept.
    await giveUp(core, purchase, approvalId).catch(() => undefined);
    throw error;
  }
}

/** Where nothing was signed the purchase waits for whoever asks again. */
async function giveUp(core: Core, { id }: Purchase, approvalId: string | undefined): Promise<void> {
  const kept = await store.purchases.find(core.db, { id });
  if (kept?.state === 'requested' || (kept?.state === 'quoted' && approvalId)) await putOff(core, kept, null);
}

/**
 * Has the facilitator move the money of a signed purchase: the same proof, however often. What it has not answered until then, ms since
 * the Unix epoch, is not known.
 */
export async function settle(
  core: Core,
  facilitator: Facilitator,
  signed: Purchase,
  {
    until = core.clock.now() + core.settings.purchases.answerMs,
    proof = proofOf(core, signed),
  }: { until?: number; proof?: PurchaseProof } = {},
): Promise<Paid> {
  const inTheEnd = <T>(answer: Promise<T>) =>
    inTime(core.clock, Math.max(1, until - core.clock.now()), answer, noResponse);
  const { value } = proof;
  const request = requestOf(value, signed);
  const soon = new Date(core.clock.now() + 1_000);
  try {
    // A first look: what is known to be refused is not handed over. Later ones would only say that the nonce is used.
    const verdict =
      signed.state === 'signed' ? await inTheEnd(facilitator.verify(request)) : { isValid: true };
    if (!verdict.isValid) {
      const failure = verdict.invalidReason ?? 'not_valid';
      throw failureOf(await hear(core, signed, { outcome: 'refuse', failure, nextAttemptAt: soon }));
    }
    const settled = await inTheEnd(facilitator.settle(request));
    if (settled.success)
      return { purchase: await confirm(core, signed, settled.transaction, {}), paymentSignature: value };
    const claim = settled.transaction || null;
    const failure = settled.errorReason ?? 'not_settled';
    const outcome = failure === 'settlement_pending' ? ('lose' as const) : ('refuse' as const);
    const heard = await hear(core, signed, { outcome, claim, failure, nextAttemptAt: soon });
    return await byProof(core, heard, value);
  } catch (error) {
    if (!isAgentPayError(error, 'facilitator_unavailable') && !isAgentPayError(error, 'settlement_unknown'))
      throw error;
    const heard = await hear(core, signed, { outcome: 'lose', failure: error.kind, nextAttemptAt: soon });
    return byProof(core, heard, value);
  }
}

function noResponse(): AgentPayError {
  return new AgentPayError('settlement_unknown', 'The facilitator gives no response.');
}

/** The chain may know more than the facilitator says. */
async function byProof(core: Core, heard: Purchase, value: string): Promise<Paid> {
  const proved = await awaitProof(core, heard, 0);
  if (proved.state === 'confirmed') return { purchase: proved, paymentSignature: value };
  throw failureOf(proved);
}

async function again(core: Core, facilitator: Facilitator, fresh: Purchase, asked: Working): Promise<Paid> {
  const { holder, idempotencyKey } = fresh;
  const kept = await store.purchases.find(core.db, { holder, idempotencyKey });
  if (!kept) throw inProgress();
  if (kept.digest !== fresh.digest)
    throw new AgentPayError('conflict', 'The idempotency key was used for another request.', {
      param: 'idempotencyKey',
    });
  const { state, sealedProof } = kept;
  if (state === 'confirmed' && sealedProof)
    return { purchase: kept, paymentSignature: proofOf(core, kept).value };
  if (state === 'rejected') throw failureOf(kept);
  const now = core.clock.now();
  const until = new Date(now + CLAIM_MS);
  const mine = await store.take(core.db, { id: kept.id, now: new Date(now), until });
  if (!mine) throw inProgress();
  if (mine.state === 'requested') return work(core, facilitator, mine, asked);
  if (mine.state === 'quoted') {
    const { id: approvalId } = await approvalFor(core, mine, {});
    return work(core, facilitator, mine, { ...asked, approvalId });
  }
  if (mine.state === 'signed' || mine.state === 'unknown')
    return settle(core, facilitator, mine, { until: asked.until });
  await putOff(core, mine, mine.endedAt ? null : new Date(now));
  throw failureOf(mine);
}

/** @throws AgentPayError `settlement_not_configured` */
export function facilitatorOf(core: Core): Facilitator {
  const { facilitator, chains } = core.ports;
  if (facilitator && chains.size > 0) return facilitator;
  throw new AgentPayError(
    'settlement_not_configured',
    'Payments on chains need a facilitator and an RPC node of their network.',
  );
}

/** What the facilitator is asked about a proof: what the buyer accepted is what it is to be held against. */
function requestOf(value: string, { way }: Purchase): FacilitatorRequest {
  const proof = x402v2.decodePaymentPayload(value);
  const { accepted: paymentRequirements } = proof;
  if (way === 'withdrawal') return { x402Version: 2, paymentPayload: proof, paymentRequirements };
  // The seller has not seen it yet, and is to be told that it is paid.
  const paymentPayload = { ...proof, extensions: { ...proof.extensions, [PREPAID]: {} } };
  return { x402Version: 2, paymentPayload, paymentRequirements };
}

function checkedUrl(url: string): string {
  if (url.length <= textBounds.url && URL.canParse(url) && /^https?:/i.test(url)) return new URL(url).href;
  throw new AgentPayError('invalid_request', 'url must be an absolute http or https URL.', { param: 'url' });
}
