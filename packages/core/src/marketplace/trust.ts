import type { Queryable } from '@agentpay/primitives';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import type { JobReport } from '../Job.js';
import type { Service } from './Service.js';
import * as store from './ServiceStore.js';

const SERVICES = 500;
const CHANGES = 10_000;

/** Notes points that a service has earned or lost: {@link applyTrust} tells its row, so that calls do not wait for each other. */
export function adjustTrustIn(scene: Scene, change: { serviceId: string; points: number }): void {
  scene.append(store.trustChanges, change);
}

/** The service with the trust it has by now. */
export async function withTrust(db: Queryable, service: Service): Promise<Service> {
  const pending = await store.pendingTrust(db, service.id);
  return pending.length === 0 ? service : { ...service, trustScore: scored(service.trustScore, pending) };
}

/** Tells services of the points they have earned or lost, each within 0..100. */
export async function applyTrust(core: Core): Promise<JobReport> {
  const failures: { subject: string; error: unknown }[] = [];
  let changed = 0;
  for (const serviceId of await store.listUntold(core.db, SERVICES)) {
    try {
      await core.db.tx(async (tx) => {
        const service = await store.services.lock(tx, { id: serviceId });
        const points = await store.takeTrust(tx, serviceId, CHANGES);
        if (!service || points.length === 0) return;
        await store.services.update(
          tx,
          { id: serviceId },
          { trustScore: scored(service.trustScore, points) },
        );
        changed++;
      });
    } catch (error) {
      failures.push({ subject: serviceId, error });
    }
  }
  if (changed > 0) core.serviceLists.clear();
  return { done: { changed }, failures };
}

function scored(score: number, changes: readonly number[]): number {
  return changes.reduce((sum, points) => Math.min(100, Math.max(0, sum + points)), score);
}
