import { ledger, type Core } from '@agentpay/core';
import { onBooks } from './onBooks.js';

/**
 * `agentpay ledger reconcile`: compares the custody accounts of the books with what is on the chains.
 * @returns the exit code: 0 when they agree, 1 when they do not or could not be compared, 2 when the books could not be read
 */
export function reconcileCommand(env: NodeJS.ProcessEnv): Promise<number> {
  return onBooks(env, async (core) => {
    const differences = await reconcileBooks(core);
    return { faults: differences, right: 'Every custody account is what its chain says.' };
  });
}

/** What differs, a sentence each. A custody account is looked up by the rail that pays from it. */
export async function reconcileBooks(core: Core): Promise<string[]> {
  const rails = Object.values(core.ports.rails);
  const custody: ledger.Custody = {
    balance: async ({ network, asset }) =>
      rails.find(({ account }) => account === ledger.custody(network, asset))?.reconcile(),
  };
  const differences = await ledger.reconcile(core, { custody });
  return differences.map(({ account, asset, expected, actual }) =>
    actual === null
      ? `${account}: the books have ${expected} ${asset}; its chain could not be asked.`
      : `${account}: the books have ${expected} ${asset}, its chain has ${actual}.`,
  );
}
