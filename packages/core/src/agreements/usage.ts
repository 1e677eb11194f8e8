import { AgentPayError, newId } from '@agentpay/primitives';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import { checkText } from '../text.js';
import { remainingOf } from './Agreement.js';
import type { Agreement, AgreementUsage } from './Agreement.js';
import { assertInTime, assertSide, completeIn, get, visible, wantsOf, wrongState } from './operations.js';
import type { OfAgreement } from './operations.js';
import * as store from './AgreementStore.js';

/** Units of one event. */
const MAX_UNITS = 1_000_000_000n;

/**
 * Counts usage that the seller measured. The same event again changes nothing and gives what was counted. What reaches the cap ends the
 * usage.
 * @throws AgentPayError `agreement_not_found`, `forbidden` for the buyer, `agreement_wrong_state` unless it is active, `invalid_request`,
 * `usage_exhausted` for more than is left, `conflict` when the event was counted with other units
 */
export async function record(
  core: Core,
  request: OfAgreement & { readonly units: bigint; readonly eventId?: string | undefined },
): Promise<{ agreement: Agreement; usage: AgreementUsage }> {
  const { principal, agreementId, units } = request;
  if (units < 1n || units > MAX_UNITS)
    throw new AgentPayError('invalid_request', `Units are a whole number from 1 to ${MAX_UNITS}.`, {
      param: 'units',
    });
  const id = newId('usage', core);
  const eventId = request.eventId === undefined ? id : checkText('idempotencyKey', request.eventId);
  const known = await get(core, { principal, agreementId });
  return core.batch.run({
    wants: [...wantsOf(known), [store.usageRows, [agreementId, eventId]]],
    lane: agreementId,
    decide(scene) {
      const agreement = visible(scene.find(store.agreementRows, agreementId), principal);
      assertSide(principal, agreement, 'seller');
      const counted = scene.find(store.usageRows, agreementId, eventId);
      if (counted) return { agreement, usage: repeated(counted, units) };
      if (agreement.status !== 'active') throw wrongState(agreement);
      assertInTime(core, agreement);
      const amount = units * agreement.unitPrice;
      if (amount > remainingOf(agreement)) throw exhausted(agreement);
      const createdAt = new Date(core.clock.now());
      const usage: AgreementUsage = {
        id,
        agreementId,
        eventId,
        units,
        amount,
        status: 'recorded',
        createdAt,
        deadline: null,
      };
      scene.insert(store.usageRows, usage);
      const used = { used: agreement.used + amount, units: agreement.units + units };
      return { agreement: countIn(core, scene, agreement, used), usage };
    },
  });
}

/** Where nothing more can be used, usage is over. */
export function countIn(
  core: Core,
  scene: Scene,
  agreement: Agreement,
  change: Partial<Agreement>,
): Agreement {
  const counted = scene.update(store.agreementRows, agreement, change);
  const over = counted.status === 'active' && counted.reserved === 0n && isExhausted(counted);
  return over ? completeIn(core, scene, counted) : counted;
}

/** Whether not even one unit is left. */
export function isExhausted(agreement: Agreement): boolean {
  return remainingOf(agreement) < agreement.unitPrice;
}

export function exhausted(agreement: Agreement): AgentPayError {
  const remaining = remainingOf(agreement);
  return new AgentPayError('usage_exhausted', 'That is more than is left of the cap.', {
    details: { limit: agreement.cap, spent: agreement.used, remaining },
  });
}

function repeated(counted: AgreementUsage, units: bigint): AgreementUsage {
  if (counted.status !== 'recorded' || counted.units === units) return counted;
  throw new AgentPayError('conflict', 'The event was counted with other units.', { param: 'eventId' });
}
