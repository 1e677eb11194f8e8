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
  const day = lastDay(clock);
  let signed = 0n;

  function restore({ network, asset, amount, host = '' }: Expense, at = clock.now()): Reservation {
    const key = `${network} ${asset.toLowerCase()}`;
    const account = accounts.get(key) ?? { network, asset, signed: 0n, confirmed: 0n };
    accounts.set(key, account);
    const count = (counted: Amount) => {
      account.signed += counted;
      signed += counted;
      hosts.set(host, (hosts.get(host) ?? 0n) + counted);
      day.add(counted, at);
    };
    count(amount);
    return reservation({
      confirm: () => void (account.confirmed += amount),
      release: () => count(-amount),
    });
  }

  return {
    restore,
    reserve(expense) {
      const { amount, host = '' } = expense;
      checkLimit('per_request', amount, perRequest, 'that one request may cost');
      if (perHost !== undefined)
        checkLimit('per_host', amount, perHost - (hosts.get(host) ?? 0n), `left for ${host}`);
      if (perDay !== undefined) checkLimit('per_day', amount, perDay - day.sum(), 'left for these 24 hours');
      checkLimit('total', amount, total - signed, 'left of the budget');
      return restore(expense);
    },
    spent: () =>
      [...accounts.values()].map((account) => ({ ...account, reserved: account.signed - account.confirmed })),
  };
}

function reservation({ confirm, release }: Reservation): Reservation {
  let open = true;
  const once = (step: () => void) => () => {
    if (open) step();
    open = false;
  };
  return { confirm: once(confirm), release: once(release) };
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;

/** What was added in the last 24 hours, to the minute. */
function lastDay(clock: Clock) {
  const minutes = new Map<number, Amount>();
  const minuteOf = (at: number) => Math.floor(at / MINUTE_MS);
  return {
    add(amount: Amount, at: number) {
      minutes.set(minuteOf(at), (minutes.get(minuteOf(at)) ?? 0n) + amount);
    },
    sum(): Amount {
      const first = minuteOf(clock.now()) - DAY_MINUTES;
      for (const minute of minutes.keys()) if (minute < first) minutes.delete(minute);
      // After a clock was set back, minutes that seem to come count as well.
      return [...minutes.values()].reduce((sum, amount) => sum + amount, 0n);
    },
  };
}

function checkLimit(reason: string, amount: Amount, limit: Amount, what: string): void {
  if (amount <= limit) return;
  const left = formatDecimal(limit > 0n ? limit : 0n);
  throw new AgentPayError('budget_exceeded', `$${formatDecimal(amount)} is above the $${left} ${what}.`, {
    reason,
  });
}
