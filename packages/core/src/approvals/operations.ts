import { AgentPayError, isId, newId } from '@agentpay/primitives';
import type { Queryable, Tx } from '@agentpay/primitives';
import { approverOf } from '../agents/index.js';
import { attemptDue } from '../attempts.js';
import { recordIn } from '../audit/index.js';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import { emit, emitIn } from '../events/index.js';
import type { Principal } from '../identity/index.js';
import type { JobReport } from '../Job.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { lock } from '../parties/index.js';
import { checkOptionalText } from '../text.js';
import { covers, decideApproval, stands } from './Approval.js';
import type { Approval, ApprovalEvent, ApprovalStatus, ApprovedTerms } from './Approval.js';
import * as store from './ApprovalStore.js';
import { approvalMoved, approvalRequested, emissionOf } from './events.js';
import { approvalRefused } from './refusals.js';

type OfApproval = { readonly principal: Principal; readonly approvalId: string };

/** What a party wants to spend, as its owner will read it. */
export type ApprovalRequest = ApprovedTerms &
  Pick<Approval, 'reference'> &
  Partial<Pick<Approval, 'ownerId' | 'description' | 'ruleId'>>;

/** Approvals of one party that wait at the same time. */
const MAX_PENDING = 100;

/**
 * Asks for an approval. Asking again for the same gives the one that is there: it waits, was given and not used, or was refused a short
 * while ago.
 * @throws AgentPayError `conflict` when the reference stands for another spending, `policy_denied` (reason `too_many_approvals`) when
 * 100 wait already
 */
export function request(core: Core, wanted: ApprovalRequest): Promise<Approval> {
  return core.db.tx((tx) => requestIn(core, tx, wanted));
}

/** {@link request} inside the caller's transaction. */
export async function requestIn(core: Core, tx: Tx, wanted: ApprovalRequest): Promise<Approval> {
  const nowMs = core.clock.now();
  await lock(tx, { partyId: wanted.payerId });
  const last = await store.findLast(tx, wanted);
  if (last && stands(last, nowMs)) {
    if (covers(last, wanted)) return last;
    throw new AgentPayError('conflict', 'The idempotency key was used for another payment.', {
      param: 'idempotencyKey',
    });
  }
  // The job has not met it yet.
  if (last?.status === 'pending') await expireIn(core, tx, last);
  if ((await store.countPending(tx, wanted.payerId)) >= MAX_PENDING)
    throw new AgentPayError('policy_denied', `${MAX_PENDING} approvals wait for their owner already.`, {
      reason: 'too_many_approvals',
    });
  const { description = null, ruleId = null, ...terms } = wanted;
  const ownerId = wanted.ownerId ?? (await approverOf(tx, { partyId: wanted.payerId }));
  const approval: Approval = {
    id: newId('approval', core),
    ...terms,
    ownerId,
    description,
    ruleId,
    status: 'pending',
    note: null,
    createdAt: new Date(nowMs),
    expiresAt: new Date(nowMs + core.settings.approvals.ttlMs),
    decidedAt: null,
    decidedBy: null,
    usedBy: null,
  };
  await store.approvals.insert(tx, approval);
  await emit(core, tx, approvalRequested, emissionOf(approval));
  return approval;
}

async function expireIn(core: Core, tx: Tx, { id }: Approval): Promise<void> {
  const [expired] = await store.approvals.update(tx, { id, status: 'pending' }, { status: 'expired' });
  if (expired) await emit(core, tx, approvalMoved.expire, emissionOf(expired));
}

/**
 * An approval that the caller asked for or decides; any for the operator of the platform.
 * @throws AgentPayError `approval_not_found`
 */
export async function get(core: Core, { principal, approvalId }: OfApproval): Promise<Approval> {
  const approval = isId('approval', approvalId)
    ? await store.approvals.find(core.db, { id: approvalId })
    : undefined;
  return visible(approval, principal);
}

/** Approvals that concern the caller, newest first; all of them for the operator of the platform. */
export function list(
  core: Core,
  wanted: {
    principal: Principal;
    /** Of one who wants to spend. */
    payerId?: string | undefined;
    status?: ApprovalStatus | undefined;
  } & PageRequest,
): Promise<{ approvals: Approval[] } & Counted> {
  const { party } = wanted.principal;
  const partyId = party.kind === 'platform' ? null : party.id;
  return store.selectApprovals(core.db, {
    partyId,
    payerId: wanted.payerId ?? null,
    status: wanted.status ?? null,
    ...page(wanted),
  });
}

/**
 * The owner, or the operator of the platform, allows the spending once; again changes nothing.
 * @throws AgentPayError `approval_not_found`, `forbidden` for who wants to spend, `approval_wrong_state`
 */
export function approve(core: Core, request: OfApproval & { note?: string | undefined }): Promise<Approval> {
  return decide(core, request, 'approve');
}

/** The same as {@link approve}, against the spending. */
export function reject(core: Core, request: OfApproval & { note?: string | undefined }): Promise<Approval> {
  return decide(core, request, 'reject');
}

