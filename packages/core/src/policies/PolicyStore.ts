import type { Queryable } from '@agentpay/primitives';
import { entity } from '../batch/index.js';
import { table } from '../table.js';
import type { PolicySet, Rule } from './Rule.js';
import { emptyWindow } from './SpendWindow.js';
import type { SpendWindow } from './SpendWindow.js';

/** A policy set as kept: amounts in JSON as digits. */
export interface KeptPolicySet extends Omit<PolicySet, 'rules' | 'orgs'> {
  readonly orgs: readonly string[];
  readonly rules: readonly object[];
}

export const policySets = entity<KeptPolicySet>({
  table: table<KeptPolicySet>('policy_sets', {
    partyId: 'text',
    version: 'bigint',
    archived: 'boolean',
    orgs: 'jsonb',
    rules: 'jsonb',
  }),
  key: ['partyId'],
  guard: ['version'],
  rank: 10,
  watched: true,
});

export const windows = entity<SpendWindow>({
  table: table<SpendWindow>('spend_windows', {
    partyId: 'text',
    scope: 'text',
    day: 'text',
    daySpent: 'bigint',
    month: 'text',
    monthSpent: 'bigint',
    totalSpent: 'bigint',
    since: 'timestamptz',
  }),
  key: ['partyId', 'scope'],
  guard: ['day', 'daySpent', 'monthSpent', 'totalSpent'],
  changes: ['day', 'daySpent', 'month', 'monthSpent', 'totalSpent', 'since'],
  blank: emptyWindow,
  rank: 60,
});

const parsed = new WeakMap<object, PolicySet>();

/** The set with its amounts read. */
export function readSet(kept: KeptPolicySet | undefined): PolicySet | undefined {
  if (!kept) return undefined;
  let set = parsed.get(kept);
  if (!set) {
    const rules = kept.rules.map(
      (rule) => ('amount' in rule ? { ...rule, amount: BigInt(String(rule.amount)) } : rule) as Rule,
    );
    parsed.set(kept, (set = { ...kept, rules }));
  }
  return set;
}

/** The set of a party, locked; made when it has none. */
export async function lockSet(db: Queryable, partyId: string): Promise<PolicySet> {
  await db.query(
    `insert into policy_sets (party_id, version, archived, orgs, rules) values ($1, 0, false, '[]', '[]') on conflict do nothing`,
    [partyId],
  );
  return readSet(await policySets.table.lock(db, { partyId })) as PolicySet;
}

export async function saveSet(
  db: Queryable,
  { partyId, version, archived, orgs, rules }: PolicySet,
): Promise<void> {
  const kept = rules.map((rule) => ('amount' in rule ? { ...rule, amount: String(rule.amount) } : rule));
  await policySets.table.update(db, { partyId }, { version: version + 1n, archived, orgs, rules: kept });
}

export async function findSet(db: Queryable, partyId: string): Promise<PolicySet | undefined> {
  return readSet(await policySets.table.find(db, { partyId }));
}

/** The party that a rule is for. */
export async function findOwner(db: Queryable, ruleId: string): Promise<string | undefined> {
  const rules = JSON.stringify([{ id: ruleId }]);
  const [row] = await db.query<{ id: string }>(
    'select party_id as id from policy_sets where rules @> $1::jsonb',
    [rules],
  );
  return row?.id;
}

/** What each of these parties has spent so far, and this month; a party that has spent nothing is left out. */
export function selectSpending(db: Queryable, partyIds: readonly string[]): Promise<SpendWindow[]> {
  return windows.table.select(db, `where scope = 'all' and party_id = any($1::text[])`, [partyIds]);
}

/** What all parties of these kinds have spent so far. */
export function selectSpendingOfKinds(db: Queryable, kinds: readonly string[]): Promise<SpendWindow[]> {
  return windows.table.select(
    db,
    `where scope = 'all' and party_id in (select id from parties where kind = any($1::text[]))`,
    [kinds],
  );
}
