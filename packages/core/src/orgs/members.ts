import { AgentPayError, isId, newId } from '@agentpay/primitives';
import type { Queryable, Tx } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { DAY_MS } from '../calendar.js';
import { emit } from '../events/index.js';
import type { EventType } from '../events/index.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { lock as lockParty } from '../parties/index.js';
import { checkText } from '../text.js';
import { invitationToken, readInvitation } from './invitation.js';
import { memberInvited, memberJoined, memberRemoved } from './events.js';
import { mayDo, rolesFor } from './Org.js';
import type { Act, Member, Org, Role } from './Org.js';
import * as store from './OrgStore.js';

export type OfOrg = { readonly principal: Principal; readonly orgId: string };

/** Members and open invitations that an organization has at most. */
const MAX_MEMBERS = 1_000;
const INVITE_DAYS = 7;

/**
 * The organization, if the caller may do this for it. The operator of the platform may read any.
 * @throws AgentPayError `org_not_found` unless the caller is a member, `forbidden` when their role does not allow it
 */
export async function requireMember(
  db: Queryable,
  { principal, orgId }: OfOrg,
  act: Act,
): Promise<{ org: Org; member: Member | undefined }> {
  const org = isId('org', orgId) ? await store.orgs.find(db, { id: orgId }) : undefined;
  if (!org) throw noOrg();
  if (principal.party.kind === 'platform' && act === 'read') return { org, member: undefined };
  const member = await store.members.find(db, { orgId, partyId: principal.party.id, status: 'active' });
  if (!member) throw noOrg();
  if (!mayDo(member.role, act))
    throw new AgentPayError('forbidden', `This needs the role ${rolesFor(act).join(' or ')}.`, {
      reason: 'role_too_low',
    });
  return { org, member };
}

/**
 * Asks somebody to act for the organization; whoever presents the token first does. Asking again gives a new token, and the one before
 * ends.
 * @throws AgentPayError `org_not_found`, `forbidden` (only owners make owners), `invalid_request`, `conflict` for too many members
 */
export function invite(
  core: Core,
  request: OfOrg & { email: string; role: Role },
): Promise<{ member: Member; token: string }> {
  const { orgId, role } = request;
  const email = checkText('email', request.email).toLowerCase();
  return core.db.tx(async (tx) => {
    await lockParty(tx, { partyId: orgId });
    const { member: by } = await requireMember(tx, request, 'members');
    if (role === 'owner' && by?.role !== 'owner') throw ownersOnly();
    const inviteExpiresAt = new Date(core.clock.now() + INVITE_DAYS * DAY_MS);
    const member = await asked(core, tx, { orgId, email, role, inviteExpiresAt });
    await tell(core, tx, memberInvited, member);
    return { member, token: invitationToken(core, member) };
  });
}

async function asked(
  core: Core,
  tx: Tx,
  wanted: Pick<Member, 'orgId' | 'role' | 'inviteExpiresAt'> & { email: string },
): Promise<Member> {
  const { orgId, email, role, inviteExpiresAt } = wanted;
  // One address may be that of several developers: only the invitation that is still open is replaced.
  const all = await store.members.select(tx, `where org_id = $1 and status <> 'removed'`, [orgId]);
  const open = all.find((each) => each.status === 'invited' && each.email === email);
  if (open) {
    const [again] = await store.members.update(tx, { id: open.id }, { role, inviteExpiresAt });
    return again as Member;
  }
  if (all.length >= MAX_MEMBERS)
    throw new AgentPayError('conflict', `An organization has at most ${MAX_MEMBERS} members.`, {
      reason: 'too_many_members',
    });
  const member: Member = {
    id: newId('member', core),
    orgId,
    email,
    role,
    status: 'invited',
    partyId: null,
    inviteExpiresAt,
    createdAt: new Date(core.clock.now()),
    removedAt: null,
  };
  await store.members.insert(tx, member);
  return member;
}

/** What an invitation offers, to whoever holds its token. @throws AgentPayError `invite_not_found` */
export async function invitation(
  core: Core,
  { token }: { token: string },
): Promise<{ org: Org; member: Member }> {
  const member = await readInvitation(core, core.db, token);
  return { member, org: (await store.orgs.find(core.db, { id: member.orgId })) as Org };
}

