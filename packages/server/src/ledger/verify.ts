import { ledger, type Core } from '@agentpay/core';
import type { Called } from '@agentpay/http/commands';
import { onBooks } from './onBooks.js';

/**
 * `agentpay ledger verify`: recomputes the books of the database that the environment names.
 * @returns the exit code: 0 when they are right, 1 when something contradicts, 2 when the books could not be read
 */
export function verifyCommand(called: Called): Promise<number> {
  return onBooks(called, async (core) => ({
    faults: await verifyBooks(core),
    right: 'The books are right.',
  }));
}

/** What is wrong with the books, a sentence each; the first journal that was tampered with comes first. */
export async function verifyBooks(core: Core): Promise<string[]> {
  const chains = await ledger.verifyChains(core);
  const differences = await ledger.verifyLedger(core.db);
  return [...chains.map(chainSentence), ...differences.map(differenceSentence)];
}

function chainSentence({ chain, position, journalId, key, fault }: ledger.BrokenChain): string {
  const place = `at position ${position} of chain ${chain}`;
  const journal = journalId === null ? 'A journal' : `Journal ${journalId} (${key})`;
  switch (fault) {
    case 'journal_changed':
      return `${journal} ${place} is not what was written there.`;
    case 'journal_missing':
      return `A journal ${place} is missing.`;
    case 'journal_added':
      return `${journal} ${place} was added behind the end of the chain.`;
    case 'head_changed':
      return `Chain ${chain} does not end with what was written at position ${position}.`;
  }
}

function differenceSentence({ check, subject, asset, expected, actual }: ledger.Difference): string {
  return `${check}: ${subject} has ${actual} ${asset} where the books have ${expected}.`;
}
