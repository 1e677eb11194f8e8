import { formatDecimal } from '@agentpay/primitives';
import { z } from 'zod';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import { emitIn, eventType } from '../events/index.js';
import type { EventType } from '../events/index.js';
import type { Payout } from './Payout.js';

const text = z.string();
const payout = {
  id: text,
  status: text,
  amount: text,
  currency: text,
  destination_type: text,
  from_wallet_id: text,
  reference: text.nullable(),
  failure: text.nullable(),
};

export const payoutCreated = eventType('payout.created', payout);
export const payoutCompleted = eventType('payout.completed', payout);
export const payoutFailed = eventType('payout.failed', payout);
export const payoutReturned = eventType('payout.returned', payout);
export const payoutCanceled = eventType('payout.canceled', payout);

export function tell(core: Core, scene: Scene, type: EventType<string, typeof payout>, of: Payout): void {
  emitIn(core, scene, type, { subject: of.id, audience: [{ id: of.ownerId }], object: payoutObject(of) });
}

/** What every event about a payout tells. */
function payoutObject(of: Payout) {
  return {
    id: of.id,
    status: of.status,
    amount: formatDecimal(of.amount),
    currency: of.currency,
    destination_type: of.destinationType,
    from_wallet_id: of.walletId,
    reference: of.reference,
    failure: of.failure,
  };
}
