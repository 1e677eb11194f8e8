import { agreements as family } from '@agentpay/api';
import { agreements, disputes } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import { implement } from '../../http/implement.js';
import { showAgreement } from './presentAgreement.js';

export const handlers = implement(family.nouns.agreements, ({ core }) => ({
  async create({ principal, body: { service_id: serviceId, buyer_wallet_address: buyerAddress, terms } }) {
    const made = await agreements.propose(core, {
      principal,
      serviceId,
      buyerAddress,
      terms: {
        cap: terms.cap,
        unitPrice: terms.unit_price,
        unit: terms.unit,
        endsAt: terms.ends_at,
        challengeSeconds: terms.challenge_window_seconds,
        slaSeconds: terms.sla_seconds,
        description: terms.description,
      },
    });
    return showAgreement(made);
  },
  async list({ principal, query }) {
    const found = await agreements.list(core, { principal, ...query });
    return { usage_agreements: found.agreements.map(showAgreement), total: found.total };
  },
  get: async ({ principal, params }) =>
    showAgreement(await agreements.get(core, { principal, agreementId: params.agreement_id })),
  async history({ principal, params: { agreement_id: agreementId } }) {
    const steps = await agreements.history(core, { principal, agreementId });
    const history = steps.map(({ type: event, status, at }) => ({ event, status, at }));
    return { agreement_id: agreementId, history };
  },
  accept: async ({ principal, params }) =>
    showAgreement(await agreements.accept(core, { principal, agreementId: params.agreement_id })),
  reject: async ({ principal, params, body: { reason } }) =>
    showAgreement(await agreements.reject(core, { principal, agreementId: params.agreement_id, reason })),
  async activationPackage({ principal, params: { agreement_id: agreementId } }) {
    const { funding, buyerId, status } = await agreements.get(core, { principal, agreementId });
    if (buyerId !== principal.party.id)
      throw new AgentPayError('forbidden', 'Only the buyer of the agreement can do this.');
    if (status !== 'accepted' && status !== 'activation_failed')
      throw new AgentPayError('agreement_wrong_state', `The agreement is ${status}.`, { reason: status });
    const nothing = { pending: false, amount: 0n, permit: null };
    return { agreement_id: agreementId, funding, activation_intent: null, infra_fee: nothing };
  },
  activate: async ({ principal, params }) =>
    showAgreement(await agreements.activate(core, { principal, agreementId: params.agreement_id })),
  async escrowStatus({ principal, params: { agreement_id: agreementId } }) {
    const agreement = await agreements.get(core, { principal, agreementId });
    const { cap, used, status, challengeEndsAt, activatedAt } = agreement;
    return {
      agreement_id: agreementId,
      status,
      cap,
      used,
      remaining: agreements.remainingOf(agreement),
      activation_tx_hash: null,
      settlement_tx_hash: null,
      challenge_ends_at: challengeEndsAt,
      submitted_at: activatedAt,
      stuck: false,
    };
  },
  async recordUsage({ principal, params: { agreement_id: agreementId }, body }) {
    const { agreement, usage } = await agreements.record(core, {
      principal,
      agreementId,
      units: BigInt(body.units),
      eventId: body.event_id,
    });
    return {
      recorded: true as const,
      agreement_id: agreementId,
      usage_id: usage.id,
      event_id: usage.eventId,
      units: Number(usage.units),
      amount: usage.amount,
      status: agreement.status,
      used: agreement.used,
      remaining: agreements.remainingOf(agreement),
    };
  },
  complete: async ({ principal, params }) =>
    showAgreement(await agreements.complete(core, { principal, agreementId: params.agreement_id })),
  async challenge({ principal, params: { agreement_id: agreementId }, body }) {
    const { agreement, dispute } = await disputes.openOnAgreement(core, { principal, agreementId, ...body });
    return { ...showAgreement(agreement), dispute_id: dispute.id };
  },
}));
