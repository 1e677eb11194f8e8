import { agreements } from '@agentpay/core';

/** An agreement on the wire. */
export function showAgreement(agreement: agreements.Agreement) {
  return {
    agreement_id: agreement.id,
    status: agreement.status,
    settlement_model: 'escrow' as const,
    funding: agreement.funding,
    service_id: agreement.serviceId,
    buyer_agent_id: agreement.buyerId,
    seller_agent_id: agreement.sellerId,
    buyer_wallet_address: agreement.buyerAddress,
    terms: {
      cap: agreement.cap,
      currency: agreement.currency,
      unit: agreement.unit,
      unit_price: agreement.unitPrice,
      ends_at: agreement.endsAt,
      challenge_window_seconds: agreement.challengeSeconds,
      sla_seconds: agreement.slaSeconds,
      description: agreement.description,
    },
    cap: agreement.cap,
    used: agreement.used,
    reserved: agreement.reserved,
    remaining: agreements.remainingOf(agreement),
    units: Number(agreement.units),
    paid: agreement.paid,
    request_id: agreement.approvalId,
    reason: agreement.reason,
    activation_tx_hash: null,
    settlement_tx_hash: null,
    created_at: agreement.createdAt,
    accepted_at: agreement.acceptedAt,
    activated_at: agreement.activatedAt,
    challenge_ends_at: agreement.challengeEndsAt,
    ended_at: agreement.endedAt,
  };
}
