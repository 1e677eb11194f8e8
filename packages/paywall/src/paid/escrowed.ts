import { AgentPayError } from '@agentpay/primitives';
import { markPaid, markUnpaid } from '../outgoing/responses.js';
import type { Claim } from './Claims.js';
import { holdResponse, type Outcome } from './Gate.js';
import { isCharged, letOut, runHandler, usedIn, whyUnpaid } from './handler.js';
import { reasonOf, type ProvenPayment } from './Payment.js';
import { clientLeft, type PricedContext } from './RequestContext.js';
import { SETTLE_LEASE_MS, settleFirmly } from './settleFirmly.js';
import { recordDone, takeMoney } from './takeMoney.js';
import { tellUnpaid } from './tell.js';

/** A payment whose money waits in an escrow while the handler runs. */
export type EscrowPayment = ProvenPayment & Required<Pick<ProvenPayment, 'hold'>>;

/** Whether the money is to be held first. */
export function isEscrowed(payment: ProvenPayment): payment is EscrowPayment {
  return payment.hold !== undefined;
}

/** hold: true. From here on money may have moved: whoever continues asks for the same hold again, for the same purchase. */
export async function serveEscrowed(
  context: PricedContext,
  payment: EscrowPayment,
  claim: Claim,
): Promise<void> {
  const leaseMs = context.config.handlerTimeoutMs + 2 * SETTLE_LEASE_MS;
  const settling = await context.state.claims.settling(claim, leaseMs, {});
  return runEscrowed(context, payment, settling, false);
}

/** Holds the money, runs the handler behind the gate, and captures what its response has used; the rest goes back. */
export async function runEscrowed(
  context: PricedContext,
  payment: EscrowPayment,
  settling: Claim,
  again: boolean,
): Promise<void> {
  await holdMoney(context, payment, settling, again);
  if (clientLeft(context)) return giveBack(context, payment, settling);
  const { config, res, state } = context;
  const { clock, handlerTimeoutMs: timeoutMs, maxResponseBytes: maxBytes } = config;
  const gate = holdResponse(res, { maxBytes, timeoutMs, clock });
  context.gate = gate;
  runHandler(context, gate);
  const outcome = await gate.outcome;
  if (outcome.kind !== 'answer' || !isCharged(context, outcome.answer.status) || clientLeft(context)) {
    await unpaid(context, payment, settling, outcome);
    return letOut(context, gate, outcome);
  }
  const { answer } = outcome;
  const used = usedIn(context);
  if (used === 0n) {
    await unpaid(context, payment, settling, outcome);
    return gate.release(() => markUnpaid(context));
  }
  try {
    const bought = await state.claims.settling(settling, SETTLE_LEASE_MS, { answer, used });
    const receipt = await takeMoney(context, payment, bought, false);
    // The buyer has paid: a store that fails now must not cost them the response.
    await recordDone(context, bought, receipt).catch(() => undefined);
    gate.release(() => markPaid(context, receipt));
  } catch (error) {
    tellUnpaid(context, payment, reasonOf(error));
    throw error;
  }
}

async function unpaid(
  context: PricedContext,
  payment: EscrowPayment,
  settling: Claim,
  outcome: Outcome,
): Promise<void> {
  tellUnpaid(context, payment, whyUnpaid(context, outcome));
  await giveBack(context, payment, settling);
}

/** The money goes back without anybody waiting for the block that takes it back. */
async function giveBack({ state }: PricedContext, payment: EscrowPayment, settling: Claim): Promise<void> {
  state.background.run(payment.release());
  await state.claims.drop(settling);
}

/** @throws Refusal, AgentPayError `settlement_unknown`, `payment_already_used` */
async function holdMoney(
  { config, state }: PricedContext,
  payment: EscrowPayment,
  settling: Claim,
  again: boolean,
): Promise<void> {
  const { purchase } = settling;
  const held = await settleFirmly({ settle: payment.hold }, config.clock, {
    again,
    used: undefined,
    purchase,
  });
  if (held.state === 'settled') return;
  if (held.state === 'refused') {
    await state.claims.drop(settling);
    throw held.error;
  }
  await state.claims.yieldLease(settling);
  throw new AgentPayError('settlement_unknown', 'It is not known yet whether the payment is held.', {
    retryAfter: 2,
  });
}
