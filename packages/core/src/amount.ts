import { AgentPayError, MAX_AMOUNT } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';

/** @throws AgentPayError `invalid_amount` unless it is above zero and at most {@link MAX_AMOUNT} */
export function checkAmount(amount: Amount, param: string, shown = 'The amount'): void {
  if (amount > 0n && amount <= MAX_AMOUNT) return;
  throw new AgentPayError('invalid_amount', `${shown} must be above zero and within the limit.`, { param });
}
