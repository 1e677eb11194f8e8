import type { Amount } from '@agentpay/primitives';

/** Something that a party wants to spend, and that somebody else must allow first. */
export interface Approval {
  /** `apr_...` */
  readonly id: string;
  /** The party that wants to spend. */
  readonly payerId: string;
  /** The party that decides beside the operator of the platform; null: nobody else does. */
  readonly ownerId: string | null;
  /** What is to be done: "payment", "token", "purchase", "agreement", ... */
  readonly subject: string;
  /** Which one: asking again with the same reference asks for the same approval. */
  readonly reference: string;
  /** The most that may be spent, without a fee on top. */
  readonly amount: Amount;
  readonly currency: string;
  /** The one payee: id of a wallet or service, or an external label. */
  readonly payee: string;
  readonly rail: string;
  readonly description: string | null;
  /** The rule that asks for it. */
  readonly ruleId: string | null;
  readonly status: ApprovalStatus;
  /** What was written about the decision. */
  readonly note: string | null;
  readonly createdAt: Date;
  /** Until when it is decided; of an approved one until when it may be used; of a rejected one until when asking again is refused. */
  readonly expiresAt: Date;
  readonly decidedAt: Date | null;
  /** The party that decided. */
  readonly decidedBy: string | null;
  /** Id of what it was used for. */
  readonly usedBy: string | null;
}

/** What an approval is compared by when it is used. */
export type ApprovedTerms = Pick<Approval, 'payerId' | 'subject' | 'payee' | 'rail' | 'currency' | 'amount'>;

const table = {
  pending: { approve: 'approved', reject: 'rejected', expire: 'expired' },
  approved: {},
  rejected: {},
  expired: {},
} as const;

export type ApprovalStatus = keyof typeof table;
export type ApprovalEvent = 'approve' | 'reject' | 'expire';

export const approvalStatuses = Object.keys(table) as readonly ApprovalStatus[];

/** What becomes of an approval by an event. `repeat`: it happened already, which changes nothing. */
export function decideApproval(
  { status, expiresAt }: Pick<Approval, 'status' | 'expiresAt'>,
  event: ApprovalEvent,
  nowMs: number,
): { kind: 'apply'; to: ApprovalStatus } | { kind: 'repeat' } | { kind: 'refuse'; reason: string } {
  if (status === table.pending[event]) return { kind: 'repeat' };
  const over = nowMs >= expiresAt.getTime();
  const to = (table[status] as Partial<Record<ApprovalEvent, ApprovalStatus>>)[event];
  if (to === undefined || (event === 'expire' && !over)) return { kind: 'refuse', reason: status };
  // The clock decides, whether or not the job has run.
  return over && event !== 'expire' ? { kind: 'refuse', reason: 'expired' } : { kind: 'apply', to };
}

/** Whether asking again for the same meets this one: it is open, may be used, or was refused a short while ago. */
export function stands({ status, usedBy, expiresAt }: Approval, nowMs: number): boolean {
  return status !== 'expired' && usedBy === null && nowMs < expiresAt.getTime();
}

/** Whether what is to be spent lies within what was asked for. */
export function covers(approval: Approval, terms: Omit<ApprovedTerms, 'payerId'>): boolean {
  return (
    approval.subject === terms.subject &&
    approval.payee === terms.payee &&
    approval.rail === terms.rail &&
    approval.currency === terms.currency &&
    terms.amount <= approval.amount
  );
}
