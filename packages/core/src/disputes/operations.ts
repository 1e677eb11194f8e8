import { AgentPayError, isId, newId, textBounds } from '@agentpay/primitives';
import type { Amount, Queryable } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { DAY_MS } from '../calendar.js';
import { emit } from '../events/index.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { paymentRows } from '../payments/index.js';
import type { Payment } from '../payments/index.js';
import { checkOptionalLines, checkOptionalText, checkText } from '../text.js';
import { isUndecided, opened } from './Dispute.js';
import type { Dispute, DisputeEvent, DisputeStatus, Evidence } from './Dispute.js';
import { disputeEvidenceAdded, disputeOpened, emissionOf, tell } from './events.js';
import * as store from './DisputeStore.js';
import { moveOnAgreement } from './agreements.js';
import { moveOnInvoice } from './invoices.js';
import { moveOnPayment } from './payments.js';
import { wrongState } from './step.js';

type OfDispute = { readonly principal: Principal; readonly disputeId: string };

/** Pieces of evidence that one dispute takes. */
const MAX_EVIDENCE = 50;

/**
 * Opens the one dispute about a payment. For its payer and its payee.
 * @throws AgentPayError `payment_not_found`, `payment_wrong_state` unless it is completed, `dispute_window_closed`, `duplicate_dispute`
 */
export async function open(
  core: Core,
  request: { principal: Principal; paymentId: string; reason: string; description?: string | undefined },
): Promise<Dispute> {
  const { principal, paymentId } = request;
  const reason = checkText('reason', request.reason);
  const description = checkOptionalLines('description', request.description);
  if (!isId('transaction', paymentId)) throw noPayment();
  return core.batch.run({
    wants: [
      [paymentRows, [paymentId]],
      [store.disputesOfPayments, [paymentId]],
    ],
    lane: paymentId,
    decide(scene) {
      const payment = scene.find(paymentRows, paymentId);
      const opener = principal.party.id;
      if (!payment || (payment.payerId !== opener && payment.payeeId !== opener)) throw noPayment();
      assertDisputable(core, payment);
      if (scene.find(store.disputesOfPayments, paymentId))
        throw new AgentPayError('duplicate_dispute', 'There is a dispute about this payment already.');
      const dispute: Dispute = {
        ...opened,
        id: newId('dispute', core),
        paymentId,
        openerId: opener,
        otherId: payment.payerId === opener ? payment.payeeId : payment.payerId,
        reason,
        description,
        createdAt: new Date(core.clock.now()),
      };
      scene.insert(store.disputeRows, dispute);
      tell(core, scene, disputeOpened, dispute);
      return dispute;
    },
  });
}

/** A dispute about a payment that the caller made or received; any for the operator. @throws AgentPayError `dispute_not_found` */
export async function get(
  core: Core,
  request: OfDispute,
): Promise<{ dispute: Dispute; evidence: Evidence[] }> {
  const dispute = visible(await findDispute(core.db, request.disputeId), request.principal);
  return { dispute, evidence: await store.selectEvidence(core.db, dispute.id) };
}

/** The dispute about a payment that the caller made or received; null when there is none. */
export async function ofPayment(
  core: Core,
  { principal, paymentId }: { principal: Principal; paymentId: string },
): Promise<Dispute | null> {
  const dispute = await store.disputes.find(core.db, { paymentId });
  return dispute ? visible(dispute, principal) : null;
}

/** Disputes that concern the caller, newest first; all of them for the operator. */
export function list(
  core: Core,
  request: {
    principal: Principal;
    status?: DisputeStatus | undefined;
    /** Both unless told. */
    about?: 'payment' | 'invoice' | undefined;
  } & PageRequest,
): Promise<{ disputes: Dispute[] } & Counted> {
  const { party } = request.principal;
  const partyId = party.kind === 'platform' ? null : party.id;
  const { status = null, about = null } = request;
  return store.selectDisputes(core.db, { partyId, status, about, ...page(request) });
}

/**
 * Adds evidence for the caller's side, until the dispute is decided.
 * @throws AgentPayError `dispute_not_found`, `dispute_wrong_state`, `invalid_request`, `conflict` beyond 50 pieces
 */
