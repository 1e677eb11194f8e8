import { AgentPayError, isId, newId } from '@agentpay/primitives';
import type { Amount, Queryable, Tx } from '@agentpay/primitives';
import { checkAmount } from '../amount.js';
import { oneByOne } from '../attempts.js';
import type { Want } from '../batch/index.js';
import type { Core } from '../Core.js';
import { feeOn } from '../fees.js';
import { earnIn, earnWants, get as getDeveloper } from '../developers/index.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import type { JobReport } from '../Job.js';
import { available, balances, held, holds, movements } from '../ledger/index.js';
import { allowWants, captureIn, giveBackIn, reserveIn, wantsOf } from '../spending/index.js';
import { checkText } from '../text.js';
import { authorizationAfter, authorizations } from './Authorization.js';
import type { BillingAuthorization, AuthorizationStatus } from './Authorization.js';
import { CURRENCY, walletOf } from './money.js';
import { receive } from './invoices.js';

const PAYEE = 'billing';
const BATCH = 200;

/**
 * Holds money of a payer for the one gateway that may complete it, inside the caller's transaction: that which brought the money, or
 * any other.
 * @throws AgentPayError `invalid_amount`, `invalid_request`, `policy_denied`, `insufficient_funds`
 */
export async function authorize(
  core: Core,
  tx: Tx,
  request: {
    payerId: string;
    walletId: string;
    amount: Amount;
    memo: string;
    gatewayId: string;
  },
): Promise<BillingAuthorization> {
  const { payerId, walletId, amount, gatewayId } = request;
  checkAmount(amount, 'amount');
  const memo = checkText('memo', request.memo);
  const spending = {
    payer: payerId,
    walletId,
    amount,
    asset: CURRENCY,
    payee: [gatewayId, PAYEE],
    rail: 'internal',
    purpose: 'billing',
  };
  const hold = await core.batch.runIn(tx, {
    wants: wantsOf(spending),
    lane: walletId,
    decide: (scene) => reserveIn(core, scene, spending),
  });
  const now = core.clock.now();
  const authorization: BillingAuthorization = {
    id: newId('authorization', core),
    payerId,
    walletId,
    gatewayId,
    holdId: hold.id,
    amount,
    memo,
    status: 'authorized',
    used: null,
    usage: null,
    receiptId: null,
    expiresAt: new Date(now + core.settings.billing.authorizationTtlMs),
    createdAt: new Date(now),
    endedAt: null,
  };
  await authorizations.insert(tx, authorization);
  return authorization;
}

/**
 * Takes what was used of an authorization, the fee of the marketplace out of it, and gives the rest back to the payer. Without an amount
 * all of it was used. It goes to the developer who served, or to the gateway itself. The same gateway again gets the same receipt.
 * @throws AgentPayError `forbidden`, `authorization_not_found` for that of another gateway, `authorization_wrong_state`, `invalid_amount`
 * above what was authorized, `developer_not_found`
 */
export function complete(
  core: Core,
  request: {
    principal: Principal;
    authorizationId: string;
    usage: Readonly<Record<string, number>>;
    amount?: Amount | undefined;
    developerId?: string | undefined;
  },
): Promise<BillingAuthorization> {
  const gatewayId = requireParty(request.principal, 'gateway');
  return core.db.tx(async (tx) => {
    const { authorizationId: id, usage, developerId } = request;
    const kept = isId('authorization', id) ? await authorizations.lock(tx, { id }) : undefined;
    if (kept?.gatewayId !== gatewayId) throw notFound();
    if (kept.status === 'settled') return kept;
    const used = request.amount ?? kept.amount;
    checkAmount(used, 'amount');
    if (used > kept.amount)
      throw new AgentPayError('invalid_amount', 'That is more than was authorized.', { param: 'amount' });
    const status = authorizationAfter(kept.status, 'complete');
    if (!status) throw wrongState(kept.status);
    if (core.clock.now() >= kept.expiresAt.getTime()) throw wrongState('expired');
    await take(core, tx, { authorization: kept, used, gatewayId, developerId });
    const receipt = await receive(core, tx, {
      customerId: kept.payerId,
      gatewayId,
      sellerId: developerId ?? null,
      invoiceId: null,
      authorizationId: kept.id,
      amount: used,
      lines: [{ desc: kept.memo, amount: used }],
    });
    const change = {
      status,
      used,
      usage,
      receiptId: receipt.id,
      endedAt: new Date(core.clock.now()),
    };
    const [settled] = await authorizations.update(tx, { id: kept.id }, change);
    return settled as BillingAuthorization;
  });
}

