import { systemRandom } from '@agentpay/primitives';
import { bytesToHex } from '@agentpay/protocol';
import { ApiError } from '@agentpay/sdk';
import { CommandFault } from '@agentpay/http/commands';
import { clientWith, idOf, type ApiPlace } from './apiPlace.js';
import type { Trigger } from './triggers.js';

/** Cents are enough to make something happen. */
const AMOUNT = '0.01';
const NOTE = 'agentpay trigger';
/** How long a call of an agent may take, in seconds, and how often that is asked for. */
const [CALL_SECONDS, CALL_LOOKS] = [20, 6];

/** What has to be done so that an event happens; gives the id of what it happens to. Nothing is made up. */
type Recipe = (place: ApiPlace) => Promise<string>;

/** The buyer of the stack pays its seller. @param key under which it is another payment than any before; absent: each is */
async function pay(place: ApiPlace, key?: string): Promise<string> {
  const { id } = await clientWith(place, 'runtime').payments.create({
    from_wallet_id: idOf(place, 'wallet'),
    to_wallet_id: idOf(place, 'sellerWallet'),
    amount: AMOUNT,
    description: NOTE,
    ...(key !== undefined && { idempotency_key: key }),
  });
  return id;
}

/** The buyer buys from the demo seller of the API, on the local chain. @throws as the API refuses it */
async function buy(place: ApiPlace): Promise<string> {
  const { agents } = clientWith(place, 'agent').buyer;
  const order = { id: idOf(place, 'agent'), sellerUrl: `${place.url}/api/demo/seller` };
  const bought = await agents.pay(order);
  if (bought.success) return bought.payment.transactionId;
  throw new CommandFault('approval_required', 'A rule of the buyer has the purchase wait for an approval.');
}

async function refund(place: ApiPlace): Promise<string> {
  const payment_id = await pay(place);
  const { id } = await clientWith(place, 'seller').payments.refund({
    payment_id,
    amount: AMOUNT,
    reason: NOTE,
  });
  return id;
}

/** @param payment what it is about; absent: a new one */
async function openDispute(place: ApiPlace, payment?: string): Promise<string> {
  const about = { payment_id: payment ?? (await pay(place)), reason: 'service_not_delivered' as const };
  const { id } = await clientWith(place, 'runtime').disputes.create({ ...about, description: NOTE });
  return id;
}

async function addEvidence(place: ApiPlace): Promise<string> {
  const dispute_id = await openDispute(place);
  const evidence = { dispute_id, type: 'log_excerpt' as const, content: NOTE };
  await clientWith(place, 'runtime').disputes.addEvidence(evidence);
  return dispute_id;
}

async function withdrawDispute(place: ApiPlace): Promise<string> {
  const dispute_id = await openDispute(place);
  await clientWith(place, 'runtime').disputes.withdraw({ dispute_id });
  return dispute_id;
}

async function reviewDispute(place: ApiPlace, payment?: string): Promise<string> {
  const dispute_id = await openDispute(place, payment);
  await clientWith(place, 'admin').disputes.review({ dispute_id });
  return dispute_id;
}

async function resolveDispute(
  place: ApiPlace,
  resolution: 'refund' | 'deny',
  payment?: string,
): Promise<string> {
  const dispute_id = await reviewDispute(place, payment);
  await clientWith(place, 'admin').disputes.resolve({ dispute_id, resolution, note: NOTE });
  return dispute_id;
}

/** The buyer has the price of a call set aside. */
function reserve(place: ApiPlace) {
  const asked = { service_id: idOf(place, 'service'), from_wallet_id: idOf(place, 'wallet') };
  return clientWith(place, 'runtime').services.authorize(asked);
}

async function cancelToken(place: ApiPlace): Promise<string> {
  const { token_id } = await reserve(place);
  await clientWith(place, 'runtime').tokens.cancel({ token_id });
  return token_id;
}

