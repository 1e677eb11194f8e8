/** What is counted of a payment. */
export interface CountedPayment {
  readonly amount: bigint;
  readonly status: string;
  readonly to: string | null;
  readonly createdAt: Date;
}

/** Sums of completed payments by what `group` says of each, in the order in which they are met. */
export function spendBy(
  paid: readonly CountedPayment[],
  group: (each: CountedPayment) => string,
): (readonly [string, bigint])[] {
  const sums = new Map<string, bigint>();
  for (const each of paid) {
    if (each.status !== 'completed') continue;
    const name = group(each);
    sums.set(name, (sums.get(name) ?? 0n) + each.amount);
  }
  return [...sums];
}
