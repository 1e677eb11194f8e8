import { AgentPayError, isAgentPayError, isId, newId } from '@agentpay/primitives';
import type { Amount, PaymentNetwork } from '@agentpay/primitives';
import { checksumAddress, declareGasSponsoring, sameHex, toBase64, x402v2 } from '@agentpay/protocol';
import type { Address } from '@agentpay/protocol';
import type { Core } from '../Core.js';
import { balanceOf, chainOf, ofHolder, payingFor } from '../custody/index.js';
import type { CustodyWallet } from '../custody/index.js';
import { emit } from '../events/index.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { digestOf } from './BuyRequest.js';
import { blank } from './buy.js';
import { withdrawalObject, withdrawalRequested } from './events.js';
import { candidatesIn } from './offers.js';
import type { Candidate } from './offers.js';
import { facilitatorOf, settle } from './pay.js';
import type { Purchase, PurchaseTerms } from './Purchase.js';
import * as store from './PurchaseStore.js';
import { inProgress, putOff, reserveAndSign, taken } from './steps.js';
import { withPermitTurn } from './turns.js';

/** How long a withdrawal waits to be confirmed. */
const CONFIRM_MS = 10 * 60_000;

type OfWithdrawal = { readonly principal: Principal; readonly withdrawalId: string };

/** Until when a withdrawal may be confirmed. */
export function confirmableUntil({ createdAt }: Purchase): Date {
  return new Date(createdAt.getTime() + CONFIRM_MS);
}

/**
 * Prepares to send money of the agent's wallet on a chain to an address: nothing moves before {@link confirmWithdrawal}. What payments
 * hold is left to them, and limits and rules of payments are not asked: it is the owner's own money.
 * @param request.amount all that is free when absent
 * @throws AgentPayError `settlement_not_configured`, `wallet_not_found`, `invalid_request`, `insufficient_funds`, `unavailable`
 */
export async function prepareWithdrawal(
  core: Core,
  request: { principal: Principal; to: string; amount?: Amount | undefined },
): Promise<Purchase> {
  const partyId = requireParty(request.principal, 'agent');
  facilitatorOf(core);
  const [wallet] = await ofHolder(core.db, { holder: partyId });
  if (!wallet) throw new AgentPayError('wallet_not_found', 'The agent has no wallet on a chain.');
  const { network } = chainOf(core, wallet.network);
  const to = recipientOf(request.to, wallet, network);
  const free = await freeIn(core, wallet);
  const { amount = free } = request;
  if (amount <= 0n || amount > free) throw tooLittle();
  const id = newId('withdrawal', core);
  const terms: PurchaseTerms = {
    dialect: 'x402v2',
    network: network.id,
    asset: network.asset.address,
    amount: String(amount),
    payTo: to.toLowerCase(),
    walletId: wallet.walletId,
    payer: wallet.address,
    url: `https://withdrawal.invalid/${id}`,
  };
  const withdrawal: Purchase = {
    ...blank,
    id,
    partyId,
    holder: partyId,
    idempotencyKey: null,
    way: 'withdrawal',
    state: 'requested',
    method: 'GET',
    url: terms.url,
    digest: digestOf({ to, amount: terms.amount }),
    sealedRequest: null,
    terms,
    nextAttemptAt: null,
    createdAt: new Date(core.clock.now()),
  };
  await core.db.tx(async (tx) => {
    await store.purchases.insert(tx, withdrawal);
    await emit(core, tx, withdrawalRequested, withdrawalObject(withdrawal, network));
  });
  return withdrawal;
}

/**
 * Sends what was prepared, once: by one signature, however often it is confirmed and whatever dies. It may still be under way when this
 * returns; the chain alone ends it.
 * @throws AgentPayError `withdrawal_not_found`, `payment_wrong_state` when it was not confirmed in time, `insufficient_funds`,
 * `policy_denied` when payments are switched off, `payment_in_progress`, `settlement_not_configured`, `unavailable`
 */
