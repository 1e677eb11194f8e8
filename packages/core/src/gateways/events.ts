import { formatDecimal } from '@agentpay/primitives';
import type { Tx } from '@agentpay/primitives';
import { z } from 'zod';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import { emit, emitIn, eventType } from '../events/index.js';
import type { EventType } from '../events/index.js';
import type { GatewayCall } from './Call.js';
import type { GatewayFunding } from './Funding.js';

const text = z.string();
const call = {
  call_id: text,
  gateway_id: text,
  agent_id: text,
  method: text,
  status: text,
  price_usdc: text,
  failure: text.nullable(),
};

export const callCompleted = eventType('gateway.call_completed', call);
export const callFailed = eventType('gateway.call_failed', call);

/** Tells the gateway and the developer how a call ended; never what was asked and answered. */
export function tell(core: Core, scene: Scene, type: EventType<string, typeof call>, of: GatewayCall): void {
  emitIn(core, scene, type, {
    subject: of.id,
    audience: [{ id: of.gatewayId }, { id: of.developerId }],
    object: {
      call_id: of.id,
      gateway_id: of.gatewayId,
      agent_id: of.listingId,
      method: of.method,
      status: of.status,
      price_usdc: formatDecimal(of.price),
      failure: of.failure,
    },
  });
}

const funding = { funding_id: text, gateway_id: text, amount_usdc: text, source: text, status: text };

/** Money has come to a gateway; or it will not come, by card or on a chain. */
export const fundingSettled = eventType('gateway.funding_settled', funding);
export const fundingFailed = eventType('gateway.funding_failed', funding);

/** Tells a gateway what became of its funding. */
export async function tellFunding(
  core: Core,
  tx: Tx,
  type: EventType<string, typeof funding>,
  { id, gatewayId, amount, source, status }: GatewayFunding,
): Promise<void> {
  const amount_usdc = formatDecimal(amount);
  const object = { funding_id: id, gateway_id: gatewayId, amount_usdc, source, status };
  await emit(core, tx, type, { subject: id, audience: [{ id: gatewayId }], object });
}
