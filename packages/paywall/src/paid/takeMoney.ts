import { AgentPayError } from '@agentpay/primitives';
import { certified } from './certify.js';
import type { Claim, HeldResponse, Receipt } from './Claims.js';
import type { ProvenPayment } from './Payment.js';
import type { PricedContext } from './RequestContext.js';
import { scopeText } from './scope.js';
import { settleFirmly } from './settleFirmly.js';
import { tellSettled, type Settled } from './tell.js';

/** Takes the money or says what to do. @throws Refusal, AgentPayError `settlement_unknown`, `payment_already_used` */
export async function takeMoney(
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

export async function recordDone(
  { config, state }: PricedContext,
  settling: Claim,
  receipt: Receipt,
): Promise<void> {
  const keep = (answer: HeldResponse | undefined) =>
    answer && answer.body.length <= config.maxStoredBytes ? answer : undefined;
  await state.claims.done(settling, receipt, keep(settling.answer));
}
