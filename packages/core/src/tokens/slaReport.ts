import type { Core } from '../Core.js';
import { find } from '../marketplace/index.js';
import * as store from './TokenStore.js';

const DAYS = 30;

/** How a service kept its SLA. */
export interface SlaReport {
  readonly from: Date;
  readonly to: Date;
  /** The promise that a call would be given now. */
  readonly maxCompletionSeconds: number;
  readonly calls: { readonly settled: number; readonly breached: number; readonly failed: number };
  /** Settled of those that were settled or breached, 0..1; null without any. */
  readonly compliance: number | null;
  /** From call-started to call-completed; null without a settled call. */
  readonly completionMs: { readonly p50: number; readonly p95: number; readonly max: number } | null;
}

/** How a service kept its SLA over the last 30 days. @throws AgentPayError `service_not_found` */
export async function slaReport(core: Core, { serviceId }: { serviceId: string }): Promise<SlaReport> {
  const service = await find(core.db, { serviceId });
  const to = new Date(core.clock.now());
  const from = new Date(to.getTime() - DAYS * 24 * 60 * 60 * 1000);
  const { settled, breached, failed, p50, p95, max } = await store.readCalls(core.db, { serviceId, from });
  const kept = settled + breached;
  return {
    from,
    to,
    maxCompletionSeconds: service.slaSeconds ?? core.settings.tokens.defaultSlaSeconds,
    calls: { settled, breached, failed },
    compliance: kept === 0 ? null : settled / kept,
    completionMs: p50 === null || p95 === null || max === null ? null : { p50, p95, max },
  };
}
