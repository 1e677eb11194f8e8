import { agreements as family } from '@agentpay/api';
import { agreements, disputes } from '@agentpay/core';
import type { Hex } from '@agentpay/protocol';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';
import {
  readDirect,
  readTerms,
  showAgreement,
  showEscrow,
  showPackage,
  showUsage,
} from './presentAgreement.js';

export const handlers = implement(family.nouns.agreements, ({ core }) => ({
  async create({ principal, body, repeatable }) {
    const { service_id: serviceId, buyer_wallet_address: buyerAddress, funding, terms } = body;
    if (body.settlement_model === 'direct_payment') {
      const direct = { principal, repeatable, serviceId, buyerAddress, ...readDirect(body) };
      return showAgreement(await agreements.proposeDirect(core, direct));
    }
    const proposed = { serviceId, buyerAddress, funding, terms: readTerms(terms) };
    return showAgreement(await agreements.proposeOnce(core, { principal, repeatable, ...proposed }));
  },
  async list({ principal, query }) {
    const found = await agreements.list(core, { principal, ...query });
    return { usage_agreements: found.agreements.map(showAgreement), ...counted(found) };
  },
  get: async ({ principal, params }) =>
    showAgreement(await agreements.get(core, { principal, agreementId: params.agreement_id })),
  async history({ principal, params: { agreement_id: agreementId } }) {
    const steps = await agreements.history(core, { principal, agreementId });
    const history = steps.map(({ type: event, status, at }) => ({ event, status, at }));
    return { agreement_id: agreementId, history };
  },
  async accept({ principal, params: { agreement_id: agreementId }, body }) {
    const sellerAddress = body.seller_wallet_address;
    return showAgreement(await agreements.accept(core, { principal, agreementId, sellerAddress }));
  },
  reject: async ({ principal, params, body: { reason } }) =>
    showAgreement(await agreements.reject(core, { principal, agreementId: params.agreement_id, reason })),
  activationPackage: async ({ principal, params }) =>
    showPackage(await agreements.activationPackage(core, { principal, agreementId: params.agreement_id })),
  async activate({ principal, params: { agreement_id: agreementId }, body }) {
    const signature = body.activation_signature as Hex | undefined;
    const feePermit = body.infra_fee_permit as Hex | undefined;
    const proof = { signature, feePermit };
    return showAgreement(await agreements.activate(core, { principal, agreementId, ...proof }));
  },
  escrowStatus: async ({ principal, params }) =>
    showEscrow(core, await agreements.get(core, { principal, agreementId: params.agreement_id })),
  async recordUsage({ principal, params: { agreement_id: agreementId }, body }) {
    const counted = { units: BigInt(body.units), eventId: body.event_id };
    return showUsage(await agreements.record(core, { principal, agreementId, ...counted }));
  },
  complete: async ({ principal, params }) =>
    showAgreement(await agreements.complete(core, { principal, agreementId: params.agreement_id })),
  async challenge({ principal, params: { agreement_id: agreementId }, body }) {
    const { agreement, dispute } = await disputes.openOnAgreement(core, { principal, agreementId, ...body });
    return { ...showAgreement(agreement), dispute_id: dispute.id };
  },
}));
