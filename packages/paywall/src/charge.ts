import { createHash } from 'node:crypto';
import { AgentPayError } from '@agentpay/primitives';
import { mpp } from '@agentpay/protocol';
import { markPaid, markUnpaid, replay } from './answers.js';
import type { Answer, Claim, Receipt } from './Claims.js';
import { clientLeft, targetOf, type Exchange } from './Exchange.js';
import { holdAnswer, stampHead, type Gate, type Outcome } from './Gate.js';
import type { Payment } from './Payment.js';
import type { Proof } from './proof.js';
import { SETTLE_LEASE_MS, settleFirmly } from './settleFirmly.js';

/** What verifying may take, and what clocks of several nodes may differ by, in ms. */
const LEASE_MARGIN_MS = 30_000;

/**
 * Serves one request that came with a proof: a good one gets the handler's answer, once.
 *
 *     absent ── take ──> running ── handler succeeded ──> settling ── money taken ──> done
 *                          │                                 │
 *                          └── refused, failed, left: dropped ┘ refused
 *
 * Rejects with Refusal, AgentPayError and whatever else goes wrong, for `answerError` to render.
 */
export async function charge(exchange: Exchange, proof: Proof): Promise<void> {
  const { claims, handlerTimeoutMs, clock } = exchange.settings;
  const payment = await proof.read(exchange, proof.text);
  const subject = { key: payment.key, binding: bindingOf(exchange, proof), expiresAtMs: payment.expiresAtMs };
  const left = await claims.find(subject);
  if (left?.state === 'done') return repeat(exchange, left);
  if (left?.state === 'settling') return resume(exchange, payment, left);

  payment.checkTime();
  const timeoutMs = Math.min(handlerTimeoutMs, payment.deadlineMs - clock.now());
  const claim = await claims.take(subject, timeoutMs + LEASE_MARGIN_MS, left);
  await verify(exchange, payment, claim, left?.state === 'running');
  if (exchange.quote.terms.settle === 'before') return settleFirst(exchange, payment, claim);
  return serve(exchange, payment, claim, timeoutMs);
}

/**
 * One payment buys one request by one caller: the proof is public once it is settled on chain, so that a copy of it with other
 * credentials gets nothing.
 */
function bindingOf({ req }: Exchange, proof: Proof): string {
  const parts = [req.method, targetOf(req), req.headers.authorization, req.headers.cookie, proof.text];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

async function verify(exchange: Exchange, payment: Payment, claim: Claim, takenOver: boolean): Promise<void> {
  try {
    await payment.verify();
  } catch (error) {
    await exchange.settings.claims.drop(claim);
    // The owner before may have died with the payment verified.
    if (takenOver) await payment.release();
    throw error;
  }
}

/** settle: 'after'. Runs the handler behind the gate and takes the money for its answer. */
async function serve(exchange: Exchange, payment: Payment, claim: Claim, timeoutMs: number): Promise<void> {
  const { settings, res } = exchange;
  if (clientLeft(exchange)) return unserved(exchange, payment, claim);
  const gate = holdAnswer(res, { maxBytes: settings.maxResponseBytes, timeoutMs, clock: settings.clock });
  exchange.gate = gate;
  runHandler(exchange, gate);
  const outcome = await gate.outcome;
  if (outcome.kind !== 'answer' || !isSuccess(outcome.answer.status) || clientLeft(exchange)) {
    await unserved(exchange, payment, claim);
    return letOut(exchange, gate, outcome);
  }
  const settling = await settings.claims.settling(claim, SETTLE_LEASE_MS, outcome.answer);
  const receipt = await takeMoney(exchange, payment, settling, false);
  // The buyer has paid: a store that fails now must not cost him the answer.
  await recordDone(exchange, settling, receipt).catch(() => undefined);
  gate.release(() => markPaid(exchange, receipt));
}

function runHandler(exchange: Exchange, gate: Gate): void {
  try {
    const returned = exchange.next();
    // A bare handler may be an async function.
    if (returned instanceof Promise) returned.catch((error: unknown) => gate.fail(error));
  } catch (error) {
    gate.fail(error);
  }
}

/** Ends a handler's run that costs nothing. */
function letOut(exchange: Exchange, gate: Gate, outcome: Outcome): void {
  switch (outcome.kind) {
    case 'answer':
      return gate.release(() => markUnpaid(exchange));
    case 'left':
      return gate.replace(() => exchange.res.end());
    case 'timeout':
      throw new AgentPayError('handler_timeout', 'The seller took too long. Nothing was charged.');
    case 'too_large':
      throw new AgentPayError('response_too_large', 'The answer is too long to be held until it is paid for.');
    case 'failed':
      throw outcome.error;
  }
}

async function unserved({ settings }: Exchange, payment: Payment, claim: Claim): Promise<void> {
  await settings.claims.drop(claim);
  await payment.release();
}

/** settle: 'before'. Takes the money, then lets the handler answer straight to the client. */
async function settleFirst(exchange: Exchange, payment: Payment, claim: Claim): Promise<void> {
  if (clientLeft(exchange)) return unserved(exchange, payment, claim);
  const settling = await exchange.settings.claims.settling(claim, SETTLE_LEASE_MS, undefined);
  return settleAndPass(exchange, payment, settling, false);
}

async function settleAndPass(exchange: Exchange, payment: Payment, settling: Claim, again: boolean): Promise<void> {
  const receipt = await takeMoney(exchange, payment, settling, again);
  // Whoever records the payment runs the handler: nobody else does.
  await recordDone(exchange, settling, receipt);
  stampHead(exchange.res, () => {
    const { [mpp.PAYMENT_RECEIPT]: _, ...always } = receipt;
    // An MPP receipt stands for a delivery; the others tell of the money.
    markPaid(exchange, isSuccess(exchange.res.statusCode) ? receipt : always);
  });
  await exchange.next();
}

/** Continues where an owner stopped after the money may have moved. The handler of a held answer does not run again. */
async function resume(exchange: Exchange, payment: Payment, left: Claim): Promise<void> {
  const settling = await exchange.settings.claims.settling(left, SETTLE_LEASE_MS, left.answer);
  if (!left.answer) return settleAndPass(exchange, payment, settling, true);
  const receipt = await takeMoney(exchange, payment, settling, true);
  await recordDone(exchange, settling, receipt).catch(() => undefined);
  replay(exchange, left.answer, receipt);
}

function repeat(exchange: Exchange, { answer, receipt }: Claim): void {
  if (answer) return replay(exchange, answer, receipt ?? {});
  throw new AgentPayError('payment_already_used', 'This payment bought an answer that was not kept.');
}

/** Takes the money or says what to do. @throws Refusal, AgentPayError `settlement_unknown`, `payment_already_used` */
async function takeMoney({ settings }: Exchange, payment: Payment, settling: Claim, again: boolean): Promise<Receipt> {
  const settlement = await settleFirmly(payment, settings.clock, again);
  switch (settlement.state) {
    case 'settled':
      return settlement.receipt;
    case 'refused':
      await settings.claims.drop(settling);
      await payment.release();
      throw settlement.error;
    default:
      await settings.claims.yieldLease(settling);
      throw new AgentPayError('settlement_unknown', 'It is not known yet whether the payment was made.', { retryAfter: 2 });
  }
}

async function recordDone({ settings }: Exchange, settling: Claim, receipt: Receipt): Promise<void> {
  const keep = (answer: Answer | undefined) => (answer && answer.body.length <= settings.maxStoredBytes ? answer : undefined);
  await settings.claims.done(settling, receipt, keep(settling.answer));
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