export async function confirmWithdrawal(core: Core, request: OfWithdrawal): Promise<Purchase> {
  const facilitator = facilitatorOf(core);
  const kept = await getWithdrawal(core, request);
  if (kept.state !== 'requested') return kept;
  const mine = await taken(core, kept.id);
  if (!mine) throw inProgress();
  try {
    if (mine.state !== 'requested') return mine;
    if (core.clock.now() >= confirmableUntil(mine).getTime())
      throw new AgentPayError('payment_wrong_state', 'It was not confirmed in time.', { reason: 'expired' });
    const signed = await sign(core, mine);
    await settle(core, facilitator, signed).catch((error: unknown) => {
      // What is not known yet is ended by the chain.
      if (!isAgentPayError(error, 'payment_refused') && !isAgentPayError(error, 'payment_unresolved'))
        throw error;
    });
    return await getWithdrawal(core, request);
  } finally {
    const left = await store.purchases.find(core.db, { id: mine.id });
    if (left?.state === 'requested' && left.attempts === mine.attempts) await putOff(core, left, null);
  }
}

/** A withdrawal of the caller. @throws AgentPayError `withdrawal_not_found` */
export async function getWithdrawal(
  core: Core,
  { principal, withdrawalId: id }: OfWithdrawal,
): Promise<Purchase> {
  const found = isId('withdrawal', id) ? await store.purchases.find(core.db, { id }) : undefined;
  if (found?.way === 'withdrawal' && found.partyId === principal.party.id) return found;
  throw new AgentPayError('withdrawal_not_found', 'You have no withdrawal with this id.');
}

/** Reserves the money and makes the one signature. */
async function sign(core: Core, mine: Purchase): Promise<Purchase> {
  const candidate = await transferOf(core, mine);
  const { walletId } = candidate.terms;
  if (candidate.offer.amount > (await freeIn(core, { walletId }))) throw tooLittle();
  const { purchase } = await withPermitTurn(core, mine, candidate, (permitNonce) =>
    reserveAndSign(core, mine, candidate, { permitNonce }),
  );
  return purchase;
}

/** The transfer as facilitators know it: an offer that asks for nothing but the money. */
async function transferOf(core: Core, { holder, url, terms }: Purchase): Promise<Candidate> {
  const { network: id, amount, payTo } = terms as PurchaseTerms;
  const { asset } = chainOf(core, id).network;
  const byPermit = asset.transfer === 'permit2';
  const accepted = {
    scheme: 'exact',
    network: id,
    amount,
    asset: asset.address,
    payTo: checksumAddress(payTo),
    maxTimeoutSeconds: 600,
    extra: { ...asset.eip712, ...(byPermit && { assetTransferMethod: 'permit2' }) },
  };
  // The wallet has no gas: a permit of its goes to the chain with the transfer.
  const extensions = byPermit && { extensions: declareGasSponsoring() };
  const required = toBase64({ x402Version: 2, resource: { url }, accepts: [accepted], ...extensions });
  const header = (name: string) => (name === x402v2.PAYMENT_REQUIRED ? required : null);
  const demand = { url, hasAuthorization: false, requestBody: undefined, header, body: undefined };
  const wallets = await payingFor(core.db, { holder });
  return candidatesIn(core, { demand, url, wallets, dialects: ['x402v2'] })[0];
}

/** What the chain has, less what payments may still take. @throws AgentPayError `unavailable` when the chain cannot be asked */
async function freeIn(core: Core, wallet: Pick<CustodyWallet, 'walletId'>): Promise<Amount> {
  const { available, held, onChain } = await balanceOf(core, wallet);
  return available < onChain - held ? available : onChain - held;
}

function recipientOf(to: string, { address }: CustodyWallet, { asset }: PaymentNetwork): Address {
  const checked = checksumAddress(to);
  const mixed = to.slice(2) !== to.slice(2).toLowerCase() && to.slice(2) !== to.slice(2).toUpperCase();
  if (mixed && checked.slice(2) !== to.slice(2)) throw refuseTo('is mistyped: its checksum is wrong');
  if (BigInt(to) === 0n || sameHex(to, asset.address)) throw refuseTo('can receive nothing');
  if (sameHex(to, address)) throw refuseTo('is the wallet itself');
  return checked;
}

function refuseTo(why: string): AgentPayError {
  return new AgentPayError('invalid_request', `The address ${why}.`, { param: 'to' });
}

function tooLittle(): AgentPayError {
  return new AgentPayError('insufficient_funds', 'There is less free than that: payments may hold the rest.');
}
