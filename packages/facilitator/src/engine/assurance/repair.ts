import type { Chain, Sender, SignedTransaction } from '@agentpay/evm';
import type { Clock } from '@agentpay/primitives';
import type { Flight, Flights } from '../sending/Flights.js';
import type { SignerAccounts } from '../sending/SignerAccounts.js';
import { unusedOf } from './provenOutcome.js';
import { hasEnded, type CarryingTransaction, type Settlement } from '../Settlement.js';
import type { SettlementStore } from '../SettlementStore.js';

export interface RepairOptions {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly store: SettlementStore;
  readonly accounts: SignerAccounts;
  /** Time between repairs, ms. */
  readonly repairEveryMs: number;
  readonly onError: (what: string, error: unknown) => void;
}

/** Puts right what went wrong: with our accounts, with transactions that are not mined, and with blocks that the chain lost. */
export interface Repair {
  /** Keeps our signer accounts, and takes up what others left unfinished with those that became ours; gives the number of settlements. */
  renewAccounts(): Promise<number>;
  /** Everything that is due; reports what failed, and goes on. */
  all(): Promise<void>;
  /** Makes payments again that were settled, and of which the chain shows nothing any more. */
  makeAgain(lost: readonly Settlement[]): Promise<void>;
  /** Looks for outcomes, and sends what cannot be mined any more in another transaction. */
  flight(flight: Flight): Promise<void>;
}

/** What the steps of a repair share. */
interface Repairing extends RepairOptions {
  readonly flights: Flights;
  /** Takes a settlement that none of its transactions can carry any more. */
  readonly sendAgain: (settlement: Settlement) => void;
  /** Accounts of ours of which some unfinished transaction may have no flight, because taking it up has failed or is still to be done. */
  readonly owed: Set<Sender>;
}

/** @param sendAgain takes a settlement that none of its transactions can carry any more */
export function createRepair(
  options: RepairOptions,
  flights: Flights,
  sendAgain: (settlement: Settlement) => void,
): Repair {
  const { chain, clock, store, accounts, repairEveryMs, onError } = options;
  const given = { chain, clock, store, accounts, repairEveryMs, onError };
  const own: Repairing = { ...given, flights, sendAgain, owed: new Set() };
  return {
    renewAccounts: () => renewAccounts(own),
    all: () => repairAll(own),
    makeAgain: (lost) => makeAgain(own, lost),
    flight: (flight) => repairFlight(own, flight),
  };
}

async function repairAll(own: Repairing): Promise<void> {
  const { accounts, flights, clock, repairEveryMs, onError } = own;
  const attempt = (what: string, work: () => Promise<unknown>) =>
    work().catch((error: unknown) => onError(what, error));
  await attempt('signer accounts', () => renewAccounts(own));
  for (const sender of accounts.held()) await attempt('maintain', () => maintain(own, sender));
  for (const flight of flights.all()) {
    const due = flight.receipt || flight.dropped || clock.now() - flight.lookedAt >= 10 * repairEveryMs;
    if (due && flight.nonce >= 0) await attempt('repair', () => repairFlight(own, flight));
  }
}

async function renewAccounts(own: Repairing): Promise<number> {
  const { accounts, flights, owed, onError } = own;
  const { gained, lost } = await accounts.renew();
  for (const flight of flights.all())
    if (flight.sender && lost.includes(flight.sender)) flights.close(flight);
  for (const sender of lost) owed.delete(sender);
  for (const sender of gained) owed.add(sender);
  const resumed = owed.size > 0 ? await takeUpUnfinished(own) : 0;
  for (const address of await accounts.watchBalances())
    onError('balance', new Error(`The account ${address} has too little ether.`));
  return resumed;
}

async function takeUpUnfinished(own: Repairing): Promise<number> {
  const { store, flights, owed, accounts } = own;
  const unfinished = await store.unfinished();
  const underWay = new Set(flights.all().map(({ id }) => id));
  const mine = unfinished.filter(({ transactionId, attempts: [first] }) => {
    const isOurs = [...owed].some(({ address }) => address === first?.signer);
    return (
      !underWay.has(transactionId) &&
      (isOurs || !accounts.addresses.some((address) => address === first?.signer))
    );
  });
  for (const transaction of mine) await takeUp(own, transaction);
  owed.clear();
  return mine.reduce((sum, { settlements }) => sum + settlements.length, 0);
}

