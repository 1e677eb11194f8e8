/** What is counted of a payment. */
export interface CountedPayment {
  readonly amount: bigint;
  readonly currency: string;
  readonly status: string;
  readonly role: 'payer' | 'payee';
  readonly to: string | null;
  readonly createdAt: Date;
}

/** One sum in one currency. */
export interface Sum {
  readonly name: string;
  readonly currency: string;
  readonly amount: bigint;
}

const DAY_MS = 86_400_000;
/** Days that a chart shows at least, so that one payment is a bar among days and not a wall. */
const LEAST_DAYS = 14;

/** What the agents have paid of these, and is certain. */
export const spent = <Paid extends CountedPayment>(payments: readonly Paid[]): Paid[] =>
  payments.filter(({ status, role }) => status === 'completed' && role === 'payer');

/** Sums of what was spent by what `group` says of each payment and by currency, in the order in which they are met. */
export function spendBy(payments: readonly CountedPayment[], group: (each: CountedPayment) => string): Sum[] {
  const sums = new Map<string, Sum>();
  for (const each of spent(payments)) {
    const name = group(each);
    const { currency } = each;
    const before = sums.get(`${name} ${currency}`)?.amount ?? 0n;
    sums.set(`${name} ${currency}`, { name, currency, amount: before + each.amount });
  }
  return [...sums.values()];
}

/** The day of a moment, by UTC: `2026-05-08`. */
export const dayOf = (at: Date): string => at.toISOString().slice(0, 10);

/** What was spent on each day up to `today`, days without a payment among them, oldest first. */
export function byDay(payments: readonly CountedPayment[], today: Date): (readonly [string, bigint])[] {
  const sums = new Map<string, bigint>();
  for (const { createdAt, amount } of spent(payments))
    sums.set(dayOf(createdAt), (sums.get(dayOf(createdAt)) ?? 0n) + amount);
  const end = Date.parse(dayOf(today));
  const first = Math.min(end, ...[...sums.keys()].map((day) => Date.parse(day)));
  const days = Math.max(LEAST_DAYS, Math.round((end - first) / DAY_MS) + 1);
  return Array.from({ length: days }, (_, back) => {
    const day = dayOf(new Date(end - (days - 1 - back) * DAY_MS));
    return [day, sums.get(day) ?? 0n] as const;
  });
}
