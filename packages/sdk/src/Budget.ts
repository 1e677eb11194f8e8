import { AgentPayError, formatDecimal, type Amount } from '@agentpay/primitives';

/** What one asset has cost, in its base units. `signed` is `confirmed` and `reserved` together. */
export interface Spent {
  readonly network: string;
  readonly asset: string;
  /** Everything that a proof was made for, or is being made for, and that is not proven to be void. */
  readonly signed: Amount;
  /** The part for which a seller's receipt came back. */
  readonly confirmed: Amount;
  /** The part whose outcome is not known. */
  readonly reserved: Amount;
}

/** What a reservation is for. */
export interface Expense {
  readonly network: string;
  readonly asset: string;
  readonly amount: Amount;
}

/** An amount set aside. Each method takes effect once at most; nothing takes effect after a release. */
export interface Reservation {
  confirm(): void;
  /** Gives the amount back: only when no proof was made, or it is proven to be void. */
  release(): void;
}

export interface Budget {
  /** Sets the amount aside, at once. @throws AgentPayError `budget_exceeded`, reason `per_request` or `total` */
  reserve(expense: Expense): Reservation;
  /** Counts an expense of the past, whatever the limits. */
  restore(expense: Expense): Reservation;
  spent(): Spent[];
}

/**
 * Limits in base units of six-decimal dollar assets, which all known ones are: amounts of different assets add up to one total.
 * Everything is synchronous, so that concurrent requests cannot pass the limit together.
 */
export function createBudget({ perRequest, total }: { perRequest: Amount; total: Amount }): Budget {
  const accounts = new Map<string, { network: string; asset: string; signed: Amount; confirmed: Amount }>();
  let signed = 0n;

  function restore({ network, asset, amount }: Expense): Reservation {
    const key = `${network} ${asset.toLowerCase()}`;
    const account = accounts.get(key) ?? { network, asset, signed: 0n, confirmed: 0n };
    accounts.set(key, account);
    account.signed += amount;
    signed += amount;
    let state: 'reserved' | 'confirmed' | 'released' = 'reserved';
    return {
      confirm() {
        if (state !== 'reserved') return;
        state = 'confirmed';
        account.confirmed += amount;
      },
      release() {
        if (state !== 'reserved') return;
        state = 'released';
        account.signed -= amount;
        signed -= amount;
      },
    };
  }

  return {
    restore,
    reserve(expense) {
      const left = total > signed ? total - signed : 0n;
      checkLimit('per_request', expense.amount, perRequest, 'that one request may cost');
      checkLimit('total', expense.amount, left, 'left of the budget');
      return restore(expense);
    },
    spent: () =>
      [...accounts.values()].map((account) => ({ ...account, reserved: account.signed - account.confirmed })),
  };
}

function checkLimit(reason: string, amount: Amount, limit: Amount, what: string): void {
  if (amount <= limit) return;
  throw new AgentPayError(
    'budget_exceeded',
    `$${formatDecimal(amount)} is above the $${formatDecimal(limit)} ${what}.`,
    { reason },
  );
}