async function take(
  core: Core,
  tx: Tx,
  {
    authorization,
    used,
    gatewayId,
    developerId,
  }: {
    authorization: BillingAuthorization;
    used: Amount;
    gatewayId: string;
    developerId: string | undefined;
  },
): Promise<void> {
  const { walletId, holdId, amount } = authorization;
  const paid =
    developerId === undefined
      ? await walletOf(tx, gatewayId)
      : (await getDeveloper(tx, { developerId })).walletId;
  const accounts = [available(walletId), held(walletId), available(paid)];
  await core.batch.runIn(tx, {
    wants: [
      [holds, [holdId]],
      ...accounts.map((account): Want => [balances, [account, CURRENCY]]),
      ...(developerId === undefined ? [] : earnWants(core, developerId)),
    ],
    lane: holdId,
    decide(scene) {
      const fee = feeOn(used, core.settings.fees.marketplace);
      const settled = {
        walletId,
        payee: available(paid),
        asset: CURRENCY,
        amount: used,
        fee,
        reserved: amount,
      };
      captureIn(core, scene, {
        holdId,
        reason: 'complete',
        postings: () => movements.marketSettled(settled),
      });
      if (developerId !== undefined) earnIn(core, scene, { developerId, amount: used - fee });
    },
  });
}

/** An authorization, whoever asks. */
export async function getAuthorization(
  db: Queryable,
  { authorizationId: id }: { authorizationId: string },
): Promise<BillingAuthorization> {
  const found = await authorizations.find(db, { id });
  if (!found) throw notFound();
  return found;
}

/** Has a gateway complete what another could: its open authorizations. */
export async function reassign(tx: Tx, { from, to }: { from: string; to: string }): Promise<void> {
  await authorizations.update(tx, { gatewayId: from, status: 'authorized' }, { gatewayId: to });
}

/** Gives back what was authorized and not completed in time. */
export async function expireAuthorizations(core: Core): Promise<JobReport> {
  const now = new Date(core.clock.now());
  const { done, failures } = await oneByOne(core, {
    job: 'billing.expire',
    most: BATCH,
    next: (tx, { isDue }) => lockExpired(tx, now, isDue),
    work: (tx, due) => release(core, tx, due),
  });
  return { done: { expired: 0, ...done }, failures };
}

async function lockExpired(tx: Tx, now: Date, isDue: string): Promise<BillingAuthorization | undefined> {
  const [due] = await authorizations.select(
    tx,
    `where status = 'authorized' and expires_at <= $1 and ${isDue}
     order by expires_at, id limit 1 for update skip locked`,
    [now],
  );
  return due;
}

async function release(core: Core, tx: Tx, due: BillingAuthorization): Promise<'expired'> {
  const { id, holdId, payerId: payer, gatewayId, amount, createdAt: at, status } = due;
  const payee = [gatewayId, PAYEE];
  await core.batch.runIn(tx, {
    wants: [[holds, [holdId]], ...allowWants(payer)],
    lane: holdId,
    decide: (scene) =>
      giveBackIn(core, scene, { holdId, reason: 'expire', spent: { payer, payee, amount, at } }),
  });
  const change = {
    status: authorizationAfter(status, 'expire') as AuthorizationStatus,
    endedAt: new Date(core.clock.now()),
  };
  await authorizations.update(tx, { id }, change);
  return 'expired';
}

function wrongState(status: AuthorizationStatus): AgentPayError {
  return new AgentPayError('authorization_wrong_state', `The authorization is ${status}.`, {
    reason: status,
  });
}

function notFound(): AgentPayError {
  return new AgentPayError('authorization_not_found', 'There is no authorization with this id for you.');
}
