/** Events that `agentpay trigger` makes happen, each by the calls of the API that lead to it. */
export const triggers = [
  'payment.initiated',
  'payment.completed',
  'payment.confirmed',
  'payment.refunded',
  'dispute.opened',
  'dispute.evidence_added',
  'dispute.withdrawn',
  'dispute.under_review',
  'dispute.resolved_refunded',
  'dispute.resolved_denied',
  'token.reserved',
  'token.cancelled',
  'token.failed',
  'token.settled',
  'token.refunded',
  'agreement.proposed',
  'agreement.accepted',
  'agreement.rejected',
  'agreement.active',
  'agreement.challenge_window',
  'agreement.challenged',
  'approval.requested',
  'approval.approved',
  'approval.rejected',
  'payout.created',
  'payout.canceled',
  'invoice.created',
  'invoice.paid',
  'subscription.created',
  'subscription.changed',
  'subscription.canceled',
  'gateway.call_completed',
] as const;
export type Trigger = (typeof triggers)[number];

/** Events that no call by the keys of a local stack makes happen at once, by what they wait for. */
export const untriggered = {
  'time passes': [
    'payment.claim_collected',
    'token.sla_breached',
    'token.expired',
    'approval.expired',
    'agreement.expired',
    'agreement.settling',
    'agreement.settled',
    'invoice.overdue',
    'subscription.renewed',
    'subscription.past_due',
  ],
  'a chain, a card or a bank answers': [
    'payment.failed',
    'payment.refund_failed',
    'payout.completed',
    'payout.failed',
    'payout.returned',
    'gateway.funding_settled',
    'gateway.funding_failed',
    'agreement.submitting',
    'agreement.activation_failed',
    'agreement.collecting_fee',
    'agreement.executing_payment',
    'agreement.returning_fee',
    'agreement.completed',
    'agreement.failed',
  ],
  'a seller, or an agent that is called, fails': ['payment.rejected', 'gateway.call_failed'],
  'somebody who is signed in, or a customer, acts': [
    'agreement.pending_approval',
    'withdrawal.requested',
    'withdrawal.completed',
    'withdrawal.failed',
    'org.member_invited',
    'org.member_joined',
    'org.member_removed',
    'org.policy_enforced',
    'invoice.voided',
    'alert.triggered',
    'webhook.test',
  ],
} as const;

/** What help says of both. */
export const triggerNotes: readonly string[] = [
  `Events that it makes happen:\n${listed(triggers)}`,
  'Others happen by themselves, when',
  ...Object.entries(untriggered).map(([when, events]) => `${when}:\n${listed(events)}`),
];

function listed(events: readonly string[]): string {
  return events.map((event) => `  ${event}`).join('\n');
}
