import { formatDecimal } from '@agentpay/primitives';
import { z } from 'zod';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import { emitIn, eventType } from '../events/index.js';
import type { Agreement } from './Agreement.js';

const text = z.string();
const agreement = {
  agreement_id: text,
  status: text,
  buyer_agent_id: text,
  seller_agent_id: text,
  service_id: text,
  currency: text,
  cap: text,
  used: text,
  paid: text.nullable(),
  request_id: text.nullable(),
  reason: text.nullable(),
};

/** By what happened to it. */
export const agreementMoved = {
  wait: eventType('agreement.pending_approval', agreement),
  propose: eventType('agreement.proposed', agreement),
  accept: eventType('agreement.accepted', agreement),
  reject: eventType('agreement.rejected', agreement),
  expire: eventType('agreement.expired', agreement),
  submit: eventType('agreement.submitting', agreement),
  activate: eventType('agreement.active', agreement),
  fail: eventType('agreement.activation_failed', agreement),
  complete: eventType('agreement.challenge_window', agreement),
  challenge: eventType('agreement.challenged', agreement),
  settle: eventType('agreement.settling', agreement),
  pay: eventType('agreement.settled', agreement),
  collect: eventType('agreement.collecting_fee', agreement),
  charge: eventType('agreement.executing_payment', agreement),
  giveBack: eventType('agreement.returning_fee', agreement),
  deliver: eventType('agreement.completed', agreement),
  abort: eventType('agreement.failed', agreement),
} as const;

/** Tells both sides and their owners what happened; the seller once it was proposed. */
export function tell(core: Core, scene: Scene, what: keyof typeof agreementMoved, of: Agreement): void {
  const sellers = of.proposedAt === null ? [] : [of.sellerId, of.sellerOwnerId];
  const concerned = [of.buyerId, of.buyerOwnerId, ...sellers];
  emitIn(core, scene, agreementMoved[what], {
    subject: of.id,
    audience: concerned.flatMap((id) => (id === null ? [] : [{ id }])),
    object: {
      agreement_id: of.id,
      status: of.status,
      buyer_agent_id: of.buyerId,
      seller_agent_id: of.sellerId,
      service_id: of.serviceId,
      currency: of.currency,
      cap: formatDecimal(of.cap),
      used: formatDecimal(of.used),
      paid: of.paid === null ? null : formatDecimal(of.paid),
      request_id: of.approvalId,
      reason: of.reason,
    },
  });
}
