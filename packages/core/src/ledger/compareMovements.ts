import type { Amount } from '@agentpay/primitives';

/** Money that left the platform by a rail, or below zero came back by it, as the books have it. */
export interface BookedMovement {
  /** Id of the payment, refund or payout. */
  readonly id: string;
  /** Key of the journal by which it is in the books; null while it is under way. */
  readonly journalKey: string | null;
  /** What the rail calls it; null while it has not said. */
  readonly reference: string | null;
  /** Base units. */
  readonly amount: Amount;
}

/** The same as the rail has it. */
export interface RailMovement {
  readonly reference: string;
  readonly amount: Amount;
}

/** Something on which books and rail do not agree. */
export interface MovementDifference {
  readonly reference: string;
  /** What the books have under the reference. */
  readonly ids: readonly string[];
  readonly journalKeys: readonly string[];
  readonly booked: Amount;
  readonly moved: Amount;
}

/** Where books and rail do not agree; what is under way explains a movement that the books do not have yet. */
export function compareMovements(
  entries: readonly BookedMovement[],
  moved: readonly RailMovement[],
): MovementDifference[] {
  const settled = entries.filter(({ journalKey }) => journalKey !== null);
  const open = entries.filter(({ journalKey }) => journalKey === null);
  const byReference = new Map<string, { booked: BookedMovement[]; moved: Amount }>();
  const at = (reference: string) => {
    let found = byReference.get(reference);
    if (!found) byReference.set(reference, (found = { booked: [], moved: 0n }));
    return found;
  };
  for (const entry of settled) if (entry.reference !== null) at(entry.reference).booked.push(entry);
  for (const { reference, amount } of moved) at(reference).moved += amount;
  const isUnderWay = (reference: string, amount: Amount) =>
    open.some((each) => (each.reference === null ? each.amount === amount : each.reference === reference));
  return [...byReference].flatMap(([reference, found]) => {
    const booked = found.booked.reduce((sum, { amount }) => sum + amount, 0n);
    if (booked === found.moved || (found.booked.length === 0 && isUnderWay(reference, found.moved)))
      return [];
    const ids = found.booked.map(({ id }) => id);
    const journalKeys = found.booked.map(({ journalKey }) => journalKey as string);
    return [{ reference, ids, journalKeys, booked, moved: found.moved }];
  });
}
