import { evaluate } from './evaluate.js';
import type { Spend } from './evaluate.js';
import type { PolicySet, Rule, RuleTerms } from './Rule.js';
import { spend as spendIn } from './SpendWindow.js';
import type { SpendWindow } from './SpendWindow.js';

const AT = Date.UTC(2026, 4, 8, 13, 0, 0); // a Friday
const base: Spend = {
  payer: 'agent_1',
  payees: ['agent_2', 'wallet_2'],
  amount: 10n,
  rail: 'internal',
  atMs: AT,
};

function set(partyId: string, terms: readonly RuleTerms[], more: Partial<PolicySet> = {}): PolicySet {
  const rules = terms.map((each, i) => ({ ...each, id: `${partyId}-${i}` }) as Rule);
  return { partyId, version: 1n, archived: false, orgs: [], rules, ...more };
}

/** The verdict on a spending when this was spent before, today, by everybody who counts. */
function verdict(
  terms: readonly RuleTerms[],
  {
    spend = base,
    spent = 0n,
    orgs = [],
    platform,
    archived = false,
  }: {
    spend?: Spend;
    spent?: bigint;
    orgs?: PolicySet[];
    platform?: PolicySet;
    archived?: boolean;
  } = {},
) {
  const window = (partyId: string, scope: string): SpendWindow =>
    spendIn(undefined, { partyId, scope }, { amount: spent, atMs: spend.atMs });
  return evaluate(spend, { own: set('agent_1', terms, { archived }), orgs, platform, window });
}

describe('evaluate', () => {
  it.each<[string, RuleTerms, Partial<Spend>, bigint, string | undefined]>([
    ['per_tx at its limit', { kind: 'per_tx', amount: 10n }, {}, 0n, undefined],
    ['per_tx above', { kind: 'per_tx', amount: 9n }, {}, 0n, 'per_transaction_limit'],
    ['daily at its limit', { kind: 'daily', amount: 15n }, {}, 5n, undefined],
    ['daily above', { kind: 'daily', amount: 15n }, {}, 6n, 'daily_limit'],
    ['monthly above', { kind: 'monthly', amount: 15n }, {}, 6n, 'monthly_limit'],
    ['max_amount above', { kind: 'max_amount', amount: 9n }, {}, 0n, 'max_amount'],
    ['on the allow list by wallet', { kind: 'allowlist', sellers: ['wallet_2'] }, {}, 0n, undefined],
    ['not on the allow list', { kind: 'allowlist', sellers: ['agent_3'] }, {}, 0n, 'not_on_allow_list'],
    ['another rail', { kind: 'rail', rails: ['base-usdc'] }, {}, 0n, 'rail_not_allowed'],
    ['its rail', { kind: 'rail', rails: ['internal'] }, {}, 0n, undefined],
    ['the kill switch', { kind: 'kill_switch' }, {}, 0n, 'kill_switch'],
    ['needing approval', { kind: 'approval_over', amount: 9n }, {}, 0n, 'approval_required'],
    ['approved', { kind: 'approval_over', amount: 9n }, { approved: true }, 0n, undefined],
    ['each seller capped', { kind: 'per_seller_cap', amount: 15n }, {}, 6n, 'per_seller_cap'],
    ['another seller capped', { kind: 'per_seller_cap', seller: 'agent_3', amount: 1n }, {}, 6n, undefined],
    [
      'its seller capped for the day',
      { kind: 'per_seller_cap', seller: 'wallet_2', amount: 15n, period: 'day' },
      {},
      6n,
      'per_seller_cap',
    ],
  ])('%s', (_what, terms, more, spent, code) => {
    expect(verdict([terms], { spend: { ...base, ...more }, spent })?.code).toBe(code);
  });

  it('tells the rule, its limit, what is spent and left, and when that changes', () => {
    expect(verdict([{ kind: 'daily', amount: 15n }], { spent: 6n })).toEqual({
      code: 'daily_limit',
      ruleId: 'agent_1-0',
      limit: 15n,
      spent: 6n,
      remaining: 9n,
      resetsAt: new Date(Date.UTC(2026, 4, 9)),
    });
    const monthly = verdict([{ kind: 'monthly', amount: 15n }], { spent: 20n });
    expect(monthly).toMatchObject({ remaining: 0n, resetsAt: new Date(Date.UTC(2026, 5, 1)) });
  });

  it('names the first refusal in one order, however the rules are written', () => {
    const org = set('org_1', [{ kind: 'monthly_usdc', amount: 1n }]);
    const platform = set('platform', [{ kind: 'kill_switch' }]);
    const terms: RuleTerms[] = [
      { kind: 'approval_over', amount: 1n },
      { kind: 'rail', rails: ['none'] },
      { kind: 'max_amount', amount: 1n },
      { kind: 'allowlist', sellers: ['nobody'] },
      { kind: 'monthly', amount: 1n },
      { kind: 'daily', amount: 1n },
      { kind: 'per_tx', amount: 1n },
    ];
    const order = [
      'per_transaction_limit',
      'daily_limit',
      'monthly_limit',
      'not_on_allow_list',
      'max_amount',
      'org_monthly_limit',
      'rail_not_allowed',
      'approval_required',
    ];
    const met: (string | undefined)[] = [];
    const left = [...terms];
    const orgs = [org];
    for (let n = 0; n < order.length; n++) {
      met.push(verdict(left, { orgs })?.code);
      if (met.at(-1) === 'org_monthly_limit') orgs.pop();
      else left.pop();
      if (left.length === 2 && orgs.length > 0) continue;
    }
    expect(met).toEqual(order);
    expect(verdict(terms, { archived: true })?.code).toBe('archived');
    expect(verdict([], { platform })?.code).toBe('kill_switch');
  });
});