async function failCall(place: ApiPlace): Promise<string> {
  const { token, token_id } = await reserve(place);
  const { tokens } = clientWith(place, 'seller');
  await tokens.verify({ token });
  await tokens.callStarted({ token_id });
  await tokens.callFailed({ token_id });
  return token_id;
}

/** The seller delivers the call in time, and is paid. */
async function settleCall(place: ApiPlace): Promise<{ token_id: string; payment_id: string }> {
  const { token, token_id } = await reserve(place);
  const { tokens } = clientWith(place, 'seller');
  await tokens.verify({ token });
  await tokens.callStarted({ token_id });
  await tokens.callAccepted({ token_id });
  return tokens.callCompleted({ token_id });
}

async function refundCall(place: ApiPlace): Promise<string> {
  const { token_id, payment_id } = await settleCall(place);
  await resolveDispute(place, 'refund', payment_id);
  return token_id;
}

async function propose(place: ApiPlace): Promise<string> {
  const terms = { cap: AMOUNT, description: NOTE };
  const proposal = { service_id: idOf(place, 'service'), terms };
  const made = await clientWith(place, 'runtime').agreements.agreements.create(proposal);
  return made.agreement_id;
}

async function acceptAgreement(place: ApiPlace): Promise<string> {
  const agreement_id = await propose(place);
  await clientWith(place, 'seller').agreements.agreements.accept({ agreement_id });
  return agreement_id;
}

async function rejectAgreement(place: ApiPlace): Promise<string> {
  const agreement_id = await propose(place);
  await clientWith(place, 'seller').agreements.agreements.reject({ agreement_id, reason: NOTE });
  return agreement_id;
}

/** Funded from the wallet of the buyer, not on the chain. */
async function activate(place: ApiPlace): Promise<string> {
  const agreement_id = await acceptAgreement(place);
  await clientWith(place, 'runtime').agreements.agreements.activate({ agreement_id });
  return agreement_id;
}

async function complete(place: ApiPlace): Promise<string> {
  const agreement_id = await activate(place);
  await clientWith(place, 'runtime').agreements.agreements.complete({ agreement_id });
  return agreement_id;
}

async function challenge(place: ApiPlace): Promise<string> {
  const agreement_id = await complete(place);
  await clientWith(place, 'runtime').agreements.agreements.challenge({ agreement_id, reason: NOTE });
  return agreement_id;
}

/** A rule of the operator has the buyer ask, for as long as this takes. */
async function askApproval(place: ApiPlace): Promise<string> {
  const { policies } = clientWith(place, 'admin');
  const terms = { agent_id: idOf(place, 'agent'), kind: 'approval_over' as const, amount: '0.005' };
  const { id: rule_id } = await policies.create(terms);
  try {
    // Without a key of its own it would ask for what was asked for already.
    await pay(place, `trigger-${bytesToHex(systemRandom.bytes(16))}`);
    throw new CommandFault('not_asked', 'The payment was made without asking for an approval.');
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== 'approval_required') throw error;
    const { approvals } = await clientWith(place, 'runtime').approvals.list({ status: 'pending', limit: 1 });
    return (approvals[0] as { id: string }).id;
  } finally {
    await policies.remove({ rule_id });
  }
}

function decideApproval(decision: 'approve' | 'reject'): Recipe {
  return async (place) => {
    const approval_id = await askApproval(place);
    await clientWith(place, 'admin').approvals[decision]({ approval_id });
    return approval_id;
  };
}

/** The buyer sends money out to a bank; a job sends it soon, on a local stack to nowhere. */
async function payOut(place: ApiPlace): Promise<string> {
  const made = await clientWith(place, 'runtime').payouts.create({
    from_wallet_id: idOf(place, 'wallet'),
    amount: AMOUNT,
    destination_type: 'bank',
    destination: {
      routing_number: '021000021',
      account_number: '123456789',
      account_type: 'checking',
      account_holder: NOTE,
    },
    description: NOTE,
  });
  if ('id' in made) return made.id;
  throw new CommandFault('approval_required', 'A rule of the buyer has the payout wait for an approval.');
}

