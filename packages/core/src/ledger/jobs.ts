import type { Job } from '../Job.js';
import { verifyChains } from './verifyChains.js';
import { verifyLedger } from './verifyLedger.js';

export const jobs: readonly Job[] = [
  {
    /** What it finds is a failure of the run, which the server logs as an error: somebody has been at the books, or we are wrong. */
    name: 'ledger.verify',
    cron: '17 * * * *',
    timeoutSeconds: 1_800,
    async run(core) {
      const chains = await verifyChains(core);
      const differences = await verifyLedger(core.db);
      const failures = [
        ...chains.map((broken) => ({
          subject: broken.journalId ?? `chain ${broken.chain}`,
          error: new Error(`${broken.fault} at position ${broken.position} of chain ${broken.chain}`),
        })),
        ...differences.map(({ check, subject, asset, expected, actual }) => ({
          subject,
          error: new Error(`${check}: ${actual} ${asset} where the books have ${expected}`),
        })),
      ];
      return { done: { verified: failures.length === 0 ? 1 : 0 }, failures };
    },
  },
];
