import { AgentPayError, isId, newId } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import { checkAmount } from '../amount.js';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import { DAY_MS } from '../calendar.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { page } from '../Page.js';
import { allowWants, giveBackIn, reserveIn, wantsOf } from '../spending/index.js';
import { checkOptionalText } from '../text.js';
import { isOnChain, walletRows } from '../wallets/index.js';
import type { Wallet } from '../wallets/index.js';
import { checkDestination } from './checkDestination.js';
import { payoutCanceled, payoutCreated, tell } from './events.js';
import { shownOf, stepOf } from './Payout.js';
import type { Destination, Payout, PayoutStatus } from './Payout.js';
import * as store from './PayoutStore.js';

export interface PayoutRequest {
  readonly principal: Principal;
  readonly fromWalletId: string;
  readonly amount: Amount;
  readonly destination: Destination;
  readonly description?: string | undefined;
  /** Nothing more is decided about it: nobody can take it back. Its id is that of a developer's payout. */
  readonly processing?: true;
}

/**
 * Reserves money of the caller's wallet and sends it out of the platform; {@link work} does so.
 * @throws AgentPayError `invalid_amount`, `invalid_request`, `settlement_not_configured`, `wallet_not_found`, `policy_denied`,
 * `insufficient_funds`
 */
export async function create(core: Core, request: PayoutRequest): Promise<Payout> {
  const ownerId = requireParty(request.principal, 'agent', 'user', 'org', 'developer', 'gateway');
  const { fromWalletId, amount, destination } = request;
  const description = checkOptionalText('description', request.description);
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
  const id = newId(request.processing ? 'developer_payout' : 'payout', core);
  const sealed = core.ports.vault.seal(JSON.stringify(destination), id);
  return core.batch.run({
    wants: [
      [walletRows, [fromWalletId]],
      ...wantsOf({ payer: ownerId, walletId: fromWalletId, asset: 'USD' }),
    ],
    lane: fromWalletId,
    decide(scene) {
      const wallet = scene.find(walletRows, fromWalletId);
      if (!wallet || wallet.ownerId !== ownerId || isOnChain(wallet)) throw noWallet();
      const hold = reserveIn(core, scene, {
        payer: ownerId,
        walletId: wallet.id,
        amount,
        asset: wallet.currency,
        payee: payeeOf(destination.type),
        rail: destination.type,
        purpose: 'payout',
      });
      const payout = draft(core, request, {
        id,
        sealed,
        wallet,
        holdId: hold.id,
        description,
        days: connector.days,
      });
      scene.insert(store.payoutRows, payout);
      tell(core, scene, payoutCreated, payout);
      return payout;
    },
  });
}

function draft(
  core: Core,
  { amount, destination, processing }: PayoutRequest,
  made: {
    id: string;
    sealed: string;
    wallet: Wallet;
    holdId: string;
    description: string | null;
    days: number;
  },
): Payout {
  const now = core.clock.now();
  return {
    id: made.id,
    ownerId: made.wallet.ownerId,
    walletId: made.wallet.id,
    amount,
    currency: made.wallet.currency,
    destinationType: destination.type,
    destination: made.sealed,
    shown: shownOf(destination),
    description: made.description,
    status: processing ? 'processing' : 'pending',
    holdId: made.holdId,
    reference: null,
    failure: null,
    attempts: 0,
    nextAt: new Date(now),
    claimedUntil: null,
    estimatedArrival: new Date(now + made.days * DAY_MS),
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
    limit?: number | undefined;
    offset?: number | undefined;
  },
): Promise<{ payouts: Payout[]; total: number }> {
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
  change: Pick<Payout, 'status'> & Partial<Pick<Payout, 'reference' | 'failure'>>,
): Payout {
  const endedAt = new Date(core.clock.now());
  return scene.update(store.payoutRows, payout, { ...change, nextAt: null, claimedUntil: null, endedAt });
}

/** By what name an allow list knows the owner's own destinations. */
function payeeOf(type: string): string {
  return `payout:${type}`;
}

function noWallet(): AgentPayError {
  return new AgentPayError('wallet_not_found', 'You have no wallet with this id.', { param: 'fromWalletId' });
}
