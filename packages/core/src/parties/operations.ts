import type { Queryable, Tx } from '@agentpay/primitives';
import type { Party } from './Party.js';
import { parties } from './PartyStore.js';

/** Makes a party, inside the transaction that writes what else is known of it under the same id. */
export async function create(tx: Tx, party: Party): Promise<void> {
  await parties.insert(tx, party);
}

/** Locks the party's row until the transaction ends: what must not happen to it twice at once waits here. */
export async function lock(tx: Tx, { partyId }: { partyId: string }): Promise<void> {
  await parties.lock(tx, { id: partyId });
}

/** The party with this id; undefined when there is none. */
export function find(db: Queryable, { partyId }: { partyId: string }): Promise<Party | undefined> {
  return parties.find(db, { id: partyId });
}