async function takeUp(
  { accounts, flights, owed }: Repairing,
  transaction: CarryingTransaction,
  undone?: readonly Settlement[],
): Promise<void> {
  const sender = accounts.held().find(({ address }) => address === transaction.attempts[0]?.signer);
  try {
    await flights.takeUp(transaction, sender, undone);
  } catch (error) {
    if (sender) owed.add(sender);
    throw error;
  }
}

async function maintain(own: Repairing, sender: Sender): Promise<void> {
  const { dropped, lost } = await sender.maintain();
  for (const flight of own.flights.all()) {
    if (flight.sender === sender && dropped.includes(flight.nonce)) flight.dropped = true;
  }
  if (lost.length > 0) await restore(own, sender, lost);
}

/** The chain lost blocks: the same signed transactions, broadcast again, make the same payments again. */
async function restore(own: Repairing, sender: Sender, nonces: readonly number[]): Promise<void> {
  const signed = await own.store.signedWith(sender.address, nonces);
  for (const nonce of nonces) {
    // One that carries nothing any more would move nothing but what was refused, or sent otherwise, meanwhile.
    const transaction = signed.findLast(
      ({ attempts, settlements }) => attempts[0]?.nonce === nonce && settlements.length > 0,
    );
    if (transaction) await restoreTransaction(own, transaction);
    else await own.flights.fill(sender, nonce);
  }
}

async function restoreTransaction(own: Repairing, transaction: CarryingTransaction): Promise<void> {
  const { chain, store, onError } = own;
  const { transactionId, attempts, settlements } = transaction;
  const receiptsNow = await chain.receipts(attempts.map(({ hash }) => hash));
  const standing = receiptsNow.some((receipt) => receipt);
  const gone = settlements.filter(({ state }) => state === 'settled' && !standing);
  if (gone.length > 0) {
    await store.reopen(gone.map(({ id }) => id));
    const which = `${attempts.at(-1)?.hash} with ${gone.length} settled payments`;
    onError('reorganisation', new Error(`The chain lost ${which}; sent again.`));
  }
  // The attempt that moved the money is the one to broadcast.
  const moved = (signed: SignedTransaction) => settlements.some(({ hash }) => hash === signed.hash);
  const inOrder = [...attempts.filter((signed) => !moved(signed)), ...attempts.filter(moved)];
  const open = settlements.filter(({ state }) => state === 'sent').concat(gone);
  await takeUp(own, { transactionId, attempts: inOrder, settlements: open }, gone);
}

async function makeAgain(own: Repairing, lost: readonly Settlement[]): Promise<void> {
  try {
    await reopenAndSend(own, lost);
  } catch (error) {
    // Some may be open again already, and in no flight.
    for (const sender of own.accounts.held()) own.owed.add(sender);
    throw error;
  }
}

async function reopenAndSend(own: Repairing, lost: readonly Settlement[]): Promise<void> {
  const { chain, store, sendAgain, onError } = own;
  const reopened = new Set(await store.reopen(lost.map(({ id }) => id)));
  for (const { transactionId, attempts, settlements } of await store.unfinished()) {
    const gone = settlements.filter(({ id }) => reopened.has(id));
    if (gone.length === 0) continue;
    onError(
      'reorganisation',
      new Error(`The chain undid ${gone.length} payments settled by ${attempts.at(-1)?.hash}; made again.`),
    );
    // An attempt in a block without the payment has used up its account nonce, so that none of them can make it any more.
    const standing = (await chain.receipts(attempts.map(({ hash }) => hash))).some((receipt) => receipt);
    const toSend = standing ? await unusedOf(chain, gone) : [];
    const toWatch = gone.filter((settlement) => !toSend.includes(settlement));
    toSend.forEach((settlement) => sendAgain(settlement));
    if (toWatch.length > 0) await takeUp(own, { transactionId, attempts, settlements: toWatch }, toWatch);
  }
}

async function repairFlight({ flights, clock, chain, sendAgain }: Repairing, flight: Flight): Promise<void> {
  await flights.conclude(flight);
  if (!flight.dropped || flight.receipt || flight.members.size === 0) return;
  // None of its attempts can be mined any more, so a new transaction cannot be a second one. What has expired, or was used by a
  // transaction that the node does not show, is left to be proved.
  const living = [...flight.members.values()].filter((member) => !hasEnded(member, clock));
  for (const member of await unusedOf(chain, living)) {
    flight.members.delete(member.id);
    sendAgain({ ...member, state: 'sent' });
  }
  if (flight.members.size === 0) flights.close(flight);
}
