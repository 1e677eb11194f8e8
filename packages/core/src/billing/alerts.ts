import { AgentPayError, formatDecimal, isId, newId } from '@agentpay/primitives';
import type { Amount, Tx } from '@agentpay/primitives';
import { checkAmount } from '../amount.js';
import { oneByOne } from '../attempts.js';
import type { WhoseTurn } from '../attempts.js';
import { monthOf } from '../calendar.js';
import type { Core } from '../Core.js';
import { emit } from '../events/index.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import type { JobReport } from '../Job.js';
import { orgIdsOf, rolesFor } from '../orgs/index.js';
import { spendingOf } from '../policies/index.js';
import { alerts } from './Alert.js';
import type { Alert } from './Alert.js';
import { alertTriggered } from './events.js';

const MAX_ALERTS = 100;
const BATCH = 500;

/**
 * Watches what the calling developer and the organizations that they pay for spend in a calendar month (UTC).
 * @throws AgentPayError `forbidden`, `invalid_amount`, `conflict` for more than 100
 */
export async function createAlert(
  core: Core,
  { principal, threshold }: { principal: Principal; threshold: Amount },
): Promise<Alert> {
  const ownerId = requireParty(principal, 'developer');
  checkAmount(threshold, 'threshold');
  if ((await ofOwner(core, ownerId)).length >= MAX_ALERTS)
    throw new AgentPayError('conflict', `There are ${MAX_ALERTS} alerts already.`, {
      reason: 'too_many_alerts',
    });
  const createdAt = new Date(core.clock.now());
  const alert: Alert = {
    id: newId('alert', core),
    ownerId,
    type: 'budget',
    threshold,
    status: 'active',
    firedMonth: null,
    checkedAt: new Date(0),
    createdAt,
  };
  await alerts.insert(core.db, alert);
  return alert;
}

/** The calling developer's alerts, oldest first. */
export function listAlerts(core: Core, { principal }: { principal: Principal }): Promise<Alert[]> {
  return ofOwner(core, principal.party.id);
}

/** Watches no more; again changes nothing. @throws AgentPayError `alert_not_found` */
export async function removeAlert(
  core: Core,
  { principal, alertId }: { principal: Principal; alertId: string },
): Promise<Alert> {
  const [removed] = isId('alert', alertId)
    ? await alerts.update(core.db, { id: alertId, ownerId: principal.party.id }, { status: 'deleted' })
    : [];
  if (!removed) throw new AgentPayError('alert_not_found', 'You have no alert with this id.');
  return removed;
}

/**
 * Tells of every alert whose threshold this month's spending has reached, once a month each; those first that were not looked at for
 * longest.
 */
export async function checkAlerts(core: Core): Promise<JobReport> {
  const checkedAt = new Date(core.clock.now());
  const month = monthOf(checkedAt.getTime());
  const { done, failures } = await oneByOne(core, {
    job: 'billing.alerts',
    most: BATCH,
    next: nextAlert({ month, now: checkedAt }),
    work: (tx, alert) => check(core, tx, alert, { month, checkedAt }),
  });
  return { done: { fired: done.fired ?? 0 }, failures };
}

/** Those that were silent at the beginning of a run, each once: one that is looked at and stays silent remains due. */
function nextAlert({ month, now }: { month: string; now: Date }) {
  const silent = `status = 'active' and fired_month is distinct from $2`;
  const left: { first?: Alert[]; again?: Alert[] } = {};
  return async (tx: Tx, { turn, isDue }: WhoseTurn): Promise<Alert | undefined> => {
    const rest = `where ${silent} and created_at <= $1 and ${isDue} order by checked_at, id limit $3`;
    const alertsLeft = (left[turn] ??= await alerts.select(tx, rest, [now, month, BATCH]));
    for (let alert = alertsLeft.shift(); alert; alert = alertsLeft.shift()) {
      const mine = `where ${silent} and id = $1 for update skip locked`;
      const [locked] = await alerts.select(tx, mine, [alert.id, month]);
      if (locked) return locked;
    }
    return undefined;
  };
}

async function check(
  core: Core,
  tx: Tx,
  { id, ownerId, type, threshold }: Alert,
  { month, checkedAt }: { month: string; checkedAt: Date },
): Promise<'fired' | 'below'> {
  const spent = await spentBy(tx, ownerId, checkedAt);
  const reached = spent >= threshold;
  await alerts.update(tx, { id }, reached ? { checkedAt, firedMonth: month } : { checkedAt });
  if (!reached) return 'below';
  const object = {
    alert_id: id,
    type,
    threshold_usdc: formatDecimal(threshold),
    spent_usdc: formatDecimal(spent),
    month,
  };
  await emit(core, tx, alertTriggered, { subject: id, audience: [{ id: ownerId }], object });
  return 'fired';
}

async function spentBy(tx: Tx, ownerId: string, at: Date): Promise<Amount> {
  const partyIds = [ownerId, ...(await orgIdsOf(tx, ownerId, rolesFor('spend')))];
  const all = await spendingOf(tx, { partyIds, atMs: at.getTime() });
  return all.reduce((sum, { monthSpent }) => sum + monthSpent, 0n);
}

function ofOwner(core: Core, ownerId: string): Promise<Alert[]> {
  return alerts.select(core.db, `where owner_id = $1 and status = 'active' order by created_at, id`, [
    ownerId,
  ]);
}
