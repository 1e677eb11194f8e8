import type { Clock, Db, Random } from '@agentpay/primitives';
import type { Batch } from '../batch/index.js';

/** What the books need of the core. They stand below all other slices and know none of them. */
export interface LedgerCore {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  readonly batch: Batch;
  readonly settings: { readonly identity: { readonly pepper: string } };
}