describe('a time restriction', () => {
  const at = (iso: string, terms: Omit<Extract<RuleTerms, { kind: 'time_restriction' }>, 'kind'>) =>
    verdict([{ kind: 'time_restriction', ...terms }], { spend: { ...base, atMs: Date.parse(iso) } }) ===
    undefined;
  const office = { hours: { from: '09:00', to: '17:00' }, timeZone: 'UTC' };
  const night = { hours: { from: '22:00', to: '06:00' }, timeZone: 'UTC' };
  const newYorkNight = {
    hours: { from: '22:00', to: '02:30' },
    days: ['sat'] as const,
    timeZone: 'America/New_York',
  };
  const fridayNight = { ...night, days: ['fri'] as const };

  it.each([
    ['2026-05-08T08:59:59Z', office, false],
    ['2026-05-08T09:00:00Z', office, true],
    ['2026-05-08T17:00:00Z', office, false],
    ['2026-05-08T23:00:00Z', night, true],
    ['2026-05-09T05:59:00Z', night, true],
    ['2026-05-09T06:00:00Z', night, false],
    // The small hours belong to the day on which the span began.
    ['2026-05-09T03:00:00Z', fridayNight, true],
    ['2026-05-08T03:00:00Z', fridayNight, false],
    ['2026-05-09T12:00:00Z', { days: ['sat', 'sun'] as const, timeZone: 'UTC' }, true],
    ['2026-05-08T12:00:00Z', { days: ['sat', 'sun'] as const, timeZone: 'UTC' }, false],
    // 09:00 in Berlin is 08:00 UTC in winter and 07:00 in summer.
    ['2026-03-27T07:30:00Z', { ...office, timeZone: 'Europe/Berlin' }, false],
    ['2026-03-30T07:30:00Z', { ...office, timeZone: 'Europe/Berlin' }, true],
    // Clocks in New York go from 02:00 to 03:00 on 2026-03-08: the hour between does not exist.
    ['2026-03-08T06:59:00Z', { hours: { from: '01:00', to: '03:00' }, timeZone: 'America/New_York' }, true],
    ['2026-03-08T07:00:00Z', { hours: { from: '01:00', to: '03:00' }, timeZone: 'America/New_York' }, false],
    // And back on 2026-11-01: the hour from 01:00 comes twice, and both count.
    ['2026-11-01T05:30:00Z', { hours: { from: '01:00', to: '02:00' }, timeZone: 'America/New_York' }, true],
    ['2026-11-01T06:30:00Z', { hours: { from: '01:00', to: '02:00' }, timeZone: 'America/New_York' }, true],
    // Over midnight into either change: the small hours end by the wall clock, and belong to Saturday.
    ['2026-03-08T06:59:00Z', newYorkNight, true],
    ['2026-03-08T07:00:00Z', newYorkNight, false],
    ['2026-11-01T06:59:00Z', newYorkNight, true],
    ['2026-11-01T07:29:00Z', newYorkNight, true],
    ['2026-11-01T07:30:00Z', newYorkNight, false],
    ['2026-11-02T06:00:00Z', newYorkNight, false],
    ['2026-05-08T00:00:00Z', { hours: { from: '00:00', to: '00:00' }, timeZone: 'UTC' }, true],
  ])('at %s of %j', (iso, terms, allowed) => {
    expect(at(iso, terms)).toBe(allowed);
  });
});
