/** A party of a payment, or the customer of an invoice, says that something is wrong with it. */
export interface Dispute {
  /** `disp_...`; `dp_...` about an invoice */
  readonly id: string;
  /** What it is about is one of the three. */
  readonly paymentId: string | null;
  readonly invoiceId: string | null;
  readonly agreementId: string | null;
  /** The party that opened it. */
  readonly openerId: string;
  /** The other party; null when it is not on the platform. */
  readonly otherId: string | null;
  readonly reason: string;
  readonly description: string | null;
  readonly status: DisputeStatus;
  /** What the operator wrote about the decision. */
  readonly note: string | null;
  readonly createdAt: Date;
  readonly resolvedAt: Date | null;
}

/** What a dispute is before it is about something and anything is decided. */
export const opened = {
  paymentId: null,
  invoiceId: null,
  agreementId: null,
  status: 'open',
  note: null,
  resolvedAt: null,
} as const satisfies Partial<Dispute>;

/** Something that speaks for one side. */
export interface Evidence {
  /** `evd_...` */
  readonly id: string;
  readonly disputeId: string;
  /** The party that gave it. */
  readonly partyId: string;
  /** "log_excerpt", "screenshot", "api_response", ... */
  readonly type: string;
  /** Text, or base64. */
  readonly content: string;
  readonly createdAt: Date;
}

const table = {
  open: {
    review: 'under_review',
    withdraw: 'withdrawn',
    refund: 'resolved_refunded',
    deny: 'resolved_denied',
  },
  under_review: { refund: 'resolved_refunded', deny: 'resolved_denied' },
  withdrawn: {},
  resolved_refunded: {},
  resolved_denied: {},
} as const;

export type DisputeStatus = keyof typeof table;
export type DisputeEvent = 'review' | 'withdraw' | 'refund' | 'deny';

export const disputeStatuses = Object.keys(table) as readonly DisputeStatus[];

/** Where each event leads, from wherever it may happen. */
const leadsTo: Record<DisputeEvent, DisputeStatus> = {
  review: 'under_review',
  withdraw: 'withdrawn',
  refund: 'resolved_refunded',
  deny: 'resolved_denied',
};

/** What becomes of a dispute by an event. `repeat`: it happened already, which changes nothing. */
export function decideDispute(
  status: DisputeStatus,
  event: DisputeEvent,
): { kind: 'apply'; to: DisputeStatus } | { kind: 'repeat' } | { kind: 'refuse' } {
  const to = (table[status] as Partial<Record<DisputeEvent, DisputeStatus>>)[event];
  if (to !== undefined) return { kind: 'apply', to };
  return status === leadsTo[event] ? { kind: 'repeat' } : { kind: 'refuse' };
}

/** Whether evidence is still taken. */
export function isUndecided(status: DisputeStatus): boolean {
  return status === 'open' || status === 'under_review';
}
