import { newId } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { newestFirst } from '../keyset.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { create as createParty } from '../parties/index.js';
import { setOrgs } from '../policies/index.js';
import { checkText } from '../text.js';
import { open as openWallet } from '../wallets/index.js';
import { requireMember } from './members.js';
import type { OfOrg } from './members.js';
import type { Org } from './Org.js';
import * as store from './OrgStore.js';

/** Currency of everything that organizations pay. */
export const ORG_CURRENCY = 'USDC';

/**
 * Makes an organization, whose owner is the caller, with an empty wallet. What it spends is under its own policies.
 * @param request.email where the owner is reached
 * @throws AgentPayError `forbidden` unless a developer asks, `invalid_request`
 */
export async function create(
  core: Core,
  request: { principal: Principal; name: string; email?: string | undefined },
): Promise<Org> {
  const ownerId = requireParty(request.principal, 'developer');
  const name = checkText('name', request.name);
  const email = request.email === undefined ? null : checkText('email', request.email).toLowerCase();
  const id = newId('org', core);
  const createdAt = new Date(core.clock.now());
  return core.db.tx(async (tx) => {
    await createParty(tx, { id, kind: 'org' });
    const wallet = await openWallet(core, tx, { ownerId: id, currency: ORG_CURRENCY });
    const org: Org = { id, name, walletId: wallet.id, createdAt };
    await store.orgs.insert(tx, org);
    await setOrgs(tx, { partyId: id, orgs: [id] });
    await store.members.insert(tx, {
      id: newId('member', core),
      orgId: id,
      email,
      role: 'owner',
      status: 'active',
      partyId: ownerId,
      inviteExpiresAt: null,
      createdAt,
      removedAt: null,
    });
    return org;
  });
}

/** Organizations that the caller acts for, the newest first. */
export async function list(
  core: Core,
  request: { principal: Principal } & PageRequest,
): Promise<{ orgs: Org[] } & Counted> {
  const { rows, ...counted } = await store.orgs.page(core.db, {
    where: `id in (select org_id from org_members where party_id = $1 and status = 'active')`,
    params: [request.principal.party.id],
    order: newestFirst,
    ...page(request),
  });
  return { orgs: rows, ...counted };
}

/** An organization that the caller acts for, and how many do. @throws AgentPayError `org_not_found` */
export async function get(core: Core, request: OfOrg): Promise<{ org: Org; members: number }> {
  const { org } = await requireMember(core.db, request, 'read');
  const [counted] = await core.db.query<{ n: number }>(
    `select count(*)::integer as n from org_members where org_id = $1 and status = 'active'`,
    [org.id],
  );
  return { org, members: counted?.n ?? 0 };
}
