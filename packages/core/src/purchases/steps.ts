import { AgentPayError } from '@agentpay/primitives';
import { useIn, waitsIn } from '../approvals/index.js';
import type { Scene, Want } from '../batch/index.js';
import type { Core } from '../Core.js';
import { chainOf } from '../custody/index.js';
import { holds, movements } from '../ledger/index.js';
import type { Hold } from '../ledger/index.js';
import { completePurchaseIn, failPurchaseIn, openPurchaseIn, submitPurchaseIn } from '../payments/index.js';
import { allowIn, allowWants, captureIn, giveBackIn, wantsOf } from '../spending/index.js';
import { chainCurrency } from '../wallets/index.js';
import { draftOf } from './draft.js';
import { tellRejected, withdrawalCompleted, withdrawalFailed, withdrawalObject } from './events.js';
import { emitIn } from '../events/index.js';
import type { Candidate } from './offers.js';
import { amountOf, isSettled, railOf, transition } from './Purchase.js';
import type { Purchase, PurchaseStep, PurchaseTerms } from './Purchase.js';
import * as store from './PurchaseStore.js';
import { purchaseRows } from './PurchaseStore.js';

/** How long whoever works on a purchase has it to themselves. */
export const CLAIM_MS = 40_000;

/** The header and its value that pay. */
export interface PurchaseProof {
  readonly header: string;
  readonly value: string;
}

/** A purchase whose one signature is made and kept. */
export interface PurchaseWithProof {
  readonly purchase: Purchase;
  readonly proof: PurchaseProof;
}

/**
 * Begins a purchase. One with a key is written down at once; one without, which nobody can ask for again, once there is something to keep.
 * @returns undefined when its key is taken
 */
export async function begin(core: Core, draft: Purchase): Promise<Purchase | undefined> {
  if (draft.idempotencyKey === null) return draft;
  const requested = { ...draft, state: 'requested' } as const;
  return (await store.purchases.insertNew(core.db, requested)) ? requested : undefined;
}

/**
 * Judges an offer, reserves its money and signs for it: terms, hold, spending windows, transaction, authorization and proof are written
 * together, and nobody has the proof before they are.
 * @throws AgentPayError `policy_denied`, `insufficient_funds`: then nothing was
 */
export function reserveAndSign(
  core: Core,
  purchase: Purchase,
  candidate: Candidate,
  { approvalId, permitNonce }: { approvalId?: string | undefined; permitNonce?: bigint | undefined } = {},
): Promise<PurchaseWithProof> {
  const { offer, terms } = candidate;
  const { network } = offer;
  const asset = chainCurrency(network.asset.symbol, network.name);
  const spending = {
    payer: purchase.partyId,
    walletId: terms.walletId,
    amount: offer.amount,
    asset,
    payee: terms.payTo,
    ...(purchase.way === 'withdrawal'
      ? { rail: 'withdrawal', purpose: 'withdrawal', own: true }
      : { rail: railOf(terms.dialect), purpose: 'purchase' }),
    approved: approvalId !== undefined,
  };
  const draft = draftOf(core, candidate, permitNonce);
  return core.batch.run({
    wants: [...rowOf(purchase), ...wantsOf(spending)],
    lane: terms.walletId,
    decide(scene) {
      const kept = ours(scene, purchase);
      if (approvalId !== undefined)
        useIn(core, scene, { ...approvedTerms(core, kept, terms), approvalId, usedBy: kept.id });
      const allowed = allowIn(core, scene, spending);
      const { id: transactionId } = openPurchaseIn(core, scene, {
        payerId: purchase.partyId,
        payerWalletId: terms.walletId,
        payee: terms.payTo,
        amount: offer.amount,
        currency: asset,
        rail: spending.rail,
        holdId: allowed.hold.id,
      });
      submitPurchaseIn(scene, transactionId);
      // The same each time that this is decided.
      const { authorized, value } = draft.sign(allowed);
      const proof = { header: offer.header, value };
      const done = move(scene, kept, 'sign', {
        terms,
        transactionId,
        holdId: allowed.hold.id,
        authorized,
        validBefore: new Date(Number(draft.end) * 1000),
        sealedProof: core.ports.vault.seal(JSON.stringify(proof), `${kept.id} proof`),
      });
      return { purchase: done, proof };
    },
  });
}

