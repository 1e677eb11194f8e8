import type { Amount } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { accountTotal, escrow as escrowAccount } from '../ledger/index.js';
import type { Agreement } from './Agreement.js';
import type { AgreementEscrow } from './ports.js';
import * as store from './AgreementStore.js';

/** An agreement of which the escrow says something else than the books. */
export interface EscrowDifference {
  readonly agreementId: string;
  /** By the books: what is held, and what the seller was paid. */
  readonly booked: { readonly held: Amount; readonly paid: Amount };
  /** By the chain; null when it could not be asked. */
  readonly found: { readonly held: Amount; readonly paid: Amount } | null;
}

const PAGE = 50;

/** Compares every agreement on the chain that is not just being moved with the escrow. An empty list: they agree. */
export async function compareEscrow(core: Core): Promise<EscrowDifference[]> {
  const { escrow } = core.ports;
  if (!escrow) return [];
  const differences: EscrowDifference[] = [];
  for (let after = ''; ;) {
    const page = await store.selectHeld(core.db, { network: escrow.network, after, limit: PAGE });
    const compared = await Promise.all(page.map((agreement) => compare(core, escrow, agreement)));
    differences.push(...compared.filter((each) => each !== undefined));
    if (page.length < PAGE) return differences;
    after = (page.at(-1) as Agreement).id;
  }
}

async function compare(
  core: Core,
  escrow: AgreementEscrow,
  { id: agreementId, paid }: Agreement,
): Promise<EscrowDifference | undefined> {
  const hold = await store.holds.find(core.db, { agreementId });
  if (!hold) return undefined;
  const held = await accountTotal(core.db, { account: escrowAccount(agreementId), asset: escrow.asset });
  const booked = { held, paid: paid ?? 0n };
  const seen = await escrow.look(hold.offer).catch(() => undefined);
  if (!seen) return { agreementId, booked, found: null };
  const found = { held: seen.capturable, paid: seen.captured };
  const same = found.held === booked.held && found.paid === booked.paid;
  return same ? undefined : { agreementId, booked, found };
}
