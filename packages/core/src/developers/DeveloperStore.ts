import type { Queryable } from '@agentpay/primitives';
import { entity } from '../batch/index.js';
import type { DestinationType } from '../payouts/index.js';
import { table } from '../table.js';
import type { Developer } from './Developer.js';

export const developers = table<Developer>('developers', {
  id: 'text',
  email: 'text',
  name: 'text',
  status: 'text',
  walletId: 'text',
  createdAt: 'timestamptz',
});

/** Whether a developer may sell is what sales are decided by. */
export const developerRows = entity<Developer>({
  table: developers,
  key: ['id'],
  guard: ['status'],
  rank: 14,
  watched: true,
});

/** Where a developer is paid out to. */
export interface PayoutAccount {
  readonly developerId: string;
  readonly type: DestinationType;
  /** Sealed. */
  readonly destination: string;
  /** What of it may be shown. */
  readonly shown: Readonly<Record<string, string>>;
}

export const payoutAccounts = table<PayoutAccount>('developer_payout_accounts', {
  developerId: 'text',
  type: 'text',
  destination: 'text',
  shown: 'jsonb',
});

interface PayoutRun {
  readonly developerId: string;
  readonly month: string;
  readonly payoutId: string;
}

export const payoutRuns = table<PayoutRun>('developer_payout_runs', {
  developerId: 'text',
  month: 'text',
  payoutId: 'text',
});

/** Active developers with an account to pay to and no payout of this month by the schedule, in the order of their ids. */
export function listUnpaid(
  db: Queryable,
  { month, after, limit }: { month: string; after: string; limit: number },
): Promise<Developer[]> {
  return developers.select(
    db,
    `where status = 'active' and id > $2 and id in (select developer_id from developer_payout_accounts)
       and not exists (select from developer_payout_runs where developer_id = developers.id and month = $1)
     order by id limit $3`,
    [month, after, limit],
  );
}

/** Saves the account of a developer in place of the one there was. */
export async function savePayoutAccount(db: Queryable, account: PayoutAccount): Promise<void> {
  const { developerId, ...change } = account;
  if (await payoutAccounts.insertNew(db, account)) return;
  await payoutAccounts.update(db, { developerId }, change);
}