async function cancelPayout(place: ApiPlace): Promise<string> {
  const payout_id = await payOut(place);
  await clientWith(place, 'runtime').payouts.cancel({ payout_id });
  return payout_id;
}

async function invoice(place: ApiPlace): Promise<string> {
  const bill = { developer_id: idOf(place, 'developer'), amount_usdc: AMOUNT, description: NOTE };
  const { invoice_id } = await clientWith(place, 'admin').gateway.invoices.create(bill);
  return invoice_id;
}

async function payInvoice(place: ApiPlace): Promise<string> {
  const invoice_id = await invoice(place);
  await clientWith(place, 'admin').gateway.invoices.markPaid({ invoice_id, note: NOTE });
  return invoice_id;
}

async function subscribe(place: ApiPlace): Promise<string> {
  const { subscriptions } = clientWith(place, 'developer').gateway;
  const { subscription_id } = await subscriptions.create({ plan: 'pro', seat_count: 1 });
  return subscription_id;
}

async function changeSubscription(place: ApiPlace): Promise<string> {
  const subscription_id = await subscribe(place);
  await clientWith(place, 'developer').gateway.subscriptions.setSeats({ subscription_id, seat_count: 2 });
  return subscription_id;
}

async function cancelSubscription(place: ApiPlace): Promise<string> {
  const subscription_id = await subscribe(place);
  await clientWith(place, 'developer').gateway.subscriptions.delete({ subscription_id });
  return subscription_id;
}

/** The gateway calls an agent of the developer, and waits for its response. */
async function callAgent(place: ApiPlace): Promise<string> {
  const agent_id = idOf(place, 'listings');
  const { methods } = await clientWith(place, 'developer').gateway.pricing.get({ agent_id });
  const { calls } = clientWith(place, 'gateway').gateway;
  const { call_id } = await calls.create({ agent_id, input: { task: methods[0]?.name ?? NOTE } });
  for (let look = 0; look < CALL_LOOKS; look++) {
    const { status } = await calls.get({ call_id, wait: CALL_SECONDS });
    if (status === 'completed') return call_id;
    if (status === 'failed') break;
  }
  throw new CommandFault('not_completed', `The call ${call_id} was not completed.`);
}

/** What each event takes. */
export const recipes: Readonly<Record<Trigger, Recipe>> = {
  'payment.initiated': buy,
  'payment.completed': pay,
  'payment.confirmed': buy,
  'payment.refunded': refund,
  'dispute.opened': openDispute,
  'dispute.evidence_added': addEvidence,
  'dispute.withdrawn': withdrawDispute,
  'dispute.under_review': reviewDispute,
  'dispute.resolved_refunded': (place) => resolveDispute(place, 'refund'),
  'dispute.resolved_denied': (place) => resolveDispute(place, 'deny'),
  'token.reserved': async (place) => (await reserve(place)).token_id,
  'token.cancelled': cancelToken,
  'token.failed': failCall,
  'token.settled': async (place) => (await settleCall(place)).token_id,
  'token.refunded': refundCall,
  'agreement.proposed': propose,
  'agreement.accepted': acceptAgreement,
  'agreement.rejected': rejectAgreement,
  'agreement.active': activate,
  'agreement.challenge_window': complete,
  'agreement.challenged': challenge,
  'approval.requested': askApproval,
  'approval.approved': decideApproval('approve'),
  'approval.rejected': decideApproval('reject'),
  'payout.created': payOut,
  'payout.canceled': cancelPayout,
  'invoice.created': invoice,
  'invoice.paid': payInvoice,
  'subscription.created': subscribe,
  'subscription.changed': changeSubscription,
  'subscription.canceled': cancelSubscription,
  'gateway.call_completed': callAgent,
};
