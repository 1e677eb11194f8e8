import { AgentPayError, inTime, sleep } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { permitsOf } from '../custody/index.js';
import type { Candidate } from './offers.js';
import type { Purchase } from './Purchase.js';
import * as store from './PurchaseStore.js';
import { inProgress } from './steps.js';

/** How much longer than a turn lasts a purchase waits for its own: who is next gets it, whatever the one before does. */
const BEYOND_TURN_MS = 2_000;
const LOOK_EVERY_MS = 150;
/** Longest that the chain is waited for. */
const ASK_MS = 5_000;

/**
 * Signs for a candidate once it is its turn. A token takes the permits of a wallet one after the other, so that of two purchases by
 * Permit2 that are signed at once one would be refused by its seller: they are signed one after the other. Two that are signed at once
 * all the same, as the turn of a slow one ends, cost no money: the chain takes either, or one of them.
 * @param sign is given the nonce of the wallet's next permit, and undefined where none is needed
 * @throws AgentPayError `payment_in_progress` when the turn does not come, `unavailable` when the chain cannot be asked: nothing is signed
 */
export async function withPermitTurn<T>(
  core: Core,
  { id: purchaseId }: Purchase,
  { offer, terms }: Candidate,
  sign: (permitNonce: bigint | undefined) => Promise<T>,
): Promise<T> {
  if (offer.method === undefined) return sign(undefined);
  const { walletId, network, payer } = terms;
  await awaitTurn(core, { walletId, purchaseId });
  try {
    const asked = permitsOf(core, network).nextNonce(offer.payer);
    return await sign(await inTime(core.clock, ASK_MS, asked, () => chainAway(payer)));
  } catch (error) {
    // A turn that cannot be passed ends with its time; what happened first is what is told.
    await store.passTurn(core.db, { walletId, purchaseId }).catch(() => undefined);
    throw error;
  }
}

async function awaitTurn(core: Core, turn: { walletId: string; purchaseId: string }): Promise<void> {
  const { turnMs } = core.settings.purchases;
  const until = core.clock.now() + turnMs + BEYOND_TURN_MS;
  for (;;) {
    const now = core.clock.now();
    const mine = await store.takeTurn(core.db, {
      ...turn,
      now: new Date(now),
      endsAt: new Date(now + turnMs),
    });
    if (mine) return;
    if (now + LOOK_EVERY_MS > until) throw inProgress();
    await sleep(core.clock, LOOK_EVERY_MS);
  }
}

function chainAway(payer: string): AgentPayError {
  return new AgentPayError('unavailable', `The chain cannot be asked for the permits of ${payer}.`, {
    retryAfter: 2,
  });
}
