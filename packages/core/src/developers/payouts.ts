import { AgentPayError } from '@agentpay/primitives';
import type { Amount, Queryable } from '@agentpay/primitives';
import { monthOf } from '../calendar.js';
import type { Core } from '../Core.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import type { JobReport } from '../Job.js';
import { walletMoney } from '../ledger/index.js';
import { checkDestination, create, list, shownOf } from '../payouts/index.js';
import type { Destination, DestinationType, Payout } from '../payouts/index.js';
import { within } from '../within.js';
import type { Developer } from './Developer.js';
import * as store from './DeveloperStore.js';
import { earnedIn } from './Earnings.js';
import { CURRENCY, self } from './operations.js';

/** Least that the schedule pays out. */
const LEAST = 1_000_000n;
const PAGE = 100;

/** An account in a sandbox, for developers who have named none: play money goes nowhere. */
const SANDBOX_BANK = {
  type: 'bank',
  routingNumber: '021000021',
  accountNumber: '000123456789',
  accountType: 'checking',
} as const;

/** Names the account that the calling developer is paid out to. @throws AgentPayError `invalid_request` */
export async function setPayoutAccount(
  core: Core,
  { principal, destination }: { readonly principal: Principal; readonly destination: Destination },
): Promise<Pick<store.PayoutAccount, 'type' | 'shown'>> {
  const { id } = await self(core.db, principal);
  checkDestination(destination);
  const account = {
    developerId: id,
    type: destination.type,
    destination: core.ports.vault.seal(JSON.stringify(destination), id),
    shown: shownOf(destination),
  };
  await store.savePayoutAccount(core.db, account);
  return account;
}

/** What the calling developer earned in a month, and what they can be paid out now. */
export async function earnings(
  core: Core,
  { principal, month }: { readonly principal: Principal; readonly month?: string | undefined },
): Promise<{ readonly month: string; readonly total: Amount; readonly available: Amount }> {
  const { id, walletId } = await self(core.db, principal);
  const wanted = month ?? monthOf(core.clock.now());
  const total = await earnedIn(core.db, { developerId: id, month: wanted });
  return { month: wanted, total, available: await availableOf(core.db, walletId) };
}

/**
 * Pays earnings out to the developer's account, which is of that type.
 * @throws AgentPayError `insufficient_funds` when the earnings do not cover it, `conflict` without such an account, and as
 * `payouts.create`
 */
export async function payout(
  core: Core,
  request: { readonly principal: Principal; readonly amount: Amount; readonly type: DestinationType },
): Promise<Payout> {
  const developer = await self(core.db, request.principal);
  const destination = await destinationOf(core, developer, request.type);
  return send(core, developer, { amount: request.amount, destination, description: 'Payout of earnings' });
}

/** The payouts of the calling developer, newest first. */
export function listPayouts(
  core: Core,
  request: { principal: Principal; limit?: number | undefined; offset?: number | undefined },
): Promise<{ payouts: Payout[]; total: number }> {
  requireParty(request.principal, 'developer');
  return list(core, request);
}

/**
 * Pays out to every active developer with an account what they have, once in a month however often it runs. Less than 1.00 waits for
 * the next month.
 */
export async function payMonthly(core: Core): Promise<JobReport> {
  const month = monthOf(core.clock.now());
  const failures: { subject: string; error: unknown }[] = [];
  let [paid, after] = [0, ''];
  for (;;) {
    const unpaid = await store.listUnpaid(core.db, { month, after, limit: PAGE });
    for (const developer of unpaid) {
      try {
        if (await payMonth(core, developer, month)) paid++;
      } catch (error) {
        failures.push({ subject: developer.id, error });
      }
    }
    if (unpaid.length < PAGE) return { done: { paid }, failures };
    after = (unpaid.at(-1) as Developer).id;
  }
}

/** The payout and the note of it are one transaction: a run that dies in between has done neither. */
function payMonth(core: Core, developer: Developer, month: string): Promise<boolean> {
  return core.db.tx(async (tx) => {
    await store.developers.lock(tx, { id: developer.id });
    if (await store.payoutRuns.find(tx, { developerId: developer.id, month })) return false;
    const amount = await availableOf(tx, developer.walletId);
    const account = await store.payoutAccounts.find(tx, { developerId: developer.id });
    if (amount < LEAST || !account) return false;
    const destination = opened(core, account);
    const description = `Earnings until ${month}`;
    const { id } = await within(core, tx, (inner) =>
      send(inner, developer, { amount, destination, description }),
    );
    await store.payoutRuns.insert(tx, { developerId: developer.id, month, payoutId: id });
    return true;
  });
}

function send(
  core: Core,
  { id, walletId }: Developer,
  what: { readonly amount: Amount; readonly destination: Destination; readonly description: string },
): Promise<Payout> {
  const principal: Principal = { party: { id, kind: 'developer' }, scopes: [], credentialId: 'developers' };
  return create(core, { principal, fromWalletId: walletId, processing: true, ...what });
}

async function destinationOf(core: Core, developer: Developer, type: DestinationType): Promise<Destination> {
  const account = await store.payoutAccounts.find(core.db, { developerId: developer.id });
  if (account?.type === type) return opened(core, account);
  if (!account && type === 'bank' && core.settings.wallets.sandbox)
    return { ...SANDBOX_BANK, accountHolder: developer.name };
  throw new AgentPayError('conflict', `There is no ${type} account to pay out to; name one first.`, {
    param: 'destination',
    reason: 'payout_account_missing',
  });
}

function opened(core: Core, { destination, developerId }: store.PayoutAccount): Destination {
  return JSON.parse(core.ports.vault.open(destination, developerId)) as Destination;
}

async function availableOf(db: Queryable, walletId: string): Promise<Amount> {
  return (await walletMoney(db, { walletId, asset: CURRENCY })).available;
}
