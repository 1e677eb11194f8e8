import { newId } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import { OWN_MONEY } from './Account.js';
import type { LedgerCore } from './LedgerCore.js';
import { ownMoney } from './movements.js';
import { accountTotal, post } from './operations.js';
import type { TreasuryAccount } from './ports.js';

/**
 * Books what the treasury has more than the books, or less, as money that the platform has put there or taken out itself. What is under
 * way at this moment would be taken for its own.
 * @returns how much that was; undefined when the chain could not be asked
 */
export function adopt(
  core: LedgerCore,
  { account: custody, asset, balance }: TreasuryAccount,
): Promise<Amount | undefined> {
  return core.db.tx(async (tx) => {
    // One at a time: two that look at the same balance would both book it.
    await tx.query('select pg_advisory_xact_lock(hashtext($1))', [OWN_MONEY]);
    const has = await balance();
    if (has === undefined) return undefined;
    const amount = has + (await accountTotal(tx, { account: custody, asset }));
    if (amount === 0n) return amount;
    const key = `${OWN_MONEY}:${newId('journal', core)}`;
    await post(core, tx, { key, kind: 'treasury.own', postings: ownMoney({ custody, asset, amount }) });
    return amount;
  });
}
