import type { Clock } from '@agentpay/primitives';
import { expiring } from '../Expiring.js';
import type { Expiring } from '../Expiring.js';
import type { ServicePage } from './Service.js';

const TTL_MS = 5_000;
const KEPT = 256;

/** Pages of the catalogue, kept for five seconds. */
export type ServiceLists = Expiring<ServicePage>;

export function serviceLists(clock: Clock): ServiceLists {
  return expiring<ServicePage>(clock, { ttlMs: TTL_MS, limit: KEPT });
}
