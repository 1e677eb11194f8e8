import { createHmac, timingSafeEqual } from 'node:crypto';
import { AgentPayError, isId } from '@agentpay/primitives';
import type { Queryable } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import type { Member } from './Org.js';
import { members } from './OrgStore.js';

/**
 * The token of an invitation: the member's id, and HMAC-SHA256 over id and expiry under the server's pepper, hex. Nothing of it is kept;
 * a new expiry makes a new token.
 */
export function invitationToken(core: Core, { id, inviteExpiresAt }: Member): string {
  const signed = `org-invitation ${id} ${inviteExpiresAt?.getTime()}`;
  return `${id}.${createHmac('sha256', core.settings.identity.pepper).update(signed).digest('hex')}`;
}

/**
 * The invitation of a token that can be taken up now, or that this party has taken up already.
 * @throws AgentPayError `invite_not_found`
 */
export async function readInvitation(
  core: Core,
  db: Queryable,
  token: string,
  { takenBy }: { takenBy?: string } = {},
): Promise<Member> {
  const [id = ''] = token.split('.', 1);
  const member = isId('member', id) ? await members.find(db, { id }) : undefined;
  if (member && sameText(token, invitationToken(core, member))) {
    const expired = core.clock.now() >= (member.inviteExpiresAt?.getTime() ?? 0);
    if (member.status === 'invited' && !expired) return member;
    if (member.status === 'active' && member.partyId === takenBy) return member;
  }
  throw new AgentPayError('invite_not_found', 'The invitation is unknown, used up or expired.');
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
