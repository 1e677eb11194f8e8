import { AgentPayError, formatDecimal, systemClock, type Amount, type Clock } from '@agentpay/primitives';

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
  /** Host of the seller, with its port. */
  readonly host?: string;
}

/** An amount set aside. Each method takes effect once at most; nothing takes effect after a release. */
export interface Reservation {
  confirm(): void;
  /** Gives the amount back: only when no proof was made, or it is proven to be void. */
  release(): void;
}

export interface Budget {
  /** Sets the amount aside, at once. @throws AgentPayError `budget_exceeded`, reason `per_request`, `per_host`, `per_day` or `total` */
  reserve(expense: Expense): Reservation;
  /** Counts an expense of the past, of `at` ms since the Unix epoch, whatever the limits. */
  restore(expense: Expense, at?: number): Reservation;
  spent(): Spent[];
}

/** Limits in base units; those that are not given are none. */
export interface BudgetLimits {
  readonly perRequest: Amount;
  readonly total: Amount;
  /** Of all requests to one host. */
  readonly perHost?: Amount | undefined;
  /** Of any 24 hours, to the minute. */
  readonly perDay?: Amount | undefined;
  readonly clock?: Clock;
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;

/**
 * Limits in base units of six-decimal dollar assets, which all known ones are: amounts of different assets add up to one total.
 * Everything is synchronous, so that concurrent requests cannot pass the limit together.
 */
export function createBudget({
  perRequest,
  total,
  perHost,
  perDay,
  clock = systemClock,
}: BudgetLimits): Budget {
  const accounts = new Map<string, { network: string; asset: string; signed: Amount; confirmed: Amount }>();
  const hosts = new Map<string, Amount>();
  const minutes = new Map<number, Amount>();
  let signed = 0n;

  const minuteOf = (at: number) => Math.floor(at / MINUTE_MS);
  const add = <K>(sums: Map<K, Amount>, key: K, amount: Amount) =>
    sums.set(key, (sums.get(key) ?? 0n) + amount);

  function restore({ network, asset, amount, host = '' }: Expense, at = clock.now()): Reservation {
    const key = `${network} ${asset.toLowerCase()}`;
    const account = accounts.get(key) ?? { network, asset, signed: 0n, confirmed: 0n };
    accounts.set(key, account);
    const count = (counted: Amount) => {
      account.signed += counted;
      signed += counted;
      add(hosts, host, counted);
      add(minutes, minuteOf(at), counted);
    };
    count(amount);
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
        count(-amount);
      },
    };
  }

  // A clock that was set back must not free anything: minutes that seem to come count as well.
  function lastDay(): Amount {
    const first = minuteOf(clock.now()) - DAY_MINUTES;
    let sum = 0n;
    for (const [minute, amount] of minutes) {
      if (minute < first) minutes.delete(minute);
      else sum += amount;
    }
    return sum;
  }

  return {
    restore,
    reserve(expense) {
      const { amount, host = '' } = expense;
      checkLimit('per_request', amount, perRequest, 'that one request may cost');
      if (perHost !== undefined)
        checkLimit('per_host', amount, perHost - (hosts.get(host) ?? 0n), `left for ${host}`);
      if (perDay !== undefined) checkLimit('per_day', amount, perDay - lastDay(), 'left for these 24 hours');
      checkLimit('total', amount, total - signed, 'left of the budget');
      return restore(expense);
    },
    spent: () =>
      [...accounts.values()].map((account) => ({ ...account, reserved: account.signed - account.confirmed })),
  };
}

function checkLimit(reason: string, amount: Amount, limit: Amount, what: string): void {
  if (amount <= limit) return;
  const left = formatDecimal(limit > 0n ? limit : 0n);
  throw new AgentPayError('budget_exceeded', `$${formatDecimal(amount)} is above the $${left} ${what}.`, {
    reason,
  });
}
