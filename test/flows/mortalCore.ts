import { createCore, type Core, type GivenSettings } from '@agentpay/core';
import type { Db } from '@agentpay/primitives';
import type { PaperEscrow } from './paperEscrow.js';
import type { PaperFees } from './paperFees.js';

class Died extends Error {}

/** A process that ends right after its nth effect on anything outside of it: a statement, a commit, a step on the chain. */
export function mortalCore(
  { db, clock, random, ports }: Core,
  dying: { after: number; settings: GivenSettings; escrow: PaperEscrow; feeWallet: PaperFees },
): { core: Core; hasDied(): boolean } {
  const { after, settings, escrow, feeWallet } = dying;
  let effects = 0;
  const alive = async <T>(work: () => Promise<T>): Promise<T> => {
    if (effects >= after) throw new Died();
    const result = await work();
    if (++effects >= after) throw new Died();
    return result;
  };
  const mortalDb: Db = {
    ...db,
    query: (sql, params, options) => alive(() => db.query(sql, params, options)),
    tx: (fn, options) => alive(() => db.tx(fn, options)),
  };
  const mortalPorts = {
    ...ports,
    escrow: {
      ...escrow,
      lock: (...sent: Parameters<PaperEscrow['lock']>) => alive(() => escrow.lock(...sent)),
      release: (...sent: Parameters<PaperEscrow['release']>) => alive(() => escrow.release(...sent)),
      look: (...sent: Parameters<PaperEscrow['look']>) => alive(() => escrow.look(...sent)),
    },
    feeWallet: {
      ...feeWallet,
      collect: (...sent: Parameters<PaperFees['collect']>) => alive(() => feeWallet.collect(...sent)),
    },
  };
  const core = createCore({ db: mortalDb, clock, random, ports: mortalPorts, settings });
  return { core, hasDied: () => effects >= after };
}
