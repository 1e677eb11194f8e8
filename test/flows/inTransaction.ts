import { ledger, spending } from '@agentpay/core';
import type { Core } from '@agentpay/core';
import type { Tx } from '@agentpay/primitives';

// What commands do in a batch, each in a transaction of its own: so that several of them race in the database.

export function openHold(core: Core, tx: Tx, reserved: Parameters<typeof ledger.openHoldIn>[2]) {
  const { walletId, asset } = reserved;
  return core.batch.runIn(tx, {
    wants: [ledger.available(walletId), ledger.held(walletId)].map((account) => [
      ledger.balances,
      [account, asset],
    ]),
    lane: walletId,
    decide: (scene) => ledger.openHoldIn(core, scene, reserved),
  });
}

/** held -> `credits` */
export function captureHold(
  core: Core,
  tx: Tx,
  { holdId, credits }: { holdId: string; credits: readonly Pick<ledger.Posting, 'account' | 'amount'>[] },
) {
  const postings = ({ walletId, asset, amount }: ledger.Hold) => [
    { account: ledger.held(walletId), asset, amount: -amount },
    ...credits.map((line) => ({ ...line, asset })),
  ];
  return closeHold(core, tx, { holdId, state: 'captured', reason: 'capture', postings });
}

/** held -> available */
export function releaseHold(core: Core, tx: Tx, { holdId, reason }: { holdId: string; reason: string }) {
  return closeHold(core, tx, { holdId, state: 'released', reason, postings: ledger.movements.release });
}

function closeHold(core: Core, tx: Tx, closing: Parameters<typeof ledger.closeHoldIn>[2]) {
  const { holdId } = closing;
  return core.batch.runIn(tx, {
    wants: [[ledger.holds, [holdId]]],
    lane: holdId,
    decide: (scene) => ledger.closeHoldIn(core, scene, closing),
  });
}

export function reserve(core: Core, tx: Tx, wanted: spending.Spending) {
  return core.batch.runIn(tx, {
    wants: spending.wantsOf(wanted),
    lane: wanted.walletId,
    decide: (scene) => spending.reserveIn(core, scene, wanted),
  });
}

export function giveBack(core: Core, tx: Tx, given: Parameters<typeof spending.giveBackIn>[2]) {
  return core.batch.runIn(tx, {
    wants: [[ledger.holds, [given.holdId]], ...spending.allowWants(given.spent.payer)],
    lane: given.holdId,
    decide: (scene) => spending.giveBackIn(core, scene, given),
  });
}
