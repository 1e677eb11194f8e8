import type { Amount } from '@agentpay/primitives';
import { table } from '../table.js';

/** Tells its owner once a month that they have spent so much. */
export interface Alert {
  /** `al_...` */
  readonly id: string;
  /** The developer; what their organizations spend counts as well. */
  readonly ownerId: string;
  readonly type: 'budget';
  readonly threshold: Amount;
  readonly status: 'active' | 'deleted';
  /** Month in which it has told of it: "2026-05"; null: none yet. */
  readonly firedMonth: string | null;
  readonly checkedAt: Date;
  readonly createdAt: Date;
}

export const alerts = table<Alert>('alerts', {
  id: 'text',
  ownerId: 'text',
  type: 'text',
  threshold: 'bigint',
  status: 'text',
  firedMonth: 'text',
  checkedAt: 'timestamptz',
  createdAt: 'timestamptz',
});
