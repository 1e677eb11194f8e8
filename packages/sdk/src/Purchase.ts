import type { Clock } from '@agentpay/primitives';
import { MAX_LIFETIME } from './Account.js';
import type { Budget, Reservation } from './Budget.js';
import type { Dialect } from './Offer.js';

/** One thing bought: one proof, for one request. Plain JSON; `proof` is a secret while it is valid. */
export interface Purchase {
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
  save(purchase: Purchase): Promise<void>;
  /** Every purchase that counts against the budget, and every open one. */
  load(): Promise<readonly Purchase[]>;
}

/** The purchases of one client. */
export interface Purchases {
  /** Reads the journal, once; rejects when it cannot be read. */
  ready(): Promise<void>;
  /** Takes an unanswered purchase for this request, so that its proof is sent again and no other is made. */
  resume(request: string): Purchase | undefined;
  /** Claims the nonce of an authorization, at once; false while an earlier one with this nonce may be valid. */
  claim(nonce: string): boolean;
  /** Takes up a new purchase, whose amount is reserved. */
  open(purchase: Purchase, reservation: Reservation): void;
  /** Writes the purchase down; rejects when it cannot be written. */
  record(purchase: Purchase): Promise<void>;
  /** Lets another request for the same resume the purchase. */
  park(purchase: Purchase): void;
  /** Ends the purchase. */
  end(purchase: Purchase, state: 'confirmed' | 'closed' | 'void'): Promise<void>;
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
  const parked = new Map<string, Purchase[]>();
  const reservations = new Map<string, Reservation>();
  const nonces = new Map<string, number>();
  let loading: Promise<void> | undefined;

  function park(purchase: Purchase): void {
    for (const [request, waiting] of parked) if (waiting.every(isOver)) parked.delete(request);
    parked.set(purchase.request, [...(parked.get(purchase.request) ?? []), purchase]);
  }

  function isOver({ validUntil }: Purchase): boolean {
    return validUntil <= clock.now();
  }

  async function load(): Promise<void> {
    const past = ((await journal?.load()) ?? []).map((purchase) => ({
      purchase,
      amount: BigInt(purchase.amount),
    }));
    for (const { purchase, amount } of past) {
      if (purchase.state === 'void') continue;
      const { network, asset, url, signedAt } = purchase;
      const reservation = budget.restore({ network, asset, amount, host: new URL(url).host }, signedAt);
      if (purchase.state === 'confirmed') reservation.confirm();
      if (purchase.nonce !== undefined) nonces.set(purchase.nonce, purchase.validUntil);
      if (purchase.state !== 'open') continue;
      reservations.set(purchase.id, reservation);
      park(purchase);
    }
  }

  return {
    ready() {
      loading ??= load().catch((error: unknown) => {
        loading = undefined;
        throw error;
      });
      return loading;
    },
    resume(request) {
      const found = (parked.get(request) ?? []).filter((purchase) => !isOver(purchase));
      const purchase = found.shift();
      if (found.length > 0) parked.set(request, found);
      else parked.delete(request);
      return purchase;
    },
    claim(nonce) {
      for (const [claimed, until] of nonces) if (until <= clock.now()) nonces.delete(claimed);
      if (nonces.has(nonce)) return false;
      nonces.set(nonce, clock.now() + MAX_LIFETIME * 1000);
      return true;
    },
    open: (purchase, reservation) => void reservations.set(purchase.id, reservation),
    record: async (purchase) => journal?.save(purchase),
    park,
    async end(purchase, state) {
      const reservation = reservations.get(purchase.id);
      if (state === 'confirmed') reservation?.confirm();
      if (state === 'void') reservation?.release();
      reservations.delete(purchase.id);
      // The answer is there, and is not lost over the journal: a purchase that stays open in it costs one more sending of the same proof.
      await journal?.save({ ...purchase, state }).catch(() => undefined);
    },
  };
}
