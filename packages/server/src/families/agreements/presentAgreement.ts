import type { RequestOf, agreements as family } from '@agentpay/api';
import { agreements, type Core } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';

/** An agreement on the wire. */
export function showAgreement(agreement: agreements.Agreement) {
  return {
    agreement_id: agreement.id,
    status: agreement.status,
    settlement_model: agreement.funding === 'direct' ? ('direct_payment' as const) : ('escrow' as const),
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
    seller_wallet_address: agreement.sellerAddress,
    network: agreement.network,
    activation_tx_hash: agreement.activationTx,
    settlement_tx_hash: agreement.settlementTx,
    created_at: agreement.createdAt,
    accepted_at: agreement.acceptedAt,
    submitted_at: agreement.submittedAt,
    activated_at: agreement.activatedAt,
    challenge_ends_at: agreement.challengeEndsAt,
    ended_at: agreement.endedAt,
  };
}

type Proposal = RequestOf<typeof family.nouns.agreements.create>['body'];

/** The proposed terms as the core names them. */
export function readTerms(terms: Proposal['terms']): agreements.ProposedTerms {
  return {
    cap: terms.cap,
    unitPrice: terms.unit_price,
    unit: terms.unit,
    endsAt: terms.ends_at,
    challengeSeconds: terms.challenge_window_seconds,
    slaSeconds: terms.sla_seconds,
    description: terms.description,
  };
}

/** What a direct purchase has beside its service. @throws AgentPayError `invalid_request` where something is missing */
export function readDirect({ amount_cents: amount, payment_header, fee_permit, terms }: Proposal) {
  const given = { amountCents: amount, paymentHeader: payment_header, feePermit: fee_permit };
  const [missing] = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [name] : []));
  if (missing !== undefined || amount === undefined || !payment_header || !fee_permit)
    throw new AgentPayError('invalid_request', 'A direct payment has an amount and two signatures.', {
      param: missing ?? 'paymentHeader',
    });
  const { description } = terms;
  return { amount, paymentHeader: payment_header, feePermit: fee_permit as `0x${string}`, description };
}

/** What the buyer signs: in the sandbox nothing. */
export function showPackage({ agreement: { id, funding }, intent, fee }: agreements.ActivationPackage) {
  const infraFee = { pending: fee !== null, amount: fee?.amount ?? 0n, permit: fee?.permit ?? null };
  const waits = funding === 'onchain' ? funding : ('sandbox' as const);
  return { agreement_id: id, funding: waits, activation_intent: intent, infra_fee: infraFee };
}

/** How far activation and settlement are. */
export function showEscrow({ clock, settings }: Core, agreement: agreements.Agreement) {
  const { stuckMs } = settings.agreements;
  return {
    agreement_id: agreement.id,
    status: agreement.status,
    cap: agreement.cap,
    used: agreement.used,
    remaining: agreements.remainingOf(agreement),
    activation_tx_hash: agreement.activationTx,
    settlement_tx_hash: agreement.settlementTx,
    challenge_ends_at: agreement.challengeEndsAt,
    submitted_at: agreement.submittedAt,
    stuck: agreements.isStuck(agreement, { nowMs: clock.now(), stuckMs }),
  };
}

/** Usage that was counted, and what it left. */
export function showUsage({ agreement, usage }: Awaited<ReturnType<typeof agreements.record>>) {
  return {
    recorded: true as const,
    agreement_id: agreement.id,
    usage_id: usage.id,
    event_id: usage.eventId,
    units: Number(usage.units),
    amount: usage.amount,
    status: agreement.status,
    used: agreement.used,
    remaining: agreements.remainingOf(agreement),
  };
}
