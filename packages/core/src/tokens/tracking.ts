import type { RedeemHint } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import type { Token } from './Token.js';

/** Longest that an operation waits for the tracker, in ms. */
const PATIENCE_MS = 250;

/**
 * Tells the tracker where a token stands. Called after the commit; whether it works changes nothing but speed.
 * @returns whether the tracker took it in time
 */
export async function track(core: Core, token: Pick<Token, 'id' | 'state' | 'deadline'>): Promise<boolean> {
  const { id: tokenId, state, deadline } = token;
  const taken = await withTimeout(core, async () => {
    if (deadline) await core.ports.tracker.track({ tokenId, state, deadlineMs: deadline.getTime() });
    else await core.ports.tracker.forget(tokenId);
    return true;
  });
  return taken ?? false;
}

/** What the tracker thinks of redeeming the token; `unknown` when it does not say in time. */
export async function redeemHint(core: Core, tokenId: string): Promise<RedeemHint> {
  return (await withTimeout(core, () => core.ports.tracker.redeem(tokenId))) ?? 'unknown';
}

/** Tokens the tracker holds for due; none when it does not say in time: the sweep over PostgreSQL finds them. */
export async function dueTokens(core: Core, options: { limit: number; leaseMs: number }): Promise<string[]> {
  return (
    (await withTimeout(core, () => core.ports.tracker.due({ nowMs: core.clock.now(), ...options }))) ?? []
  );
}

function withTimeout<T>(core: Core, call: () => Promise<T>): Promise<T | undefined> {
  return new Promise((resolve) => {
    const cancel = core.clock.timer(PATIENCE_MS, () => resolve(undefined));
    const end = (value: T | undefined) => {
      cancel();
      resolve(value);
    };
    // The async wrapper also turns a tracker that throws into one that rejects.
    (async () => call())().then(end, () => end(undefined));
  });
}
