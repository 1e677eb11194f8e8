import type { Queryable } from '@agentpay/primitives';
import { table } from '../table.js';
import type { KeptCustodyWallet } from './CustodyWallet.js';

export const custodyWallets = table<KeptCustodyWallet>('custody_wallets', {
  walletId: 'text',
  ownerId: 'text',
  holder: 'text',
  network: 'text',
  address: 'text',
  sealedKey: 'text',
  bookings: 'bigint',
  createdAt: 'timestamptz',
});

export function selectOfHolder(db: Queryable, holder: string): Promise<KeptCustodyWallet[]> {
  return custodyWallets.select(db, 'where holder = $1 order by created_at, wallet_id', [holder]);
}

/** Wallets of a network, in the order of their ids. */
export function selectOfNetwork(
  db: Queryable,
  { network, after, limit }: { network: string; after: string; limit: number },
): Promise<KeptCustodyWallet[]> {
  return custodyWallets.select(db, 'where network = $1 and wallet_id > $2 order by wallet_id limit $3', [
    network,
    after,
    limit,
  ]);
}

/** Takes a number of bookings for granted and counts one more; false when somebody else has booked meanwhile. */
export async function countBooking(
  db: Queryable,
  { walletId, bookings }: Pick<KeptCustodyWallet, 'walletId' | 'bookings'>,
): Promise<boolean> {
  return (await custodyWallets.update(db, { walletId, bookings }, { bookings: bookings + 1n })).length === 1;
}
