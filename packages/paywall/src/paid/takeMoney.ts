import { AgentPayError } from '@agentpay/primitives';
import { certified } from './certify.js';
import { followUp } from './followUp.js';
import { noteSettled } from './noteSettled.js';
import type { Claim, HeldResponse, Receipt } from './Claims.js';
import type { ProvenPayment } from './Payment.js';
import type { PricedContext } from './RequestContext.js';
import { settleFirmly } from './settleFirmly.js';

/** Takes the money or says what to do. @throws Refusal, AgentPayError `settlement_unknown`, `payment_already_used` */
export async function takeMoney(
  context: PricedContext,
  payment: ProvenPayment,
  settling: Claim,
  again: boolean,
): Promise<Receipt> {
  const { config, state } = context;
  const { used, purchase } = settling;
  // Found out, and told, since the last attempt.
  if (settling.receipt) return settling.receipt;
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
      followUp(context, payment, await state.claims.yieldLease(settling));
      throw new AgentPayError('settlement_unknown', 'It is not known yet whether the payment was made.', {
        retryAfter: 2,
      });
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
