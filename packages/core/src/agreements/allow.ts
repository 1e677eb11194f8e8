import { isAgentPayError } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import type { ApprovedTerms } from '../approvals/index.js';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import { allow, forgetIn } from '../spending/index.js';
import type { Spending } from '../spending/index.js';
import type { Agreement } from './Agreement.js';

const RAIL = 'internal';

/** By what names an allow list or a rule knows the seller. */
function payeeNames({ sellerId, sellerWalletId, serviceId }: Agreement): string[] {
  return [sellerId, sellerWalletId, serviceId];
}

function spendingOf(agreement: Agreement): Spending {
  return {
    payer: agreement.buyerId,
    walletId: agreement.buyerWalletId,
    amount: agreement.cap,
    asset: agreement.currency,
    payee: payeeNames(agreement),
    rail: RAIL,
    purpose: 'agreement',
    agreement: { category: agreement.category },
  };
}

/** What the owner of the buyer is asked to approve. */
export function approvedTerms({ buyerId, serviceId, cap, currency }: Agreement): ApprovedTerms {
  return {
    payerId: buyerId,
    subject: 'agreement',
    payee: serviceId,
    rail: RAIL,
    currency,
    amount: cap,
  };
}

/**
 * Counts the cap in the limits of the buyer, and says whether its owner has to approve it.
 * @throws AgentPayError `policy_denied` when no approval would help
 */
export function allowedIn(
  core: Core,
  scene: Scene,
  agreement: Agreement,
): { readonly status: 'proposed' | 'pending_approval'; readonly ruleId: string | null } {
  const spending = spendingOf(agreement);
  try {
    allow(core, scene, spending);
    return { status: 'proposed', ruleId: null };
  } catch (error) {
    if (!isAgentPayError(error, 'policy_denied') || error.reason !== 'approval_required') throw error;
    allow(core, scene, { ...spending, approved: true });
    return { status: 'pending_approval', ruleId: error.details?.['ruleId'] as string | null };
  }
}

/** The rules of today decide once more, now that the money is locked; the limits count it from now on. */
export function allowAgainIn(core: Core, scene: Scene, agreement: Agreement): void {
  forgetCapIn(scene, agreement, agreement.cap);
  allow(core, scene, { ...spendingOf(agreement), approved: true });
}

/** The limits of the buyer forget what is not spent of the cap. */
export function forgetCapIn(scene: Scene, agreement: Agreement, amount: Amount): void {
  if (amount === 0n) return;
  forgetIn(scene, { payer: agreement.buyerId, payee: payeeNames(agreement), amount, at: agreement.spentAt });
}
