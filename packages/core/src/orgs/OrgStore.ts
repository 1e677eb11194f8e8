import type { Queryable } from '@agentpay/primitives';
import { table } from '../table.js';
import type { Member, Org, Role } from './Org.js';
import type { PurchaseOrder } from './PurchaseOrder.js';

/** What an organization and another side put down in writing. */
export interface OrgContract {
  /** `ct_...` */
  readonly id: string;
  readonly orgId: string;
  readonly title: string;
  readonly terms: string;
  readonly status: 'draft';
  readonly createdAt: Date;
}

/** Rules under one name; the engine keeps them under the ids that stand here. */
export interface OrgPolicy {
  /** `pol_...` */
  readonly id: string;
  readonly orgId: string;
  readonly name: string;
  readonly ruleIds: readonly string[];
  readonly status: 'active' | 'deleted';
  readonly createdAt: Date;
}

/** A spending that a policy stopped. */
export interface PolicyLog {
  /** `plog_...` */
  readonly id: string;
  readonly orgId: string;
  readonly policyId: string;
  readonly ruleId: string;
  /** Who wanted to spend. */
  readonly partyId: string;
  readonly action: 'enforced';
  /** Code of the refusal: "org_monthly_limit". */
  readonly reason: string;
  /** Of the rule; null for one without an amount. */
  readonly cap: bigint | null;
  readonly spent: bigint | null;
  readonly createdAt: Date;
}

/** Listings that an organization has chosen for its members. */
export interface PrivateMarketplace {
  /** `pm_...` */
  readonly id: string;
  readonly orgId: string;
  readonly name: string;
  readonly createdAt: Date;
}

interface ChosenListing {
  readonly marketplaceId: string;
  readonly listingId: string;
  readonly createdAt: Date;
}

export const orgs = table<Org>('orgs', {
  id: 'text',
  name: 'text',
  walletId: 'text',
  createdAt: 'timestamptz',
});

export const members = table<Member>('org_members', {
  id: 'text',
  orgId: 'text',
  email: 'text',
  role: 'text',
  status: 'text',
  partyId: 'text',
  inviteExpiresAt: 'timestamptz',
  createdAt: 'timestamptz',
  removedAt: 'timestamptz',
});

export const contracts = table<OrgContract>('org_contracts', {
  id: 'text',
  orgId: 'text',
  title: 'text',
  terms: 'text',
  status: 'text',
  createdAt: 'timestamptz',
});

export const purchaseOrders = table<PurchaseOrder>('org_purchase_orders', {
  id: 'text',
  orgId: 'text',
  amount: 'bigint',
  drawn: 'bigint',
  memo: 'text',
  createdAt: 'timestamptz',
});

export const policies = table<OrgPolicy>('org_policies', {
  id: 'text',
  orgId: 'text',
  name: 'text',
  ruleIds: 'jsonb',
  status: 'text',
  createdAt: 'timestamptz',
});

export const policyLogs = table<PolicyLog>('org_policy_logs', {
  id: 'text',
  orgId: 'text',
  policyId: 'text',
  ruleId: 'text',
  partyId: 'text',
  action: 'text',
  reason: 'text',
  cap: 'bigint',
  spent: 'bigint',
  createdAt: 'timestamptz',
});

export const marketplaces = table<PrivateMarketplace>('org_marketplaces', {
  id: 'text',
  orgId: 'text',
  name: 'text',
  createdAt: 'timestamptz',
});

export const chosenListings = table<ChosenListing>('org_marketplace_listings', {
  marketplaceId: 'text',
  listingId: 'text',
  createdAt: 'timestamptz',
});

/** Ids of the parties that act for the organization in one of these roles. */
export async function selectActing(
  db: Queryable,
  orgId: string,
  roles: readonly Role[],
): Promise<{ id: string }[]> {
  return db.query(
    `select party_id as id from org_members where org_id = $1 and status = 'active' and role = any($2::text[]) order by id`,
    [orgId, roles],
  );
}

/** Ids of the organizations that a party acts for in one of these roles. */
export async function selectOrgIds(
  db: Queryable,
  partyId: string,
  roles: readonly Role[],
): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    `select org_id as id from org_members where party_id = $1 and status = 'active' and role = any($2::text[])
     order by org_id`,
    [partyId, roles],
  );
  return rows.map(({ id }) => id);
}

/** The policy of an organization that a rule of the engine belongs to. */
export async function findPolicyOfRule(db: Queryable, ruleId: string): Promise<OrgPolicy | undefined> {
  const [policy] = await policies.select(db, 'where rule_ids @> $1::jsonb limit 1', [
    JSON.stringify([ruleId]),
  ]);
  return policy;
}
