import type { ServerResponse } from 'node:http';
import { AgentPayError, type Amount } from '@agentpay/primitives';
import { isSuccess, markPaid, markUnpaid, replay, withoutDelivery } from '../outgoing/responses.js';
import { boundElsewhere, type HeldResponse, type Claim, type Receipt } from './Claims.js';
import { certified } from './certify.js';
import { bearerOf, bindingOf } from './binding.js';
import { clientLeft, requestIdOf, type PricedContext } from './RequestContext.js';
import { addLast, addTrailers, holdResponse, stampHead, type Gate, type Outcome } from './Gate.js';
import { reasonOf, type ProvenPayment, type Verified } from './Payment.js';
import type { FoundProof } from './proof.js';
import { SETTLE_LEASE_MS, settleFirmly } from './settleFirmly.js';
import type { Run } from './UnpaidRuns.js';
import { setHeaders } from '../outgoing/setHeaders.js';
import { tellSettled, tellUnpaid, tellUnsettled, tellVerified, type Settled } from './tell.js';
import { scopeText } from './scope.js';

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

function whyUnpaid(context: PricedContext, outcome: Outcome): string {
  if (outcome.kind !== 'answer') return outcome.kind;
  return clientLeft(context) ? 'left' : `status_${outcome.answer.status}`;
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
      what: 'an answer went out that is not paid for',
      error,
      requestId: requestIdOf(context),
    });
    tellUnsettled(context, reasonOf(error));
  }
}

function runHandler(context: PricedContext, gate: Gate): void {
  try {
    const returned = context.next();
    // A bare handler may be an async function.
    if (returned instanceof Promise) returned.catch((error: unknown) => gate.fail(error));
  } catch (error) {
    gate.fail(error);
  }
}

/** Ends a handler's run that costs nothing. */
function letOut(context: PricedContext, gate: Gate, outcome: Outcome): void {
  switch (outcome.kind) {
    case 'answer':
      return gate.release(() => markUnpaid(context));
    case 'left':
      return gate.replace(() => context.res.end());
    case 'timeout':
      throw new AgentPayError('handler_timeout', 'The seller took too long. Nothing was charged.');
    case 'too_large':
      throw new AgentPayError(
        'response_too_large',
        'The response is too long to be held until it is paid for.',
      );
    case 'failed':
      throw outcome.error;
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

/** Takes the money or says what to do. @throws Refusal, AgentPayError `settlement_unknown`, `payment_already_used` */
async function takeMoney(
  context: PricedContext,
  payment: ProvenPayment,
  settling: Claim,
  again: boolean,
): Promise<Receipt> {
  const { config, state } = context;
  const { used, purchase } = settling;
  const settlement = await settleFirmly(payment, config.clock, { again, used, purchase });
  switch (settlement.state) {
    case 'settled': {
      const receipt = certified(context, settlement);
      if (used !== 0n) await noteSettled(context, { payer: payment.payer, amount: used, receipt });
      return receipt;
    }
    case 'refused':
      await state.claims.drop(settling);
      await payment.release();
      throw settlement.error;
    default:
      await state.claims.yieldLease(settling);
      throw new AgentPayError('settlement_unknown', 'It is not known yet whether the payment was made.', {
        retryAfter: 2,
      });
  }
}

async function noteSettled(context: PricedContext, settled: Settled): Promise<void> {
  tellSettled(context, settled);
  const { config, state, quote, req } = context;
  const { signIn } = quote.terms.extensions;
  if (!signIn) return;
  try {
    await state.signIns.remember(settled.payer, scopeText(req, await context.body()), signIn.seconds);
  } catch (error) {
    config.report({ what: 'a payer could not be noted, and cannot sign in', error });
  }
}

async function recordDone(
  { config, state }: PricedContext,
  settling: Claim,
  receipt: Receipt,
): Promise<void> {
  const keep = (answer: HeldResponse | undefined) =>
    answer && answer.body.length <= config.maxStoredBytes ? answer : undefined;
  await state.claims.done(settling, receipt, keep(settling.answer));
}

/** What is due of a payment up to a ceiling; undefined for any other. */
function usedIn({ req, quote: { terms }, state }: PricedContext): Amount | undefined {
  return terms.scheme === 'upto' ? state.usage.due(req, terms.amount) : undefined;
}

function isCharged({ quote }: PricedContext, status: number): boolean {
  return (
    isSuccess(status) || (quote.terms.chargeRedirects && status >= 300 && status < 400 && status !== 304)
  );
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
