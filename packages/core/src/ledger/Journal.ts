import { AgentPayError } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';

/** One line of a journal. Credits are positive, debits negative, never zero. */
export interface Posting {
  readonly account: string;
  /** Currency or token symbol. */
  readonly asset: string;
  /** In base units of the asset. */
  readonly amount: Amount;
}

/** One business event in the books. Never changed once written. */
export interface Journal {
  readonly id: string;
  /** Names the business event; the books hold it at most once. */
  readonly key: string;
  readonly kind: string;
  readonly createdAt: Date;
  readonly postings: readonly Posting[];
}

/** In the one order in which every transaction locks accounts. */
export function inLockOrder(postings: readonly Posting[]): Posting[] {
  return [...postings].sort((a, b) => compare(a.account, b.account) || compare(a.asset, b.asset));
}

/** @throws AgentPayError `internal_error` unless every line moves money, no account is named twice and each asset sums to zero. */
export function assertBalanced(postings: readonly Posting[]): void {
  const sums = new Map<string, Amount>();
  const named = new Set<string>();
  for (const { account, asset, amount } of postings) {
    if (amount === 0n) throw refuse(`moves nothing on ${account}`);
    if (named.has(`${account} ${asset}`)) throw refuse(`names ${account} twice`);
    named.add(`${account} ${asset}`);
    sums.set(asset, (sums.get(asset) ?? 0n) + amount);
  }
  if (sums.size === 0) throw refuse('is empty');
  for (const [asset, sum] of sums) if (sum !== 0n) throw refuse(`is off by ${sum} ${asset}`);
}

/** Whether both move the same money. */
export function samePostings(a: readonly Posting[], b: readonly Posting[]): boolean {
  const text = (postings: readonly Posting[]) =>
    inLockOrder(postings).map((line) => `${line.account} ${line.asset} ${line.amount}`);
  return text(a).join('\n') === text(b).join('\n');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function refuse(why: string): AgentPayError {
  return new AgentPayError('internal_error', `A journal ${why}.`);
}
