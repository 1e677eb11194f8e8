import type { ServerResponse } from 'node:http';
import { AgentPayError } from '@agentpay/primitives';
import { isSuccess, markPaid, replay, withoutDelivery } from '../outgoing/responses.js';
import { boundElsewhere, type HeldResponse, type Claim, type Receipt } from './Claims.js';
import { bearerOf, bindingOf } from './binding.js';
import { clientLeft, requestIdOf, type PricedContext } from './RequestContext.js';
import { addLast, addTrailers, holdResponse, stampHead } from './Gate.js';
import { reasonOf, type ProvenPayment, type Verified } from './Payment.js';
import type { FoundProof } from './proof.js';
import { isEscrowed, runEscrowed, serveEscrowed } from './escrowed.js';
import { isCharged, letOut, runHandler, usedIn, whyUnpaid } from './handler.js';
import { SETTLE_LEASE_MS } from './settleFirmly.js';
import { recordDone, takeMoney } from './takeMoney.js';
import type { Run } from './UnpaidRuns.js';
import { setHeaders } from '../outgoing/setHeaders.js';
import { tellUnpaid, tellUnsettled, tellVerified } from './tell.js';

/** Time for verifying, and for clocks of replicas that differ, in ms. */
const LEASE_MARGIN_MS = 30_000;

/**
 * Serves one request that came with a proof: a good one gets the handler's response, once.
 *
 *     absent ── take ──> running ── handler succeeded ──> settling ── money taken ──> done
 *                          │                                 │
 *                          └── refused, failed, left: dropped ┘ refused
 *
 * Rejects with Refusal, AgentPayError and whatever else goes wrong, for `respondToError` to render.
 */
export async function charge(context: PricedContext, proof: FoundProof): Promise<void> {
  const {
    config: { handlerTimeoutMs, clock },
    state: { claims },
  } = context;
  const payment = await proof.rail.read(context, proof.text);
  const { key, alias, expiresAtMs } = payment;
  const binding = bindingOf(context, proof, await context.body());
  const subject = { key, alias, expiresAtMs, binding, bearer: bearerOf(context) };
  const left = await claims.find(subject);
  if (left?.state === 'done') return repeat(context, payment, left);
  if (left?.state === 'settling') return resume(context, payment, left);

  payment.checkTime();
  const leaseMs = Math.min(handlerTimeoutMs, payment.deadlineMs - clock.now()) + LEASE_MARGIN_MS;
  const claim = await claims.take(subject, leaseMs, left);
  const verified = await verify(context, payment, claim, left?.state === 'running');
  tellVerified(context, payment);
  if (clientLeft(context)) return unserved(context, payment, claim);
  // Verifying has taken time: what is left must suffice for the handler and for settling.
  await orUnserved(context, payment, claim, () => payment.checkTime());
  if (isEscrowed(payment)) return serveEscrowed(context, payment, claim);
  if (context.quote.terms.settle === 'before') return settleFirst(context, payment, claim);
  const { unpaidRuns } = context.state;
  const run = await orUnserved(context, payment, claim, () => unpaidRuns.begin(payment, verified));
  return serve(context, payment, { claim, run });
}

async function verify(
  context: PricedContext,
  payment: ProvenPayment,
  claim: Claim,
  takenOver: boolean,
): Promise<Verified> {
  try {
    return await payment.verify(claim.purchase);
  } catch (error) {
    await context.state.claims.drop(claim);
    // The former owner may have died with the payment verified.
    if (takenOver) await payment.release();
    throw error;
  }
}

/** The last checks before the handler: a verified payment that fails one is given up. */
async function orUnserved<T>(
  context: PricedContext,
  payment: ProvenPayment,
  claim: Claim,
  check: () => T,
): Promise<T> {
  try {
    return check();
  } catch (error) {
    await unserved(context, payment, claim);
    throw error;
  }
}

/** A run of the handler, and the claim that it is for. */
interface Running {
  readonly claim: Claim;
  readonly run: Run;
}

/** settle: 'after' and 'optimistic'. Runs the handler behind the gate and takes the money for its response. */
async function serve(context: PricedContext, payment: ProvenPayment, { claim, run }: Running): Promise<void> {
  const { config, res } = context;
  const timeoutMs = Math.min(config.handlerTimeoutMs, payment.deadlineMs - config.clock.now());
  const gate = holdResponse(res, { maxBytes: config.maxResponseBytes, timeoutMs, clock: config.clock });
  context.gate = gate;
  runHandler(context, gate);
  const outcome = await gate.outcome;
  if (outcome.kind !== 'answer' || !isCharged(context, outcome.answer.status) || clientLeft(context)) {
    run.unpaid();
    tellUnpaid(context, payment, whyUnpaid(context, outcome));
    await unserved(context, payment, claim);
    return letOut(context, gate, outcome);
  }
  const receipt = await collect(context, payment, { claim, run }, outcome.answer);
  gate.release(() => markPaid(context, receipt ?? {}));
}

