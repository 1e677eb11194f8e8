import { ledger, type Core } from '@agentpay/core';
import { reconcileBooks } from './reconcile.js';

/** What a look at all books found. */
interface Checked {
  readonly report: Readonly<Record<string, number>>;
  /** A sentence each. */
  readonly findings: readonly string[];
}

/** Recomputes the books from their postings, checks their hash chains, and compares custody with the chains. */
export async function checkBooks(core: Core): Promise<Checked> {
  const [counted] = await core.db.query<{ journals: number }>(
    'select count(*)::integer as journals from ledger_journals',
  );
  const differences = (await ledger.verifyLedger(core.db)).map(
    ({ check, subject, asset, expected, actual }) =>
      `${check}: ${subject} has ${actual} ${asset} where the books have ${expected}.`,
  );
  const broken = (await ledger.verifyChains(core)).map(
    ({ fault, position, chain }) => `${fault} at position ${position} of chain ${chain}.`,
  );
  const custody = await reconcileBooks(core);
  return {
    report: {
      journals: counted?.journals ?? 0,
      differences: differences.length,
      broken_chains: broken.length,
      custody_differences: custody.length,
    },
    findings: [...differences, ...broken, ...custody],
  };
}
