import { AgentPayError, isId, newId } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import { checkAmount } from '../amount.js';
import { record } from '../audit/index.js';
import type { Core } from '../Core.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { movements, post } from '../ledger/index.js';
import { newestFirst } from '../keyset.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { ifGiven } from '../table.js';
import { find as findParty } from '../parties/index.js';
import { grants } from './BillingStore.js';
import type { Grant } from './BillingStore.js';
import { CURRENCY, walletOf } from './money.js';

/** Grants, of one organization or of all, newest first. @throws AgentPayError `forbidden`, `invalid_request` */
export async function listGrants(
  core: Core,
  request: {
    principal: Principal;
    orgId?: string | undefined;
  } & PageRequest,
): Promise<{ grants: Grant[] } & Counted> {
  requireParty(request.principal, 'platform');
  const { orgId = null } = request;
  const { rows, ...counted } = await grants.page(core.db, {
    where: ifGiven(orgId, 'org_id = $1'),
    params: [orgId],
    order: newestFirst,
    ...page(request),
  });
  return { grants: rows, ...counted };
}

/** The operator gives an organization money. @throws AgentPayError `forbidden`, `org_not_found`, `invalid_amount` */
export function grant(
  core: Core,
  { principal, orgId, amount }: { principal: Principal; orgId: string; amount: Amount },
): Promise<Grant> {
  requireParty(principal, 'platform');
  checkAmount(amount, 'amount');
  return core.db.tx(async (tx) => {
    const party = isId('org', orgId) ? await findParty(tx, { partyId: orgId }) : undefined;
    if (!party) throw new AgentPayError('org_not_found', 'There is no organization with this id.');
    const made: Grant = { id: newId('grant', core), orgId, amount, createdAt: new Date(core.clock.now()) };
    await grants.insert(tx, made);
    const walletId = await walletOf(tx, orgId);
    const postings = movements.granted({ walletId, asset: CURRENCY, amount });
    await post(core, tx, { key: made.id, kind: 'grant', postings });
    await record(core, tx, {
      principal,
      act: 'org.grant',
      subject: made.id,
      tenants: [orgId],
      after: { amount },
    });
    return made;
  });
}
