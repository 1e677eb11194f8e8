import { AgentPayError } from '@agentpay/primitives';
import type { Scene, Want } from '../batch/index.js';
import type { Core } from '../Core.js';
import { available, balances, closeHoldIn, openHoldIn, held, movements } from '../ledger/index.js';
import type { Hold, Posting } from '../ledger/index.js';
import {
  evaluate,
  evaluateSwitches,
  policySets,
  readSet,
  scopesOf,
  spend,
  unspend,
  windows,
} from '../policies/index.js';
import type { Denial, PolicySet, Spend } from '../policies/index.js';
import { allowedBy } from './Allowed.js';
import type { Allowed } from './Allowed.js';
import type { PastSpending, Spending } from './Spending.js';

/** The rows by which a spending is judged, as far as they are known beforehand. */
export function allowWants(payer: string): Want[] {
  return [
    [policySets, [payer]],
    [policySets, ['platform']],
    [windows, [payer, 'all']],
  ];
}

/** The rows that a reservation asks for, as far as they are known beforehand. */
export function wantsOf({ payer, walletId, asset }: Pick<Spending, 'payer' | 'walletId' | 'asset'>): Want[] {
  const accounts = [available(walletId), held(walletId)];
  return [...allowWants(payer), ...accounts.map((account): Want => [balances, [account, asset]])];
}

/**
 * The one gate of all spending, inside a batch: asks the rules and counts the spending in its windows.
 * @throws AgentPayError `policy_denied` with the code of the refusal as reason and its facts as details
 */
export function allow(core: Pick<Core, 'clock'>, scene: Scene, spending: Spending): void {
  const judged = spendOf(spending, core.clock.now());
  const sets = setsOf(scene, judged.payer);
  const scopes = spending.own ? [] : scopesOf(judged, [sets.own, ...sets.orgs]);
  const counted = scopes.map((of) => ({ of, before: scene.find(windows, of.partyId, of.scope) }));
  const window = (partyId: string, scope: string) =>
    counted.find(({ of }) => of.partyId === partyId && of.scope === scope)?.before;
  const denial = (spending.own ? evaluateSwitches : evaluate)(judged, { ...sets, window });
  if (denial) throw policyDenied(denial);
  for (const { of, before } of counted) {
    const after = spend(before, of, judged);
    if (before) scene.update(windows, before, after);
    else scene.insert(windows, after);
  }
}

/** {@link allow}, and reserves the money, the fee on top included. @throws AgentPayError `policy_denied`, `insufficient_funds` */
export function reserveIn(core: Pick<Core, 'clock' | 'random'>, scene: Scene, spending: Spending): Hold {
  allow(core, scene, spending);
  const { walletId, asset, amount, fee = 0n, purpose } = spending;
  return openHoldIn(core, scene, { walletId, asset, amount: amount + fee, purpose });
}

/** {@link reserveIn}, with what whoever signs for the money asks for. */
export function allowIn(core: Pick<Core, 'clock' | 'random'>, scene: Scene, spending: Spending): Allowed {
  return allowedBy(spending, reserveIn(core, scene, spending));
}

/** What was reserved is paid: `postings` move the whole of the hold. */
export function captureIn(
  core: Pick<Core, 'clock' | 'random'>,
  scene: Scene,
  capture: { holdId: string; reason: string; postings: (hold: Hold) => Posting[] },
): Hold {
  return closeHoldIn(core, scene, { ...capture, state: 'captured' });
}

/** What was reserved is not spent: the whole of it returns, and the windows forget it. */
export function giveBackIn(
  core: Pick<Core, 'clock' | 'random'>,
  scene: Scene,
  { holdId, reason, spent }: { holdId: string; reason: string; spent: PastSpending },
): Hold {
  forgetIn(scene, spent);
  return closeHoldIn(core, scene, {
    holdId,
    state: 'released',
    reason,
    postings: ({ walletId, asset, amount }) => movements.release({ walletId, asset, amount }),
  });
}

/** What was allowed, or a part of it, is not spent: the windows forget it. */
export function forgetIn(scene: Scene, spent: PastSpending): void {
  if (spent.own) return;
  const judged = spendOf({ ...spent, rail: '' }, spent.at.getTime());
  const sets = setsOf(scene, judged.payer);
  for (const { partyId, scope } of scopesOf(judged, [sets.own, ...sets.orgs])) {
    const before = scene.find(windows, partyId, scope);
    if (before) scene.update(windows, before, unspend(before, judged));
  }
}

/** A refusal of the rules as an error. */
export function policyDenied(denial: Denial): AgentPayError {
  const { code, ruleId, limit, spent, remaining, resetsAt } = denial;
  return new AgentPayError('policy_denied', sentences[code], {
    reason: code,
    details: { ruleId, limit, spent, remaining, resetsAt },
  });
}

const sentences: Record<Denial['code'], string> = {
  archived: 'The agent is archived.',
  per_transaction_limit: 'The amount is above the limit for one payment.',
  daily_limit: 'The amount is above what is left of the daily limit.',
  monthly_limit: 'The amount is above what is left of the monthly limit.',
  not_on_allow_list: 'The payee is not on the allow list.',
  agreement_cap: 'The cap is above the most that one agreement may have.',
  category_not_allowed: 'A rule does not allow services of this category.',
  max_amount: 'The amount is above the most that a rule allows.',
  time_restriction: 'A rule allows no payment at this time.',
  per_seller_cap: 'The amount is above what is left for this payee.',
  org_monthly_limit: "The amount is above what is left of the organization's monthly limit.",
  rail_not_allowed: 'A rule does not allow this rail.',
  kill_switch: 'Payments are switched off.',
  approval_required: 'A payment of this amount needs the approval of its owner.',
};

function spendOf(
  spending: Pick<Spending, 'payer' | 'payee' | 'amount' | 'rail' | 'approved' | 'agreement'>,
  atMs: number,
): Spend {
  const { payer, payee, amount, rail, approved = false, agreement } = spending;
  return {
    payer,
    payees: typeof payee === 'string' ? [payee] : payee,
    amount,
    rail,
    atMs,
    approved,
    agreement,
  };
}

function setsOf(scene: Scene, payer: string) {
  const set = (partyId: string) => readSet(scene.find(policySets, partyId));
  const own = set(payer);
  const orgs = (own?.orgs ?? []).flatMap((org): PolicySet[] => {
    const found = set(org);
    return found ? [found] : [];
  });
  return { own, orgs, platform: set('platform') };
}
