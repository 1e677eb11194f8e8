import { isDeepStrictEqual } from 'node:util';
import { AgentPayError, isId, newId } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import { checkAmount } from '../amount.js';
import { approvalRows, useIn, withApproval } from '../approvals/index.js';
import type { Scene, Want } from '../batch/index.js';
import type { Core } from '../Core.js';
import { DAY_MS } from '../calendar.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { movements } from '../ledger/index.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { allowWants, captureIn, giveBackIn, reserveIn, wantsOf } from '../spending/index.js';
import { checkOptionalText } from '../text.js';
import { isOnChain, owned, walletRows } from '../wallets/index.js';
import type { Wallet } from '../wallets/index.js';
import { checkDestination } from './checkDestination.js';
import { payoutCanceled, payoutCreated, tell } from './events.js';
import { approvedPayee, shownOf, stepOf } from './Payout.js';
import type { Destination, Payout, PayoutStatus } from './Payout.js';
import * as store from './PayoutStore.js';

export interface PayoutRequest {
  readonly principal: Principal;
  readonly fromWalletId: string;
  readonly amount: Amount;
  readonly destination: Destination;
  readonly description?: string | undefined;
  /** The same key and request again give the first payout and send nothing. */
  readonly idempotencyKey?: string | undefined;
  /** An approval that was given, where the rules ask for one. */
  readonly approvalId?: string | undefined;
  /** Nothing more is decided about it: nobody can take it back, nobody is asked. Its id is that of a developer's payout. */
  readonly processing?: true;
}

type Checked = Omit<PayoutRequest, 'description' | 'idempotencyKey'> & {
  readonly ownerId: string;
  readonly description: string | null;
  readonly idempotencyKey: string | null;
  readonly days: number;
};

/**
 * Reserves money of the caller's wallet and sends it out of the platform; {@link work} does so. One that needs approval is refused with the
 * id of the approval that was asked for; once it is given, the same payout passes with that id, or under the same idempotency key.
 * @throws AgentPayError `invalid_amount`, `invalid_request`, `settlement_not_configured`, `wallet_not_found`, `policy_denied`,
 * `approval_not_found`, `insufficient_funds`, `conflict` (the idempotency key was used for another payout)
 */
export async function create(core: Core, request: PayoutRequest): Promise<Payout> {
  const { approvalId: named, ...checked } = check(core, request);
  const spend = (approvalId: string | undefined) =>
    core.batch.run({
      wants: wants({ ...checked, approvalId }),
      lane: checked.fromWalletId,
      decide: (scene) => decide(core, scene, { ...checked, approvalId }),
    });
  if (request.processing) return spend(undefined);
  const terms = async () => {
    const wallet = await owned(core.db, { principal: request.principal, walletId: checked.fromWalletId });
    return { ...approvedTerms(core, checked, wallet), description: checked.description };
  };
  return withApproval(core, { approvalId: named, idempotencyKey: checked.idempotencyKey, terms }, spend);
}

function check(core: Core, request: PayoutRequest): Checked {
  const ownerId = requireParty(request.principal, 'agent', 'user', 'org', 'developer', 'gateway');
  const { fromWalletId, amount, destination } = request;
  checkAmount(amount, 'amount');
  checkDestination(destination);
  const connector = core.ports.payouts[destination.type];
  if (!connector)
    throw new AgentPayError(
      'settlement_not_configured',
      `Payouts to ${destination.type} are not configured.`,
      {
        param: 'destinationType',
      },
    );
  connector.accepts(destination, amount);
  if (!isId('wallet', fromWalletId)) throw noWallet();
  return {
    ...request,
    ownerId,
    description: checkOptionalText('description', request.description),
    idempotencyKey: checkOptionalText('idempotencyKey', request.idempotencyKey),
    days: connector.days,
  };
}

/** What an approval of a payout is about: the way out and the destination, which tells it from a payout to elsewhere. */
function approvedTerms(
  core: Core,
  { ownerId, amount, destination }: Pick<Checked, 'ownerId' | 'amount' | 'destination'>,
  { currency }: Pick<Wallet, 'currency'>,
) {
  const payee = approvedPayee(destination, core.settings.identity.pepper);
  return { payerId: ownerId, subject: 'payout', payee, rail: destination.type, currency, amount };
}

function wants({ ownerId, fromWalletId, idempotencyKey, approvalId }: Checked): Want[] {
  const rows: Want[] = [
    [walletRows, [fromWalletId]],
    ...wantsOf({ payer: ownerId, walletId: fromWalletId, asset: 'USD' }),
  ];
  if (approvalId !== undefined) rows.push([approvalRows, [approvalId]]);
  if (idempotencyKey !== null) rows.push([store.payoutKeys, [ownerId, idempotencyKey]]);
  return rows;
}