/** What an approval of a purchase is about. */
export function approvedTerms(core: Core, { partyId }: Purchase, terms: PurchaseTerms) {
  const { network } = chainOf(core, terms.network);
  return {
    payerId: partyId,
    subject: 'purchase',
    payee: terms.payTo,
    rail: railOf(terms.dialect),
    currency: chainCurrency(network.asset.symbol, network.name),
    amount: amountOf(terms),
  };
}

/** The proof as it was kept. */
export function proofOf(core: Core, { id, sealedProof }: Purchase): PurchaseProof {
  return JSON.parse(core.ports.vault.open(sealedProof as string, `${id} proof`)) as PurchaseProof;
}

/** Pins the terms that wait for approval. */
export function quote(core: Core, purchase: Purchase, terms: PurchaseTerms): Promise<Purchase> {
  return step(core, purchase, (scene, kept) => move(scene, kept, 'quote', { terms }));
}

/** Leaves a quoted purchase until its approval is decided. */
export function waitFor(core: Core, purchase: Purchase, approvalId: string): Promise<Purchase> {
  return step(core, purchase, (scene, kept) => {
    const waits = waitsIn(core, scene, approvalId);
    const nextAttemptAt = waits ? null : new Date(core.clock.now());
    return scene.update(purchaseRows, kept, { approvalId, nextAttemptAt });
  });
}

/** Ends a purchase that the gate refused, and tells of it. */
export function reject(
  core: Core,
  purchase: Purchase,
  { reason, terms }: { reason: string; terms: PurchaseTerms },
): Promise<Purchase> {
  const { decimals } = chainOf(core, terms.network).network.asset;
  return step(core, purchase, (scene, kept) => {
    tellRejected(core, scene, kept, { reason, terms, decimals });
    return move(scene, kept, 'reject', ended(core, { terms, failure: reason }));
  });
}

/** What the seller, or the facilitator, answered to the proof. */
export type PurchaseOutcome = Partial<
  Pick<Purchase, 'claim' | 'failure' | 'sellerStatus' | 'contentType' | 'response'>
>;

/** Writes down what came of sending the proof. */
export function hear(
  core: Core,
  purchase: Purchase,
  {
    outcome,
    nextAttemptAt,
    ...answer
  }: { outcome: 'deliver' | 'refuse' | 'lose' } & PurchaseOutcome & Partial<Pick<Purchase, 'nextAttemptAt'>>,
): Promise<Purchase> {
  return step(core, purchase, (scene, kept) => {
    // The chain may have ended it meanwhile; what the seller answered is kept all the same.
    const state = transition(kept.state, outcome) ?? kept.state;
    return scene.update(purchaseRows, kept, {
      ...answer,
      state,
      ...(isSettled(state) ? { nextAttemptAt: null } : nextAttemptAt !== undefined && { nextAttemptAt }),
    });
  });
}

/** Lets somebody else take the purchase on at that time. */
export function putOff(core: Core, purchase: Purchase, nextAttemptAt: Date | null): Promise<Purchase> {
  return step(core, purchase, (scene, kept) => scene.update(purchaseRows, kept, { nextAttemptAt }));
}

/**
 * The money moved, proved by its transaction: whoever says so, and however often.
 * @param answer of whoever works on the purchase: what was heard of it, written down in the same step
 */
export function confirm(
  core: Core,
  purchase: Purchase,
  reference: string,
  answer?: PurchaseOutcome,
): Promise<Purchase> {
  const { id, partyId, holdId } = purchase;
  const row: Want = answer ? [purchaseRows, [id], purchase] : [purchaseRows, [id]];
  return core.batch.run({
    wants: [row, [holds, [holdId as string]], ...allowWants(partyId)],
    lane: id,
    decide(scene) {
      const kept = scene.find(purchaseRows, id) as Purchase;
      if (isSettled(kept.state)) return answer ? scene.update<Purchase>(purchaseRows, kept, answer) : kept;
      const terms = kept.terms as PurchaseTerms;
      const { network } = chainOf(core, terms.network);
      captureIn(core, scene, {
        holdId: kept.holdId as string,
        reason: 'confirm',
        postings: ({ walletId, asset, amount }) =>
          movements.chainPaid({ network: network.name, walletId, asset, amount, fee: 0n }),
      });
      completePurchaseIn(core, scene, kept.transactionId as string, reference);
      if (kept.way === 'withdrawal')
        emitIn(core, scene, withdrawalCompleted, withdrawalObject({ ...kept, reference }, network));
      return move(scene, kept, 'confirm', ended(core, { ...answer, reference }));
    },
  });
}

