import { z } from 'zod';
import { eventType } from '../events/index.js';

const text = z.string();
const member = { id: text, org_id: text, role: text, status: text, email: text.nullable() };

export const memberInvited = eventType('org.member_invited', member);
export const memberJoined = eventType('org.member_joined', member);
export const memberRemoved = eventType('org.member_removed', member);

/** A policy stopped a spending. */
export const policyEnforced = eventType('org.policy_enforced', {
  id: text,
  org_id: text,
  policy_id: text,
  party_id: text,
  reason: text,
});