function decide(core: Core, scene: Scene, request: Checked): Payout {
  const { ownerId, idempotencyKey, fromWalletId, amount, destination, approvalId } = request;
  const first = idempotencyKey === null ? undefined : scene.find(store.payoutKeys, ownerId, idempotencyKey);
  if (first) return repeated(core, first, request);
  const wallet = scene.find(walletRows, fromWalletId);
  if (!wallet || wallet.ownerId !== ownerId || isOnChain(wallet)) throw noWallet();
  const id = newId(request.processing ? 'developer_payout' : 'payout', core);
  if (approvalId !== undefined)
    useIn(core, scene, { ...approvedTerms(core, request, wallet), approvalId, usedBy: id });
  const hold = reserveIn(core, scene, {
    payer: ownerId,
    walletId: wallet.id,
    amount,
    asset: wallet.currency,
    payee: payeeOf(destination.type),
    rail: destination.type,
    purpose: 'payout',
    approved: approvalId !== undefined,
  });
  const payout = draft(core, request, { id, wallet, holdId: hold.id });
  if (request.processing) handOver(core, scene, payout);
  if (idempotencyKey === null) scene.insert(store.payoutRows, payout);
  else scene.insert(store.payoutKeys, payout);
  tell(core, scene, payoutCreated, payout);
  return payout;
}

/** What was asked for under this key before. @throws AgentPayError `conflict` when it was something else */
function repeated(core: Core, first: Payout, request: Checked): Payout {
  const destination = JSON.parse(core.ports.vault.open(first.destination, first.id)) as Destination;
  const same =
    first.walletId === request.fromWalletId &&
    first.amount === request.amount &&
    first.description === request.description &&
    isDeepStrictEqual(destination, request.destination);
  if (same) return first;
  throw new AgentPayError('conflict', 'The idempotency key was used for another payout.', {
    param: 'idempotencyKey',
  });
}

function draft(
  core: Core,
  { amount, destination, description, idempotencyKey, days, processing }: Checked,
  { id, wallet, holdId }: { id: string; wallet: Wallet; holdId: string },
): Payout {
  const now = core.clock.now();
  return {
    id,
    ownerId: wallet.ownerId,
    walletId: wallet.id,
    amount,
    currency: wallet.currency,
    destinationType: destination.type,
    destination: core.ports.vault.seal(JSON.stringify(destination), id),
    shown: shownOf(destination),
    description,
    idempotencyKey,
    status: processing ? 'processing' : 'pending',
    holdId,
    reference: null,
    account: null,
    failure: null,
    attempts: 0,
    nextAt: new Date(now),
    claimedUntil: null,
    estimatedArrival: new Date(now + days * DAY_MS),
    createdAt: new Date(now),
    endedAt: null,
  };
}

/** @throws AgentPayError `payout_not_found` */
export async function get(core: Core, request: { principal: Principal; payoutId: string }): Promise<Payout> {
  const { principal, payoutId } = request;
  const payout = isId('payout', payoutId) ? await store.findPayout(core.db, payoutId) : undefined;
  if (payout?.ownerId === principal.party.id) return payout;
  throw new AgentPayError('payout_not_found', 'You have no payout with this id.');
}

/** The caller's payouts, newest first. */
export function list(
  core: Core,
  request: {
    principal: Principal;
    status?: PayoutStatus | undefined;
  } & PageRequest,
): Promise<{ payouts: Payout[] } & Counted> {
  const ownerId = request.principal.party.id;
  return store.selectPayouts(core.db, { ownerId, status: request.status ?? null, ...page(request) });
}

/**
 * Takes a payout back that nobody has begun to send; again changes nothing.
 * @throws AgentPayError `payout_not_found`, `payout_wrong_state`
 */
export async function cancel(
  core: Core,
  request: { principal: Principal; payoutId: string },
): Promise<Payout> {
  const { id, ownerId, holdId } = await get(core, request);
  return core.batch.run({
    wants: [[store.payoutRows, [id]], ...allowWants(ownerId)],
    lane: id,
    decide(scene) {
      const payout = scene.find(store.payoutRows, id) as Payout;
      if (payout.status === 'canceled') return payout;
      const status = stepOf(payout.status, 'cancel');
      if (!status)
        throw new AgentPayError('payout_wrong_state', `The payout is ${payout.status}.`, {
          reason: payout.status,
        });
      giveBackIn(core, scene, { holdId, reason: 'cancel', spent: spentOn(payout) });
      const canceled = end(core, scene, payout, { status });
      tell(core, scene, payoutCanceled, canceled);
      return canceled;
    },
  });
}

/** What the spending windows remember of a payout. */
export function spentOn({ ownerId, destinationType, amount, createdAt }: Payout) {
  return { payer: ownerId, payee: payeeOf(destinationType), amount, at: createdAt };
}

export function end(
  core: Core,
  scene: Scene,
  payout: Payout,
  change: Pick<Payout, 'status'> & Partial<Pick<Payout, 'reference' | 'failure' | 'account' | 'nextAt'>>,
): Payout {
  const endedAt = new Date(core.clock.now());
  return scene.update(store.payoutRows, payout, { nextAt: null, ...change, claimedUntil: null, endedAt });
}

/** From here on its money may have left: what was reserved for the owner is now on its way. */
export function handOver(core: Core, scene: Scene, { holdId, walletId, currency, amount }: Payout): void {
  const postings = () => movements.payoutSubmitted({ walletId, asset: currency, amount });
  captureIn(core, scene, { holdId, reason: 'submit', postings });
}

/** By what name an allow list knows the owner's own destinations. */
function payeeOf(type: string): string {
  return `payout:${type}`;
}

function noWallet(): AgentPayError {
  return new AgentPayError('wallet_not_found', 'You have no wallet with this id.', { param: 'fromWalletId' });
}
