import { formatDecimal } from '@agentpay/primitives';
import { z } from 'zod';
import { eventType } from '../events/index.js';
import type { Approval } from './Approval.js';

const text = z.string();
const approval = {
  id: text,
  status: text,
  subject: text,
  agent_id: text,
  amount: text,
  currency: text,
  payee: text,
  rail: text,
  description: text.nullable(),
  rule_id: text.nullable(),
  note: text.nullable(),
  expires_at: text,
};

/** Somebody wants to spend what needs the approval of its owner. */
export const approvalRequested = eventType('approval.requested', approval);
/** By what happened to it. */
export const approvalMoved = {
  approve: eventType('approval.approved', approval),
  reject: eventType('approval.rejected', approval),
  expire: eventType('approval.expired', approval),
} as const;

/** What every event about an approval tells, and whom. */
export function emissionOf(of: Approval) {
  const object = {
    id: of.id,
    status: of.status,
    subject: of.subject,
    agent_id: of.payerId,
    amount: formatDecimal(of.amount),
    currency: of.currency,
    payee: of.payee,
    rail: of.rail,
    description: of.description,
    rule_id: of.ruleId,
    note: of.note,
    expires_at: of.expiresAt.toISOString(),
  };
  const audience = [of.payerId, of.ownerId].flatMap((id) => (id === null ? [] : [{ id }]));
  return { subject: of.id, audience, object };
}
