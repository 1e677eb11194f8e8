import { AgentPayError } from '@agentpay/primitives';
import type { Party, PartyKind } from '../parties/index.js';

/** Who asks, and with which credential. */
export interface Principal<Kind extends PartyKind = PartyKind> {
  readonly party: Party<Kind>;
  /** What the credential may be used for; empty: everything the party may do. */
  readonly scopes: readonly string[];
  /** `key_...`, or `admin` for the admin key, which is a setting. */
  readonly credentialId: string;
  /** The request by which they ask. */
  readonly requestId?: string;
}

/** The party's id. @throws AgentPayError `forbidden` when a party of another kind asks. */
export function requireParty(principal: Principal, ...kinds: PartyKind[]): string {
  if (kinds.includes(principal.party.kind)) return principal.party.id;
  throw new AgentPayError('forbidden', `Only ${kinds.map((kind) => named[kind]).join(' or ')} can do this.`);
}

const named: Record<PartyKind, string> = {
  agent: 'an agent',
  developer: 'a developer',
  gateway: 'a gateway',
  org: 'an organization',
  user: 'a signed-in user',
  platform: 'the operator of the platform',
};
