import type { Queryable } from '@agentpay/primitives';
import { entity } from '../batch/index.js';
import { table } from '../table.js';
import type { Funding, Wallet } from './Wallet.js';

export const wallets = table<Wallet>('wallets', {
  id: 'text',
  ownerId: 'text',
  currency: 'text',
  createdAt: 'timestamptz',
});

export const walletRows = entity<Wallet>({ table: wallets, key: ['id'], rank: 0 });

export const fundings = table<Funding>('fundings', {
  id: 'text',
  walletId: 'text',
  amount: 'bigint',
  source: 'text',
  idempotencyKey: 'text',
  createdAt: 'timestamptz',
});

/** The owner's first wallet of a currency. */
export async function findByCurrency(
  db: Queryable,
  ownerId: string,
  currency: string,
): Promise<Wallet | undefined> {
  const [wallet] = await wallets.select(
    db,
    'where owner_id = $1 and currency = $2 order by created_at, id limit 1',
    [ownerId, currency],
  );
  return wallet;
}
