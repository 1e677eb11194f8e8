import { buyer } from '@agentpay/api';
import { agents, disputes, payments } from '@agentpay/core';
import type { Core, Principal } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import { implement } from '../../http/implement.js';

interface Of {
  readonly principal: Principal;
  readonly params: { readonly id: string; readonly transaction_id: string };
}

export const handlers = implement(buyer.nouns.disputes, ({ core }) => ({
  async get(call) {
    const { payment, ...which } = await find(core, call);
    const { dispute, evidence } = await disputes.get(core, which);
    return {
      ...showDispute(payment, dispute),
      evidence: evidence.map((each) => showEvidence(payment, each)),
    };
  },
  async addEvidence({ body: { type, content }, ...call }) {
    const { payment, ...which } = await find(core, call);
    return showEvidence(payment, await disputes.addEvidence(core, { ...which, type, content }));
  },
  async withdraw(call) {
    const { payment, ...which } = await find(core, call);
    return showDispute(payment, await disputes.withdraw(core, which));
  },
}));

/** The dispute about a payment, as the agent of the user sees it. @throws AgentPayError `*_not_found` */
async function find(core: Core, { principal, params: { id: agentId, transaction_id: paymentId } }: Of) {
  const agent = await agents.actFor(core.db, { principal, agentId });
  const request = { principal: agent, paymentId };
  const payment = await payments.get(core, request);
  const dispute = await disputes.ofPayment(core, request);
  if (dispute) return { payment, principal: agent, disputeId: dispute.id };
  throw new AgentPayError('dispute_not_found', 'Nobody has disputed this payment.');
}

/** On which side of a payment a party is. */
export const sideOf = ({ payerId }: payments.Payment, partyId: string) =>
  partyId === payerId ? ('payer' as const) : ('payee' as const);

export function showDispute(payment: payments.Payment, dispute: disputes.Dispute) {
  const { id, status, openerId, reason, description, note, createdAt, resolvedAt } = dispute;
  return {
    id,
    status,
    openedBy: sideOf(payment, openerId),
    reason,
    description,
    note,
    createdAt,
    resolvedAt,
  };
}

function showEvidence(
  payment: payments.Payment,
  { id, partyId, type, content, createdAt }: disputes.Evidence,
) {
  return { id, by: sideOf(payment, partyId), type, content, createdAt };
}
