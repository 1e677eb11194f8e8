import { z } from 'zod';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import { emitIn, eventType } from '../events/index.js';
import type { EventType } from '../events/index.js';
import type { Dispute } from './Dispute.js';

const text = z.string();
const dispute = {
  id: text,
  payment_id: text.nullable(),
  invoice_id: text.nullable(),
  agreement_id: text.nullable(),
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

export function tell(core: Core, scene: Scene, type: EventType<string, typeof dispute>, of: Dispute): void {
  emitIn(core, scene, type, emissionOf(of));
}

/** What every event about a dispute tells, and whom. */
export function emissionOf(of: Dispute) {
  const { id, paymentId, invoiceId, agreementId, status, reason, description, note } = of;
  const object = {
    id,
    payment_id: paymentId,
    invoice_id: invoiceId,
    agreement_id: agreementId,
    status,
    reason,
    description,
    note,
  };
  return { subject: id, audience: audienceOf(of), object };
}

/** Who is told of a dispute. */
function audienceOf({ openerId, otherId }: Dispute): { id: string }[] {
  return otherId === null ? [{ id: openerId }] : [{ id: openerId }, { id: otherId }];
}
