import type { Queryable } from '@agentpay/primitives';
import { lookUp } from '../lookUp.js';
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

/** The wallets of a holder, oldest first: every purchase makes this look-up. */
export const findOfHolder = lookUp<{ holder: string; wallets: KeptCustodyWallet[] }>(
  async (db, holders) => {
    const found = new Map(holders.map((holder) => [holder, { holder, wallets: [] as KeptCustodyWallet[] }]));
    const rest = 'where holder in (select * from unnest($1::text[])) order by created_at, wallet_id';
    for (const wallet of await custodyWallets.select(db, rest, [holders]))
      found.get(wallet.holder)?.wallets.push(wallet);
    return [...found.values()];
  },
  ({ holder }) => holder,
);

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
