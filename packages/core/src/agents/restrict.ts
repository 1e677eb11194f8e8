import type { Tx } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import type { Principal } from '../identity/index.js';
import { platform } from '../parties/index.js';
import { create as createRule } from '../policies/index.js';
import { within } from '../within.js';

const operator: Principal<'platform'> = { party: platform, scopes: [], credentialId: 'explorer' };

/** Whether an agent that this caller makes is one of the public sandbox. */
export function isRestricted(core: Core, maker: Principal | undefined): boolean {
  return core.settings.explorer.everybody && maker?.party.kind !== 'platform';
}

/**
 * Lets an agent pay by the rails of the public sandbox and within its amount alone, inside the caller's transaction. The rules are the
 * operator's, so that neither the agent nor its owner can loosen them.
 */
export async function restrict(core: Core, tx: Tx, { agentId }: { agentId: string }): Promise<void> {
  const { paymentMax, rails } = core.settings.explorer;
  const rule = { principal: operator, partyId: agentId };
  await within(core, tx, async (inner) => {
    await createRule(inner, { ...rule, terms: { kind: 'max_amount', amount: paymentMax } });
    await createRule(inner, { ...rule, terms: { kind: 'rail', rails } });
  });
}
