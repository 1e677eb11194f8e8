import { AgentPayError, isId, newId } from '@agentpay/primitives';
import { attemptDue } from '../attempts.js';
import type { Core } from '../Core.js';
import type { JobReport } from '../Job.js';
import { serviceRows } from '../marketplace/index.js';
import { remainingOf } from './Agreement.js';
import type { Agreement, AgreementUsage } from './Agreement.js';
import { assertInTime, assertSide, visible, wrongState } from './operations.js';
import type { OfAgreement } from './operations.js';
import * as store from './AgreementStore.js';
import { countIn, exhausted, isExhausted } from './usage.js';

/** A process that has not ended a call so long after its time has died. */
const GRACE_MS = 15_000;

/** A call of the seller's service for which a unit is set aside. */
export interface MeteredCall {
  readonly agreement: Agreement;
  readonly usage: AgreementUsage;
  /** The address of the service. */
  readonly endpointUrl: string;
  /** Longest that it may take. */
  readonly timeoutMs: number;
}

/**
 * Sets one unit aside for a call of the service, so that of many calls at once none goes beyond the cap. For the buyer.
 * @throws AgentPayError `agreement_not_found`, `forbidden` for the seller, `agreement_wrong_state` unless it is active, `usage_exhausted`,
 * `conflict` (reason `no_endpoint`) when the service has no address
 */
export async function beginCall(core: Core, { principal, agreementId }: OfAgreement): Promise<MeteredCall> {
  const id = newId('usage', core);
  const { callMs: timeoutMs } = core.settings.agreements;
  return core.batch.run({
    wants: [[store.agreementRows, [agreementId]]],
    lane: agreementId,
    decide(scene) {
      const known = isId('agreement', agreementId) ? scene.find(store.agreementRows, agreementId) : undefined;
      const agreement = visible(known, principal);
      assertSide(principal, agreement, 'buyer');
      const endpointUrl = scene.find(serviceRows, agreement.serviceId)?.endpointUrl ?? null;
      if (endpointUrl === null)
        throw new AgentPayError('conflict', 'The service has no address.', { reason: 'no_endpoint' });
      const nowMs = core.clock.now();
      if (agreement.status !== 'active') throw wrongState(agreement);
      assertInTime(core, agreement);
      if (isExhausted(agreement)) throw exhausted(agreement);
      const usage: AgreementUsage = {
        id,
        agreementId,
        eventId: id,
        units: 1n,
        amount: agreement.unitPrice,
        status: 'reserved',
        createdAt: new Date(nowMs),
        deadline: new Date(nowMs + timeoutMs + GRACE_MS),
      };
      scene.insert(store.usageRows, usage);
      const reserved = agreement.reserved + usage.amount;
      return {
        agreement: scene.update(store.agreementRows, agreement, { reserved }),
        usage,
        endpointUrl,
        timeoutMs,
      };
    },
  });
}

/**
 * Ends a call, once: it is charged for the units that the seller counted, up to what is left, or for none when it was not served.
 * @param call.units undefined: it was not served
 */
export async function endCall(
  core: Core,
  call: Pick<MeteredCall, 'usage'> & { readonly units: bigint | undefined },
): Promise<void> {
  const { agreementId, eventId } = call.usage;
  const { units } = call;
  await core.batch.run({
    wants: [
      [store.agreementRows, [agreementId]],
      [store.usageRows, [agreementId, eventId]],
    ],
    lane: agreementId,
    decide(scene) {
      const usage = scene.find(store.usageRows, agreementId, eventId);
      if (usage?.status !== 'reserved') return;
      const agreement = scene.find(store.agreementRows, agreementId) as Agreement;
      const reserved = agreement.reserved - usage.amount;
      const most = remainingOf({ ...agreement, reserved }) / agreement.unitPrice;
      const counted = units === undefined ? 0n : units < most ? units : most;
      const amount = counted * agreement.unitPrice;
      const status = units === undefined ? 'released' : 'recorded';
      scene.update(store.usageRows, usage, { status, units: counted, amount, deadline: null });
      const used = { used: agreement.used + amount, units: agreement.units + counted };
      countIn(core, scene, agreement, { reserved, ...used });
    },
  });
}

/** Ends calls whose process has died: nobody knows whether they were served, so they cost nothing. */
export async function releaseLeft(core: Core, { limit }: { limit: number }): Promise<JobReport> {
  const { done, failures } = await attemptDue(core, {
    job: 'agreements.left',
    limit,
    due: store.leftUsages,
    attempt: (usage: AgreementUsage) => endCall(core, { usage, units: undefined }),
  });
  return { done: { released: done }, failures };
}
