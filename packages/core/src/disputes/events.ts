import { z } from 'zod';
import { eventType } from '../events/index.js';
import type { Dispute } from './Dispute.js';

const text = z.string();
const dispute = {
  id: text,
  payment_id: text,
  status: text,
  reason: text,
  description: text.nullable(),
  note: text.nullable(),
};

export const disputeOpened = eventType('dispute.opened', dispute);
export const disputeEvidenceAdded = eventType('dispute.evidence_added', dispute);
/** By what happened to it. */
export const disputeMoved = {
  review: eventType('dispute.under_review', dispute),
  withdraw: eventType('dispute.withdrawn', dispute),
  refund: eventType('dispute.resolved_refunded', dispute),
  deny: eventType('dispute.resolved_denied', dispute),
} as const;

/** What every event about a dispute tells. */
export function disputeObject({ id, paymentId, status, reason, description, note }: Dispute) {
  return { id, payment_id: paymentId, status, reason, description, note };
}

/** Who is told of a dispute. */
export function audienceOf({ openerId, otherId }: Dispute): { id: string }[] {
  return otherId === null ? [{ id: openerId }] : [{ id: openerId }, { id: otherId }];
}