async function decide(
  core: Core,
  { principal, approvalId, note }: OfApproval & { note?: string | undefined },
  event: 'approve' | 'reject',
): Promise<Approval> {
  const written = checkOptionalText('description', note);
  if (!isId('approval', approvalId)) throw notFound();
  return core.batch.run({
    wants: [[store.approvalRows, [approvalId]]],
    lane: approvalId,
    decide: (scene) => decideIn(core, scene, { principal, approvalId, event, note: written }),
  });
}

/** {@link approve} and {@link reject} inside a batch. */
export function decideIn(
  core: Core,
  scene: Scene,
  decision: OfApproval & { event: 'approve' | 'reject'; note: string | null },
): Approval {
  const { principal, approvalId, event, note } = decision;
  const approval = visible(scene.find(store.approvalRows, approvalId), principal);
  const decidedBy = principal.party.id;
  if (principal.party.kind !== 'platform' && decidedBy !== approval.ownerId)
    throw new AgentPayError('forbidden', 'Only the owner decides what may be spent.');
  const moved = move(core, scene, approval, event, { note, decidedBy });
  if (moved === approval) return moved;
  const [before, after] = [approval, moved].map(({ status, note: of }) => ({ status, note: of }));
  const tenants = [approval.payerId, approval.ownerId];
  recordIn(core, scene, { principal, act: `approval.${event}`, subject: approvalId, tenants, before, after });
  return moved;
}

function move(
  core: Core,
  scene: Scene,
  approval: Approval,
  event: ApprovalEvent,
  { note, decidedBy }: Pick<Approval, 'note' | 'decidedBy'>,
): Approval {
  const nowMs = core.clock.now();
  const outcome = decideApproval(approval, event, nowMs);
  if (outcome.kind === 'repeat') return approval;
  if (outcome.kind === 'refuse')
    throw new AgentPayError('approval_wrong_state', `The approval is ${outcome.reason}.`, {
      reason: outcome.reason,
    });
  const decided =
    event === 'expire'
      ? {}
      : {
          note,
          decidedBy,
          decidedAt: new Date(nowMs),
          expiresAt: new Date(nowMs + core.settings.approvals.ttlMs),
        };
  const moved = scene.update(store.approvalRows, approval, { status: outcome.to, ...decided });
  emitIn(core, scene, approvalMoved[event], emissionOf(moved));
  return moved;
}

/**
 * Uses an approval up, inside the batch that spends. It allows one spending: to its payee by its rail, at most its amount, before it
 * expires.
 * @throws AgentPayError `approval_not_found`, `policy_denied` with the reason `approval_required` (nobody has decided yet),
 * `approval_rejected`, `approval_expired`, `approval_used` or `approval_mismatch`
 */
export function useIn(
  core: Pick<Core, 'clock'>,
  scene: Scene,
  { approvalId, usedBy, ...terms }: ApprovedTerms & { approvalId: string; usedBy: string },
): void {
  const approval = isId('approval', approvalId) ? scene.find(store.approvalRows, approvalId) : undefined;
  if (approval?.payerId !== terms.payerId) throw notFound();
  const over = core.clock.now() >= approval.expiresAt.getTime();
  if (approval.status === 'rejected') throw approvalRefused('approval_rejected', approval);
  if (approval.usedBy !== null) throw approvalRefused('approval_used', approval);
  if (approval.status === 'expired' || over) throw approvalRefused('approval_expired', approval);
  if (approval.status === 'pending') throw approvalRefused('approval_required', approval);
  if (!covers(approval, terms)) throw approvalRefused('approval_mismatch', approval);
  scene.update(store.approvalRows, approval, { usedBy });
}

/** Whether an approval still waits for its decision. */
export function waitsIn(core: Pick<Core, 'clock'>, scene: Scene, approvalId: string): boolean {
  const approval = scene.find(store.approvalRows, approvalId);
  return approval?.status === 'pending' && core.clock.now() < approval.expiresAt.getTime();
}

/** The last approval that was asked for under a reference, whatever became of it. */
export function lastOf(
  db: Queryable,
  of: Pick<Approval, 'payerId' | 'subject' | 'reference'>,
): Promise<Approval | undefined> {
  return store.findLast(db, of);
}

/** Ends approvals that nobody decided in time, at most `limit`. */
export async function expireDue(core: Core, { limit }: { limit: number }): Promise<JobReport> {
  const { done, failures } = await attemptDue(core, {
    job: 'approvals.expire',
    limit,
    due: store.dueRows,
    attempt: ({ id }) =>
      core.batch.run({
        wants: [[store.approvalRows, [id]]],
        lane: id,
        decide(scene) {
          const approval = scene.find(store.approvalRows, id) as Approval;
          // Somebody decided meanwhile.
          if (decideApproval(approval, 'expire', core.clock.now()).kind !== 'apply') return;
          move(core, scene, approval, 'expire', { note: null, decidedBy: null });
        },
      }),
  });
  return { done: { expired: done }, failures };
}

function visible(approval: Approval | undefined, { party }: Principal): Approval {
  const concerned = approval && (approval.payerId === party.id || approval.ownerId === party.id);
  if (approval && (concerned || party.kind === 'platform')) return approval;
  throw notFound();
}

function notFound(): AgentPayError {
  return new AgentPayError('approval_not_found', 'You have no approval with this id.', {
    param: 'approvalId',
  });
}
