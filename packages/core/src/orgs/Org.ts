/** Several developers who spend one budget. A party of its own, with a wallet. */
export interface Org {
  /** `org_...` */
  readonly id: string;
  readonly name: string;
  /** The wallet from which it pays. */
  readonly walletId: string;
  readonly createdAt: Date;
}

/** Somebody who acts for an organization, or was asked to. */
export interface Member {
  /** `mem_...` */
  readonly id: string;
  readonly orgId: string;
  /** Where the invitation went; null for who made the organization without one. */
  readonly email: string | null;
  readonly role: Role;
  readonly status: MemberStatus;
  /** The developer; null until the invitation is accepted. */
  readonly partyId: string | null;
  /** Until when the invitation can be accepted. */
  readonly inviteExpiresAt: Date | null;
  readonly createdAt: Date;
  readonly removedAt: Date | null;
}

export type MemberStatus = 'invited' | 'active' | 'removed';

/** What a member wants to do. */
export type Act = 'read' | 'members' | 'documents' | 'policies' | 'marketplaces' | 'spend';

const everything: readonly Act[] = ['read', 'members', 'documents', 'policies', 'marketplaces', 'spend'];

/** What each role may do. Who owns an organization is changed by owners alone, whatever stands here. */
const allowed = {
  owner: everything,
  admin: everything,
  member: ['read'],
  billing: ['read', 'spend'],
} as const satisfies Record<string, readonly Act[]>;

export type Role = keyof typeof allowed;

export const roles = Object.keys(allowed) as readonly Role[];

/** Whether somebody with this role may do it. */
export function mayDo(role: Role, act: Act): boolean {
  return (allowed[role] as readonly Act[]).includes(act);
}

/** The roles that may do it. */
export function rolesFor(act: Act): Role[] {
  return roles.filter((role) => mayDo(role, act));
}