/** The chain proves that the money was not moved and cannot be any more. */
export function release(core: Core, { id, partyId, holdId }: Purchase, failure: string): Promise<Purchase> {
  return core.batch.run({
    wants: [[purchaseRows, [id]], [holds, [holdId as string]], ...allowWants(partyId)],
    lane: id,
    decide(scene) {
      const kept = scene.find(purchaseRows, id) as Purchase;
      if (isSettled(kept.state)) return kept;
      giveBack(core, scene, kept, 'release');
      failPurchaseIn(core, scene, kept.transactionId as string, failure);
      if (kept.way === 'withdrawal') {
        const { network } = chainOf(core, (kept.terms as PurchaseTerms).network);
        emitIn(core, scene, withdrawalFailed, withdrawalObject(kept, network));
      }
      return move(scene, kept, 'release', ended(core, { failure: kept.failure ?? failure }));
    },
  });
}

function giveBack(core: Core, scene: Scene, { partyId, holdId, terms, way }: Purchase, reason: string): void {
  const { amount, payTo: payee } = { ...(terms as PurchaseTerms), amount: amountOf(terms as PurchaseTerms) };
  // The windows counted it when its money was reserved.
  const { createdAt: at } = scene.find(holds, holdId as string) as Hold;
  const spent = { payer: partyId, payee, amount, at, own: way === 'withdrawal' };
  giveBackIn(core, scene, { holdId: holdId as string, reason, spent });
}

function ended(core: Core, change: Partial<Purchase>): Partial<Purchase> {
  return { ...change, endedAt: new Date(core.clock.now()), nextAttemptAt: null };
}

/** Takes a purchase on; undefined when somebody else works on it. @throws AgentPayError `purchase_not_found` */
export async function taken(core: Core, id: string): Promise<Purchase | undefined> {
  const now = core.clock.now();
  const mine = await store.take(core.db, { id, now: new Date(now), until: new Date(now + CLAIM_MS) });
  if (mine || (await store.purchases.find(core.db, { id }))) return mine;
  throw new AgentPayError('purchase_not_found', 'There is no purchase with this id.');
}

export function inProgress(): AgentPayError {
  return new AgentPayError('payment_in_progress', 'This purchase is being made.', { retryAfter: 1 });
}

/** A step by whoever works on the purchase. @throws AgentPayError `payment_in_progress` when somebody else has taken it on */
function step(
  core: Core,
  purchase: Purchase,
  change: (scene: Scene, kept: Purchase) => Purchase,
): Promise<Purchase> {
  return core.batch.run({
    wants: rowOf(purchase),
    lane: purchase.id,
    decide: (scene) => change(scene, ours(scene, purchase)),
  });
}

/** The row of a purchase for whoever works on it: as they have it. */
function rowOf(purchase: Purchase): Want[] {
  return purchase.state === 'draft' ? [] : [[purchaseRows, [purchase.id], purchase]];
}

function ours(scene: Scene, purchase: Purchase): Purchase {
  if (purchase.state === 'draft') {
    scene.insert(purchaseRows, purchase);
    return purchase;
  }
  const { id, attempts } = purchase;
  const kept = scene.find(purchaseRows, id);
  if (kept?.attempts === attempts) return kept;
  throw new AgentPayError('payment_in_progress', 'Somebody else works on this purchase.', { retryAfter: 1 });
}

function move(scene: Scene, kept: Purchase, event: PurchaseStep, change: Partial<Purchase>): Purchase {
  const state = transition(kept.state, event);
  if (!state)
    throw new AgentPayError('payment_in_progress', `The purchase is ${kept.state}.`, { retryAfter: 1 });
  return scene.update(purchaseRows, kept, { ...change, state });
}
