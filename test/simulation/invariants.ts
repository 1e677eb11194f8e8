import { baseSepolia } from '@agentpay/primitives';
import { sameHex, type Authorization, type Hex } from '@agentpay/protocol';
import type { Receipt } from '@agentpay/evm';
import { nonceKey, type Purchase } from './Purchase.js';
import type { World } from './World.js';

/** What a simulated history must never show. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

interface Row {
  readonly payer: Hex;
  readonly nonce: Hex;
  readonly state: string;
  readonly hash: Hex | null;
}

const usdc = baseSepolia.usdc.address;

const isSame = (a: Authorization, b: Authorization): boolean =>
  sameHex(a.from, b.from) && sameHex(a.to, b.to) && a.value === b.value && sameHex(a.nonce, b.nonce) && a.validBefore === b.validBefore;

function groups(purchases: readonly Purchase[]): Map<string, Purchase[]> {
  const byNonce = new Map<string, Purchase[]>();
  for (const purchase of purchases) {
    const key = nonceKey(purchase.authorization);
    byNonce.set(key, [...(byNonce.get(key) ?? []), purchase]);
  }
  return byNonce;
}

/** Holds after every step. */
export function checkAlways({ chain, purchases }: World): void {
  const transfers = chain.transfers();
  for (const { label, answer, authorization } of purchases) {
    const moved = transfers.some((transfer) => isSame(transfer, authorization));
    if (answer === 'settled' && !moved) throw new Violation(`${label} was acknowledged, but its money did not move`);
  }
  for (const same of groups(purchases).values()) {
    const granted = same.filter(({ answer }) => answer === 'settled');
    if (granted.length > 1) throw new Violation(`one authorization paid for ${granted.map(({ label }) => label).join(' and ')}`);
  }
}

/** Holds when faults have stopped and everything has had its time. */
export async function checkEnd(world: World): Promise<void> {
  checkAlways(world);
  const rows = await world.db.query<Row>('select payer, nonce, state, hash from facilitator_settlements');
  const stuck = rows.filter(({ state }) => state === 'sent' || state === 'claimed');
  if (stuck.length > 0) throw new Violation(`without end: ${JSON.stringify(stuck)}`);
  const own = await ownTransactions(world);
  for (const [key, same] of groups(world.purchases)) {
    const row = rows.find(({ payer, nonce }) => nonceKey({ from: payer, nonce }) === key);
    await checkGroup(world, same, row, own);
  }
}

/** The transaction that used the authorization's nonce, if one did. */
function useOf({ chain }: World, [first]: readonly Purchase[]): Promise<Receipt | undefined> {
  const { from, nonce } = (first as Purchase).authorization;
  return chain.authorizationUse(usdc, from, nonce);
}

/** The facilitator's own transactions, by hash; others may move the money of an authorization as well. */
async function ownTransactions({ db }: World): Promise<ReadonlySet<Hex>> {
  return new Set((await db.query<{ hash: Hex }>('select hash from facilitator_transactions')).map(({ hash }) => hash));
}

/** Holds when faults have stopped, before anybody asks again: nobody was told that a payment failed which moved all the same. */
export async function checkRefusals(world: World): Promise<void> {
  const own = await ownTransactions(world);
  for (const same of groups(world.purchases).values()) {
    const use = await useOf(world, same);
    if (!use || !own.has(use.hash)) continue;
    const moved = same.filter(({ authorization }) => world.chain.transfers().some((transfer) => isSame(transfer, authorization)));
    const refused = moved.every(({ answer, open }) => answer === 'refused' && open === 0);
    if (moved.length > 0 && refused) throw new Violation(`${moved.map(({ label }) => label).join()} was refused, but the money moved`);
  }
}

async function checkGroup(world: World, same: readonly Purchase[], row: Row | undefined, own: ReadonlySet<Hex>): Promise<void> {
  const names = same.map(({ label }) => label).join(' and ');
  const use = await useOf(world, same);
  if (!use && row?.state === 'settled') throw new Violation(`${names}: recorded as settled, but nothing moved`);
  if (!use || !own.has(use.hash)) return;
  if (row?.state !== 'settled' || !row.hash || !sameHex(row.hash, use.hash)) {
    throw new Violation(`${names}: moved by ${use.hash}, recorded as ${row?.state} ${row?.hash}`);
  }
  const granted = same.filter(({ answer }) => answer === 'settled');
  if (granted.length !== 1) throw new Violation(`${names}: the money moved, but ${granted.length} purchases were granted`);
}
