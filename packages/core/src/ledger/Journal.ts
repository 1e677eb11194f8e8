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

/** A business event that is to be written into the books. */
export interface JournalEntry {
  /** Names the business event; the books hold it at most once. */
  readonly key: string;
  readonly kind: string;
  readonly postings: readonly Posting[];
}

/** One business event in the books. Never changed once written. */
export interface Journal extends JournalEntry {
  readonly id: string;
  readonly createdAt: Date;
}

/** Largest amount that a balance or a line can have: what the database's bigint holds. */
export const MAX_BALANCE: Amount = 2n ** 63n - 1n;

/** In the one order in which every transaction locks accounts. */
export function inLockOrder(postings: readonly Posting[]): readonly Posting[] {
  const ordered = postings.every((line, i) => i === 0 || inOrder(postings[i - 1] as Posting, line) <= 0);
  return ordered ? postings : [...postings].sort(inOrder);
}

/**
 * @throws AgentPayError `internal_error` unless every line moves money, no account is named twice and each asset sums to zero;
 * `invalid_amount` for a line above what the books can hold
 */
export function assertBalanced(postings: readonly Posting[]): void {
  if (postings.length === 0) throw refuse('is empty');
  // Lines are few: to look through them costs less than sets and maps.
  for (let i = 0; i < postings.length; i++) {
    const { account, asset, amount } = postings[i] as Posting;
    if (amount === 0n) throw refuse(`moves nothing on ${account}`);
    if (amount > MAX_BALANCE || amount < -MAX_BALANCE) throw tooMuch();
    let sum = 0n;
    for (let j = 0; j < postings.length; j++) {
      const line = postings[j] as Posting;
      if (line.asset !== asset) continue;
      if (j < i && line.account === account) throw refuse(`names ${account} twice`);
      sum += line.amount;
    }
    if (sum !== 0n) throw refuse(`is off by ${sum} ${asset}`);
  }
}

/**
 * The balance of an owned account after a line.
 * @throws AgentPayError `insufficient_funds` when a wallet has less than that, `invalid_amount` above what the books can hold,
 * `internal_error` for any other account that would fall below zero
 */
export function balanceAfter(line: Posting, balance: Amount): Amount {
  const after = balance + line.amount;
  if (after > MAX_BALANCE) throw tooMuch();
  if (after >= 0n) return after;
  if (line.account.endsWith(':avail'))
    throw new AgentPayError('insufficient_funds', 'The wallet has less money available than that.');
  throw new AgentPayError('internal_error', `Account ${line.account} would fall below zero.`);
}

/** Whether both move the same money. */
export function samePostings(a: readonly Posting[], b: readonly Posting[]): boolean {
  return linesText(a) === linesText(b);
}

/** The lines of a journal as text, the same however they are ordered. */
export function linesText(postings: readonly Posting[]): string {
  let text = '';
  for (const { account, asset, amount } of inLockOrder(postings))
    text += `${text && '\n'}${account} ${asset} ${amount}`;
  return text;
}

function inOrder(a: Posting, b: Posting): number {
  return compare(a.account, b.account) || compare(a.asset, b.asset);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function refuse(why: string): AgentPayError {
  return new AgentPayError('internal_error', `A journal ${why}.`);
}

function tooMuch(): AgentPayError {
  return new AgentPayError('invalid_amount', 'The amount is above what an account can hold.', {
    param: 'amount',
  });
}
