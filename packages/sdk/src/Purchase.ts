import type { Clock } from '@agentpay/primitives';
import { MAX_LIFETIME } from './Account.js';
import type { Budget, Reservation } from './Budget.js';
import type { PaymentOrder } from './PaymentOrder.js';
import type { Dialect } from './Offer.js';

/** One thing bought: one proof, for one request. Plain JSON; `proof` is a secret while it is valid. */
export interface SignedPurchase {
  readonly id: string;
  /** Stands for method, URL and body of the request. */
  readonly request: string;
  /** Where the proof goes. */
  readonly url: string;
  readonly dialect: Dialect;
  readonly network: string;
  readonly asset: string;
  /** Base units, as decimal digits. */
  readonly amount: string;
  readonly payTo: string;
  readonly header: string;
  readonly proof: string;
  /** When it was signed, in ms since the Unix epoch. */
  readonly signedAt: number;
  /** When the proof ends, in ms since the Unix epoch. */
  readonly validUntil: number;
  readonly tokenId?: string;
  /** Where AgentPay makes the proof, which is empty until it has. */
  readonly order?: PaymentOrder;
  readonly nonce?: string;
  /**
   * `open`: the proof may have to be sent again. `confirmed`: a receipt came back. `closed`: it will not be sent again, and counts as
   * spent. `void`: it is proven that it will not be paid.
   */
  readonly state: 'open' | 'confirmed' | 'closed' | 'void';
}

/** Memory of purchases that outlives the process, such as a file or a table. Belongs to one client at a time. */
export interface PurchaseJournal {
  /** Writes the purchase in place of an earlier state of it. Nothing is sent before this resolves. */
  save(purchase: SignedPurchase): Promise<void>;
  /** Every purchase that counts against the budget, and every open one. */
  load(): Promise<readonly SignedPurchase[]>;
}

/** The purchases of one client. */
export interface Purchases {
  /** Reads the journal, once; rejects when it cannot be read. */
  ready(): Promise<void>;
  /** Takes an unanswered purchase for this request, so that its proof is sent again and no other is made. */
  resume(request: string): SignedPurchase | undefined;
  /** Claims the nonce of an authorization, at once; false while an earlier one with this nonce may be valid. */
  claim(nonce: string): boolean;
  /** Takes up a new purchase, whose amount is reserved. */
  open(purchase: SignedPurchase, reservation: Reservation): void;
  /** Writes the purchase down; rejects when it cannot be written. */
  record(purchase: SignedPurchase): Promise<void>;
  /** Lets another request for the same resume the purchase. */
  park(purchase: SignedPurchase): void;
  /** Ends the purchase. */
  end(purchase: SignedPurchase, state: 'confirmed' | 'closed' | 'void'): Promise<void>;
}

export function createPurchases({
  journal,
  clock,
  budget,
}: {
  journal: PurchaseJournal | undefined;
  clock: Clock;
  budget: Budget;
}): Purchases {
  const parked = parkedPurchases(clock);
  const nonces = claimedNonces(clock);
  const reservations = new Map<string, Reservation>();
  let loading: Promise<void> | undefined;

  function restore(purchase: SignedPurchase): void {
    if (purchase.state === 'void') return;
    const { network, asset, amount, url, signedAt } = purchase;
    const expense = { network, asset, amount: BigInt(amount), host: new URL(url).host };
    const reservation = budget.restore(expense, signedAt);
    if (purchase.state === 'confirmed') reservation.confirm();
    if (purchase.nonce !== undefined) nonces.restore(purchase.nonce, purchase.validUntil);
    if (purchase.state !== 'open') return;
    reservations.set(purchase.id, reservation);
    parked.park(purchase);
  }

  async function load(): Promise<void> {
    for (const purchase of checked((await journal?.load()) ?? [])) restore(purchase);
  }

  return {
    ready() {
      loading ??= load().catch((error: unknown) => {
        loading = undefined;
        throw error;
      });
      return loading;
    },
    resume: parked.take,
    claim: nonces.claim,
    open: (purchase, reservation) => void reservations.set(purchase.id, reservation),
    record: async (purchase) => journal?.save(purchase),
    park: parked.park,
    async end(purchase, state) {
      const reservation = reservations.get(purchase.id);
      if (state === 'confirmed') reservation?.confirm();
      if (state === 'void') reservation?.release();
      reservations.delete(purchase.id);
      // A journal that fails must not cost the buyer the response: left open in it, the purchase only has its proof sent once more.
      await journal?.save({ ...purchase, state }).catch(() => undefined);
    },
  };
}

/** Refuses a journal as a whole, before any of it counts. */
function checked(past: readonly SignedPurchase[]): readonly SignedPurchase[] {
  for (const { amount } of past) BigInt(amount);
  return past;
}

/** Unanswered purchases, by the request that each is for. */
function parkedPurchases(clock: Clock) {
  const parked = new Map<string, SignedPurchase[]>();
  const isOver = ({ validUntil }: SignedPurchase) => validUntil <= clock.now();
  return {
    park(purchase: SignedPurchase): void {
      for (const [request, waiting] of parked) if (waiting.every(isOver)) parked.delete(request);
      parked.set(purchase.request, [...(parked.get(purchase.request) ?? []), purchase]);
    },
    take(request: string): SignedPurchase | undefined {
      const found = (parked.get(request) ?? []).filter((purchase) => !isOver(purchase));
      const purchase = found.shift();
      if (found.length > 0) parked.set(request, found);
      else parked.delete(request);
      return purchase;
    },
  };
}

/** Nonces of authorizations that may be valid. */
function claimedNonces(clock: Clock) {
  const nonces = new Map<string, number>();
  return {
    restore: (nonce: string, validUntil: number) => void nonces.set(nonce, validUntil),
    claim(nonce: string): boolean {
      for (const [claimed, until] of nonces) if (until <= clock.now()) nonces.delete(claimed);
      if (nonces.has(nonce)) return false;
      nonces.set(nonce, clock.now() + MAX_LIFETIME * 1000);
      return true;
    },
  };
}
