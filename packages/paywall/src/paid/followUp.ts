import { sleep } from '@agentpay/primitives';
import { certified } from './certify.js';
import type { Claim } from './Claims.js';
import { noteSettled } from './noteSettled.js';
import type { ProvenPayment } from './Payment.js';
import type { PricedContext } from './RequestContext.js';

/** Waits before each question, in ms: ten minutes in all, after which the store forgets the claim. */
const WAITS = [5_000, 10_000, 20_000, ...Array<number>(9).fill(60_000)];
/** Most payments that are followed at once; of others the seller hears when their buyers come back. */
const MOST = 100;

/**
 * Finds out whether money was taken of which nobody knows, so that the seller's books have it also when the buyer never comes back. It
 * asks only: nothing is settled that is not settled already, and a buyer who comes back gets the response as ever.
 * @param claim undefined when somebody else has the payment by now
 */
export function followUp(context: PricedContext, payment: ProvenPayment, claim: Claim | undefined): void {
  const { followed } = context.state;
  if (!claim || !payment.isSettled || followed.size >= MOST || followed.has(claim.key)) return;
  followed.add(claim.key);
  void find(context, payment, claim)
    .catch((error: unknown) =>
      context.config.report({ what: 'it was not found out whether a payment was made', error }),
    )
    .finally(() => followed.delete(claim.key));
}

async function find(context: PricedContext, payment: ProvenPayment, claim: Claim): Promise<void> {
  const { clock } = context.config;
  for (const wait of WAITS) {
    await sleep(clock, wait, undefined, { background: true });
    const isSettled = await payment.isSettled?.(claim);
    if (isSettled === true) return note(context, payment, claim);
    if (isSettled === false) return;
  }
}

/** That a payment was made does not tell for which claim: the facilitator says it of each by settling once more, which moves nothing. */
async function note(context: PricedContext, payment: ProvenPayment, claim: Claim): Promise<void> {
  const { state, quote } = context;
  const settlement = await payment.settle({ again: true, used: claim.used, purchase: claim.purchase });
  if (settlement.state !== 'settled') return;
  const receipt = certified(context, settlement);
  // Whoever has taken the payment up since tells of it.
  if (!(await state.claims.settled(claim, receipt))) return;
  await noteSettled(context, { payer: payment.payer, amount: claim.used, receipt });
  state.unpaidRuns.paidLater(payment);
  if (quote.terms.settle === 'optimistic') await state.unsettled.leave(payment);
}
