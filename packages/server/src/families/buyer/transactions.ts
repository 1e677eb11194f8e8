import { buyer } from '@agentpay/api';
import { agents, disputes, payments } from '@agentpay/core';
import type { Core, Principal } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';
import { showPostings } from '../showPostings.js';
import { showDispute, sideOf } from './disputes.js';

export const handlers = implement(buyer.nouns.transactions, ({ core }) => ({
  async list({ principal, params, query }) {
    const agent = await agents.actFor(core.db, { principal, agentId: params.id });
    const page = await payments.list(core, { principal: agent, ...query });
    return { transactions: page.payments.map((payment) => show(params.id, payment)), ...counted(page) };
  },
  async get({ principal, params: { id: agentId, transaction_id: paymentId } }) {
    const agent = await agents.actFor(core.db, { principal, agentId });
    return read(core, agent, paymentId);
  },
  async refund({ principal, params: { id: agentId, transaction_id: paymentId }, body }) {
    const agent = await agents.actFor(core.db, { principal, agentId });
    const { amount, reason } = body;
    await payments.refund(core, { principal: agent, paymentId, amount, reason });
    return read(core, agent, paymentId);
  },
  async dispute({ principal, params: { id: agentId, transaction_id: paymentId }, body }) {
    const agent = await agents.actFor(core.db, { principal, agentId });
    const { reason, description } = body;
    await disputes.open(core, { principal: agent, paymentId, reason, description });
    return read(core, agent, paymentId);
  },
}));

async function read(core: Core, agent: Principal<'agent'>, paymentId: string) {
  const request = { principal: agent, paymentId };
  const trace = await payments.trace(core, request);
  return showTrace(agent.party.id, trace, await disputes.ofPayment(core, request));
}

function show(agentId: string, payment: payments.Payment) {
  const { id, amount, currency, rail, status, payeeExternal, payeeWalletId, createdAt } = payment;
  const role = sideOf(payment, agentId);
  return { id, amount, currency, rail, status, role, to: payeeExternal ?? payeeWalletId, createdAt };
}

function showTrace(
  agentId: string,
  { payment, journals, events }: payments.PaymentTrace,
  dispute: disputes.Dispute | null,
) {
  const { fee, refunded, refunding, description, reference, failure, completedAt } = payment;
  return {
    ...show(agentId, payment),
    fee,
    refunded,
    refunding,
    description,
    reference,
    failure,
    completedAt,
    dispute: dispute && showDispute(payment, dispute),
    ledger: journals.map(({ id, kind, createdAt, postings }) => ({
      id,
      kind,
      createdAt,
      postings: showPostings(postings),
    })),
    events: events.map(({ id, type, createdAt }) => ({ id, type, createdAt })),
  };
}
