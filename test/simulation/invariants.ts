import { baseSepolia } from '@agentpay/primitives';
import { sameHex, type Authorization, type Hex } from '@agentpay/protocol';
import { nonceKey, type Purchase } from './Purchase.js';
import { checkHoldRefusals, checkHolds, checkHoldsEnd } from './Hold.js';
import { Violation } from './Violation.js';
import type { World } from './World.js';

interface Row {
  readonly payer: Hex;
  readonly nonce: Hex;
  readonly state: string;
  readonly hash: Hex | null;
}

const usdc = baseSepolia.usdc.address;

/** As the chain shows it: two authorizations with one nonce, payee and value differ in nothing that anybody could see. */
const isSame = (a: Authorization, b: Authorization): boolean =>
  sameHex(a.from, b.from) && sameHex(a.to, b.to) && a.value === b.value && sameHex(a.nonce, b.nonce);

function groups(purchases: readonly Purchase[]): Map<string, Purchase[]> {
  const byNonce = new Map<string, Purchase[]>();
  for (const purchase of purchases) {
    const key = nonceKey(purchase.transfer);
    byNonce.set(key, [...(byNonce.get(key) ?? []), purchase]);
  }
  return byNonce;
}

/** Holds after every step. */
export function checkAlways({ chain, purchases, market, uncaught }: World): void {
  const transfers = chain.transfers();
  if (uncaught.length > 0) throw new Violation(`a seller's process ends: ${String(uncaught[0])}`);
  for (const { label, authorization, delivered } of market.sales) {
    if (delivered.size > 1) throw new Violation(`${label} was delivered as ${[...delivered].join(' and ')}`);
    if (delivered.size > 0 && !transfers.some((other) => isSame(other, authorization)))
      throw new Violation(`${label} was delivered, but the seller has no money for it`);
  }
  for (const { label, answer, transfer } of purchases) {
    const moved = transfers.some((other) => isSame(other, transfer));
    if (answer === 'settled' && !moved)
      throw new Violation(`${label} was acknowledged, but its money did not move`);
  }
  for (const same of groups(purchases).values()) {
    const granted = same.filter(({ answer }) => answer === 'settled');
    if (granted.length > 1)
      throw new Violation(`one authorization paid for ${granted.map(({ label }) => label).join(' and ')}`);
  }
}

/** Holds when faults have stopped and everything has had its time. */
export async function checkEnd(world: World): Promise<void> {
  checkAlways(world);
  checkHolds(world);
  const rows = await world.db.query<Row>('select payer, nonce, state, hash from facilitator_settlements');
  const stuck = rows.filter(({ state }) => state === 'sent');
  if (stuck.length > 0) throw new Violation(`without end: ${JSON.stringify(stuck)}`);
  const own = await ownTransactions(world);
  checkHoldsEnd(world, rows, hashesOf(own));
  for (const [key, same] of groups(world.purchases)) {
    const row = rows.find(({ payer, nonce }) => nonceKey({ from: payer, nonce }) === key);
    await checkGroup(world, same, row, own);
  }
}

/** A transaction that the facilitators signed. */
interface OwnTransaction {
  readonly hash: Hex;
  readonly data: Hex;
}

/** The facilitators' own transactions; others may move the money of an authorization as well. */
function ownTransactions({ db }: World): Promise<readonly OwnTransaction[]> {
  return db.query<OwnTransaction>('select hash, data from facilitator_transactions');
}

const hashesOf = (own: readonly OwnTransaction[]) => new Set(own.map(({ hash }) => hash.toLowerCase()));

/** Own transaction that used the nonce, if one did. */
async function ownUseOf(
  { chain }: World,
  [first]: readonly Purchase[],
  own: readonly OwnTransaction[],
): Promise<Hex | undefined> {
  const {
    signed: { rail },
    transfer: { from, nonce },
  } = first as Purchase;
  if (rail === 'eip3009') {
    const use = await chain.authorizationUse(usdc, from, nonce);
    return own.find(({ hash }) => hash === use?.hash)?.hash;
  }
  // Payments by Permit2 have transactions of their own, which succeed by moving the money.
  const carriers = own.filter(({ data }) => data.toLowerCase().includes(nonce.slice(2).toLowerCase()));
  const receipts = await chain.receipts(carriers.map(({ hash }) => hash));
  return receipts.find((receipt) => receipt?.success)?.hash;
}

/** Holds when faults have stopped, before anybody asks again: nobody was told that a payment failed which moved all the same. */
export async function checkRefusals(world: World): Promise<void> {
  const own = await ownTransactions(world);
  checkHoldRefusals(world, hashesOf(own));
  for (const same of groups(world.purchases).values()) {
    if (!(await ownUseOf(world, same, own))) continue;
    const moved = same.filter(({ transfer }) =>
      world.chain.transfers().some((other) => isSame(other, transfer)),
    );
    const refused = moved.every(({ answer, open }) => answer === 'refused' && open === 0);
    if (moved.length > 0 && refused)
      throw new Violation(`${moved.map(({ label }) => label).join()} was refused, but the money moved`);
  }
}

async function checkGroup(
  world: World,
  same: readonly Purchase[],
  row: Row | undefined,
  own: readonly OwnTransaction[],
): Promise<void> {
  const names = same.map(({ label }) => label).join(' and ');
  const key = nonceKey((same[0] as Purchase).transfer);
  const transfers = world.chain.transfers().filter((transfer) => nonceKey(transfer) === key);
  if (transfers.length > 1) throw new Violation(`${names}: the money moved ${transfers.length} times`);
  if (transfers.length === 0 && row?.state === 'settled')
    throw new Violation(`${names}: recorded as settled, but nothing moved`);
  const use = await ownUseOf(world, same, own);
  if (!use) return;
  if (row?.state !== 'settled' || !row.hash || !sameHex(row.hash, use)) {
    throw new Violation(`${names}: moved by ${use}, recorded as ${row?.state} ${row?.hash}`);
  }
  const granted = same.filter(({ answer }) => answer === 'settled');
  if (granted.length !== 1)
    throw new Violation(`${names}: the money moved, but ${granted.length} purchases were granted`);
}
