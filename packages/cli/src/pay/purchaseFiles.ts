import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@agentpay/primitives';
import type { PurchaseJournal, SignedPurchase } from '@agentpay/sdk';
import { CommandFault } from '@agentpay/http/commands';
import { writePrivate } from '../privateFile.js';

/** How long a purchase counts towards a limit of a day. */
const KEPT_MS = 24 * 60 * 60 * 1000;
/** More than that many purchases in a day are no work for a command line. */
const MOST = 10_000;

/**
 * Purchases in a folder, a file each, so that a command that was interrupted sends its proof again instead of paying twice, and so that
 * commands may run side by side. What is a day old and can no longer be sent is removed.
 */
export function purchaseFiles(folder: string, clock: Clock): PurchaseJournal {
  const fileOf = (id: string) => join(folder, `${id.replace(/[^\w-]/g, '_')}.json`);
  return {
    async save(purchase) {
      writePrivate(fileOf(purchase.id), `${JSON.stringify(purchase)}\n`);
    },
    async load() {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
      if (names.length > MOST)
        throw new CommandFault('too_many_purchases', `${folder} has more than ${MOST} purchases of one day.`);
      const now = clock.now();
      return names.flatMap((name) => {
        const file = join(folder, name);
        const purchase = read(file);
        if (!purchase) return [];
        if (purchase.signedAt + KEPT_MS > now || purchase.validUntil > now) return [purchase];
        rmSync(file, { force: true });
        return [];
      });
    },
  };
}

function read(file: string): SignedPurchase | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as SignedPurchase;
  } catch (cause) {
    // Another command may just have removed it.
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CommandFault('file_unusable', `${file} cannot be read; it may hold a payment under way.`, {
      cause,
    });
  }
}