export function addEvidence(
  core: Core,
  request: OfDispute & { type: string; content: string },
): Promise<Evidence> {
  const type = checkText('evidenceType', request.type);
  const { content } = request;
  if (content === '' || content.length > textBounds.evidence || content.includes('\0'))
    throw new AgentPayError(
      'invalid_request',
      `content must be text of 1 to ${textBounds.evidence} characters.`,
      {
        param: 'content',
      },
    );
  return core.db.tx(async (tx) => {
    const kept = isDispute(request.disputeId) ? await store.lockDispute(tx, request.disputeId) : undefined;
    const dispute = visible(kept, request.principal);
    if (!isUndecided(dispute.status)) throw wrongState(dispute);
    if ((await store.selectEvidence(tx, dispute.id)).length >= MAX_EVIDENCE)
      throw new AgentPayError('conflict', `The dispute has ${MAX_EVIDENCE} pieces of evidence already.`, {
        reason: 'too_much_evidence',
      });
    const added: Evidence = {
      id: newId('evidence', core),
      disputeId: dispute.id,
      partyId: request.principal.party.id,
      type,
      content,
      createdAt: new Date(core.clock.now()),
    };
    await store.evidence.insert(tx, added);
    await emit(core, tx, disputeEvidenceAdded, emissionOf(dispute));
    return added;
  });
}

/**
 * The opener takes the dispute back, before it is reviewed.
 * @throws AgentPayError `dispute_not_found`, `forbidden`, `dispute_wrong_state`
 */
export function withdraw(core: Core, request: OfDispute): Promise<Dispute> {
  return move(core, request, 'withdraw', null);
}

/** The operator takes the dispute up. @throws AgentPayError `forbidden`, `dispute_not_found`, `dispute_wrong_state` */
export async function review(core: Core, request: OfDispute): Promise<Dispute> {
  requireParty(request.principal, 'platform');
  return move(core, request, 'review', null);
}

/**
 * The operator decides. `refund` gives the payer back what is left of the amount, from the payee as far as it has it and from the
 * platform beyond that; the fee stays. If it was paid by token, the token is `refunded` and its service less trusted. About an
 * agreement: the buyer gets back what was used, or `refundAmount` of it. Deciding the same again changes nothing.
 * @throws AgentPayError `forbidden`, `dispute_not_found`, `dispute_wrong_state`
 */
export async function resolve(
  core: Core,
  request: OfDispute & {
    resolution: 'refund' | 'deny';
    note?: string | undefined;
    /** Of an agreement: how much of what was used the buyer gets back. */
    refundAmount?: Amount | undefined;
  },
): Promise<Dispute> {
  requireParty(request.principal, 'platform');
  return move(core, request, request.resolution, checkOptionalText('description', request.note));
}

async function move(
  core: Core,
  { principal, disputeId, refundAmount }: OfDispute & { refundAmount?: Amount | undefined },
  event: DisputeEvent,
  note: string | null,
): Promise<Dispute> {
  const { paymentId, agreementId } = visible(await findDispute(core.db, disputeId), principal);
  if (agreementId !== null)
    return moveOnAgreement(core, { principal, disputeId, agreementId, event, note, refundAmount });
  if (refundAmount !== undefined)
    throw new AgentPayError('invalid_request', 'Only what was used of an agreement is given back in part.', {
      param: 'refundAmount',
    });
  if (paymentId === null) return moveOnInvoice(core, { principal, disputeId, event, note });
  return moveOnPayment(core, { principal, disputeId, paymentId, event, note });
}

function assertDisputable(core: Core, { status, completedAt }: Payment): void {
  if (status !== 'completed' || completedAt === null)
    throw new AgentPayError(
      'payment_wrong_state',
      `The payment is ${status}; only completed ones are disputed.`,
      {
        reason: status,
      },
    );
  const { windowDays } = core.settings.disputes;
  if (core.clock.now() > completedAt.getTime() + windowDays * DAY_MS)
    throw new AgentPayError('dispute_window_closed', `Payments are disputed within ${windowDays} days.`);
}

async function findDispute(db: Queryable, id: string): Promise<Dispute | undefined> {
  return isDispute(id) ? store.findDispute(db, id) : undefined;
}

function isDispute(id: string): boolean {
  return isId('dispute', id) || isId('invoice_dispute', id);
}

function visible(dispute: Dispute | undefined, { party }: Principal): Dispute {
  const concerned = dispute && (dispute.openerId === party.id || dispute.otherId === party.id);
  if (dispute && (concerned || party.kind === 'platform')) return dispute;
  throw new AgentPayError('dispute_not_found', 'You have no dispute with this id.');
}

function noPayment(): AgentPayError {
  return new AgentPayError('payment_not_found', 'You have no payment with this id.');
}