/** Takes the money for a response; undefined where that is done in the background. @throws as {@link takeMoney} does */
async function collect(
  context: PricedContext,
  payment: ProvenPayment,
  { claim, run }: Running,
  answer: HeldResponse,
): Promise<Receipt | undefined> {
  const { state } = context;
  try {
    const used = usedIn(context);
    const settling = await state.claims.settling(claim, SETTLE_LEASE_MS, { answer, used });
    if (context.quote.terms.settle === 'optimistic' && (await state.unsettled.enter(payment))) {
      state.background.run(settleLater(context, payment, { claim: settling, run }));
      return undefined;
    }
    const receipt = await takeMoney(context, payment, settling, false);
    run.paid();
    // The buyer has paid: a store that fails now must not cost them the response.
    await recordDone(context, settling, receipt).catch(() => undefined);
    return receipt;
  } catch (error) {
    run.unpaid();
    tellUnpaid(context, payment, reasonOf(error));
    throw error;
  }
}

/** Takes the money for an `optimistic` response that has gone out. An unpaid one counts against the payer until the proof expires. */
async function settleLater(
  context: PricedContext,
  payment: ProvenPayment,
  { claim: settling, run }: Running,
): Promise<void> {
  const { config, state } = context;
  try {
    const receipt = await takeMoney(context, payment, settling, false);
    run.paid();
    await recordDone(context, settling, receipt).catch(() => undefined);
    await state.unsettled.leave(payment);
  } catch (error) {
    run.unpaid();
    tellUnpaid(context, payment, reasonOf(error));
    config.report({
      what: 'a response went out that is not paid for',
      error,
      requestId: requestIdOf(context),
    });
    tellUnsettled(context, reasonOf(error));
  }
}

async function unserved({ state }: PricedContext, payment: ProvenPayment, claim: Claim): Promise<void> {
  await state.claims.drop(claim);
  await payment.release();
}

/** settle: 'before'. Takes the money, then lets the handler write straight to the client. */
async function settleFirst(context: PricedContext, payment: ProvenPayment, claim: Claim): Promise<void> {
  const settling = await context.state.claims.settling(claim, SETTLE_LEASE_MS, {});
  return settleAndPass(context, payment, settling, false);
}

async function settleAndPass(
  context: PricedContext,
  payment: ProvenPayment,
  settling: Claim,
  again: boolean,
): Promise<void> {
  const receipt = await takeMoney(context, payment, settling, again);
  // Recording is compare-and-set: only the request that recorded the payment runs the handler.
  await recordDone(context, settling, receipt);
  stampHead(context.res, () => {
    markPaid(context, receipt);
    if (isSuccess(context.res.statusCode)) addTrailers(context.req, context.res, receipt);
  });
  addLast(context.res, () => (isEventStream(context.res) ? receiptEvent(receipt) : undefined));
  await context.next();
}

/** Continues where a former owner stopped after the money may have moved. If it had a response, the handler does not run again. */
async function resume(context: PricedContext, payment: ProvenPayment, left: Claim): Promise<void> {
  if (!payment.isSecret && left.bearer !== bearerOf(context)) throw boundElsewhere();
  const settling = await context.state.claims.settling(left, SETTLE_LEASE_MS, left);
  if (!left.answer && isEscrowed(payment)) return runEscrowed(context, payment, settling, true);
  if (!left.answer) return settleAndPass(context, payment, settling, true);
  const receipt = await takeMoney(context, payment, settling, true);
  context.state.unpaidRuns.paidLater(payment);
  await recordDone(context, settling, receipt).catch(() => undefined);
  if (context.quote.terms.settle === 'optimistic') await context.state.unsettled.leave(payment);
  replay(context, left.answer, receipt);
}

/** Sends the stored response to its buyer again; others get the receipt and a 409. */
function repeat(
  context: PricedContext,
  payment: ProvenPayment,
  { answer, receipt, bearer, paidAt = 0 }: Claim,
): void {
  const { repeats, clock } = context.config;
  const known = repeats && bearer === bearerOf(context) && clock.now() - paidAt <= repeats.seconds * 1000;
  if (answer && (payment.isSecret || known)) return replay(context, answer, receipt ?? {});
  setHeaders(context.res, withoutDelivery(context, receipt ?? {}));
  const message = answer
    ? 'This payment has bought its response, and nothing in the request shows that its buyer is asking again.'
    : 'This payment bought a response that was not kept.';
  throw new AgentPayError('payment_already_used', message);
}

function isEventStream(res: ServerResponse): boolean {
  const plain =
    res.getHeader('content-encoding') === undefined && res.getHeader('content-length') === undefined;
  return (
    plain &&
    isSuccess(res.statusCode) &&
    /^text\/event-stream\b/i.test(String(res.getHeader('content-type') ?? ''))
  );
}

/** The receipt as a server-sent event: proof at the end of the stream that all of it was delivered. */
function receiptEvent(receipt: Receipt): string {
  return `event: payment-receipt\ndata: ${JSON.stringify(receipt)}\n\n`;
}