/**
 * Takes an invitation up: the caller is a member from then on. The same caller again changes nothing.
 * @throws AgentPayError `forbidden` unless a developer asks, `invite_not_found` for a token that is forged, expired, replaced or used,
 * `conflict` for a member
 */
export function accept(
  core: Core,
  { principal, token }: { principal: Principal; token: string },
): Promise<{ org: Org; member: Member }> {
  const partyId = requireParty(principal, 'developer');
  return core.db.tx(async (tx) => {
    const { orgId, id } = await readInvitation(core, tx, token, { takenBy: partyId });
    await lockParty(tx, { partyId: orgId });
    const org = (await store.orgs.find(tx, { id: orgId })) as Org;
    const invited = await readInvitation(core, tx, token, { takenBy: partyId });
    if (invited.status === 'active') return { org, member: invited };
    if (await store.members.find(tx, { orgId, partyId, status: 'active' }))
      throw new AgentPayError('conflict', 'You are a member already.', { reason: 'already_member' });
    const [member] = (await store.members.update(tx, { id }, { status: 'active', partyId })) as [Member];
    await tell(core, tx, memberJoined, member);
    return { org, member };
  });
}

/**
 * Ends a membership or an invitation; again changes nothing. Everybody may leave.
 * @throws AgentPayError `org_not_found`, `member_not_found`, `forbidden`, `conflict` for the last owner
 */
export function removeMember(core: Core, request: OfOrg & { memberId: string }): Promise<Member> {
  const { principal, orgId, memberId } = request;
  return core.db.tx(async (tx) => {
    await lockParty(tx, { partyId: orgId });
    const { member: by } = await requireMember(tx, request, 'read');
    const member = isId('member', memberId)
      ? await store.members.find(tx, { id: memberId, orgId })
      : undefined;
    if (!member) throw new AgentPayError('member_not_found', 'The organization has no member with this id.');
    if (member.partyId !== principal.party.id || member.status !== 'active') {
      await requireMember(tx, request, 'members');
      if (member.role === 'owner' && by?.role !== 'owner') throw ownersOnly();
    }
    if (member.status === 'removed') return member;
    if (
      member.role === 'owner' &&
      member.status === 'active' &&
      (await store.selectActing(tx, orgId, ['owner'])).length === 1
    )
      throw new AgentPayError('conflict', 'An organization keeps at least one owner.', {
        reason: 'last_owner',
      });
    const removedAt = new Date(core.clock.now());
    const [removed] = (await store.members.update(
      tx,
      { id: memberId },
      { status: 'removed', removedAt },
    )) as [Member];
    await tell(core, tx, memberRemoved, removed);
    return removed;
  });
}

/** Members and open invitations, the oldest first. @throws AgentPayError `org_not_found` */
export async function members(core: Core, request: OfOrg): Promise<Member[]> {
  await requireMember(core.db, request, 'read');
  return store.members.select(core.db, `where org_id = $1 and status <> 'removed' order by created_at, id`, [
    request.orgId,
  ]);
}

/** Who is told of what happens to an organization: itself, and those who act for it in these roles. */
export async function audienceOf(db: Queryable, orgId: string, act: Act): Promise<{ id: string }[]> {
  return [{ id: orgId }, ...(await store.selectActing(db, orgId, rolesFor(act)))];
}

async function tell(
  core: Core,
  tx: Tx,
  type: EventType<string, (typeof memberInvited)['object']['shape']>,
  member: Member,
): Promise<void> {
  const { id, orgId, role, status, email } = member;
  const audience = await audienceOf(tx, orgId, 'members');
  await emit(core, tx, type, { subject: id, audience, object: { id, org_id: orgId, role, status, email } });
}

function noOrg(): AgentPayError {
  return new AgentPayError('org_not_found', 'You have no organization with this id.');
}

function ownersOnly(): AgentPayError {
  return new AgentPayError('forbidden', 'Only an owner makes or removes owners.', { reason: 'role_too_low' });
}
