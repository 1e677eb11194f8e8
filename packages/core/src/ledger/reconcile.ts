import type { Amount } from '@agentpay/primitives';
import { ESCROW_CONTRACT } from './Account.js';
import type { LedgerCore } from './LedgerCore.js';

/** Where the platform's own money on chains can be looked up. */
export interface Custody {
  /**
   * What the platform has at this moment on the custody account of a network, in base units; undefined when it has no such place any
   * more or knows no way to look. The asset is named as in the ledger: `USDC`, `USDC@base`.
   */
  balance(place: { network: string; asset: string }): Promise<Amount | undefined>;
}

/** A custody account that is not what its chain says. */
export interface CustodyDifference {
  readonly account: string;
  readonly asset: string;
  /** By the books. */
  readonly expected: Amount;
  /** By the chain; null when it could not be looked up. */
  readonly actual: Amount | null;
}

/** Compares every custody account of the books but that of the escrow with its chain. An empty list: they agree. */
export async function reconcile(
  core: LedgerCore,
  { custody }: { custody: Custody },
): Promise<CustodyDifference[]> {
  const rows = await core.db.query<{ account: string; asset: string; amount: string }>(
    `select account, asset, sum(amount)::text as amount from ledger_totals
     where account like 'custody:%' and account <> $1 group by account, asset order by account, asset`,
    [ESCROW_CONTRACT],
  );
  const differences: CustodyDifference[] = [];
  for (const { account, asset, amount } of rows) {
    const network = account.slice('custody:'.length, account.lastIndexOf(':'));
    // Debits are negative, and an asset grows by debits.
    const expected = -BigInt(amount);
    const actual = (await custody.balance({ network, asset })) ?? null;
    if (actual !== expected) differences.push({ account, asset, expected, actual });
  }
  return differences;
}
