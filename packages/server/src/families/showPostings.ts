import type { ledger } from '@agentpay/core';

/** Lines of an entry in the books, each with the side that its sign says. */
export function showPostings(postings: ledger.Journal['postings']) {
  return postings.map(({ account, asset, amount }) => ({
    account,
    asset,
    side: amount < 0n ? ('debit' as const) : ('credit' as const),
    amount: amount < 0n ? -amount : amount,
  }));
}
