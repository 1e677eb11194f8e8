import { AgentPayError, newId } from '@agentpay/primitives';
import type { Amount, Tx } from '@agentpay/primitives';
import { authorize, getAuthorization, reassign } from '../billing/index.js';
import type { BillingAuthorization } from '../billing/index.js';
import type { Core } from '../Core.js';
import type { Principal } from '../identity/index.js';
import type { JobReport } from '../Job.js';
import { available, movements, post, walletMoney } from '../ledger/index.js';
import { lock, platform } from '../parties/index.js';
import { fundingFailed, fundingSettled, tellFunding } from './events.js';
import { GATEWAY_CURRENCY } from './Gateway.js';
import type { Gateway } from './Gateway.js';
import { journalKey, stepOf } from './Funding.js';
import type { GatewayFunding } from './Funding.js';
import * as store from './FundingStore.js';
import { gateways } from './GatewayStore.js';
import { get, insert, self } from './operations.js';

/** A payment on a chain that is about to be settled for a gateway. */
export interface ExpectedPayment {
  /** Names it whatever is repeated: network, payer and nonce. */
  readonly reference: string;
  /** Lower case. */
  readonly payer: string;
  /** Its name, as accounts of the ledger have it. */
  readonly network: string;
  readonly amount: Amount;
  /** The gateway whose key came with it; undefined: that of the payer's address. */
  readonly gatewayId: string | undefined;
  /** What settles it, for whoever has to ask again. */
  readonly payment: unknown;
  /** The money stays the payer's and is held for the gateway; undefined: it is the gateway's. */
  readonly authorize?: { readonly memo: string } | undefined;
}

const ASK_AGAIN_MS = 60_000;
const asset = GATEWAY_CURRENCY;

/**
 * Notes a payment before anybody settles it, so that its money is found whatever happens then. Again, it gives the first note. A payer
 * is bound to the gateway whose key came with their first payment; without one they get a gateway of their own, whose wallet also has what
 * they pay to have it held.
 * @throws AgentPayError `gateway_not_found`; `conflict` for a payment that was noted to buy something else
 */
export function expect(core: Core, expected: ExpectedPayment): Promise<GatewayFunding> {
  const { reference, amount, network, payment, authorize: held } = expected;
  const authorizes = held ? { memo: held.memo, gatewayId: expected.gatewayId ?? null } : null;
  return core.db.tx(async (tx) => {
    const first = await store.fundings.find(tx, { reference, source: 'x402' });
    if (first) return sameAgain(tx, first, authorizes);
    const { id: gatewayId, walletId } = held
      ? await keylessOf(core, tx, expected.payer)
      : await gatewayFor(core, tx, expected);
    const funding: GatewayFunding = {
      id: newId('funding', core),
      gatewayId,
      walletId,
      amount,
      source: 'x402',
      status: 'processing',
      reference,
      failure: null,
      createdAt: new Date(core.clock.now()),
      endedAt: null,
    };
    if (await store.fundings.insertNew(tx, funding)) {
      const row = { fundingId: funding.id, network, payment, authorizes, authorizationId: null };
      await store.payments.insert(tx, row);
      return funding;
    }
    const other = (await store.fundings.find(tx, { reference })) as GatewayFunding;
    return sameAgain(tx, other, authorizes);
  });
}

/** @throws AgentPayError `conflict` when the payment of the funding was to buy something else */
async function sameAgain(
  tx: Tx,
  funding: GatewayFunding,
  wanted: store.PaidAuthorization | null,
): Promise<GatewayFunding> {
  const { authorizes } = (await store.payments.find(tx, { fundingId: funding.id })) as store.ChainPayment;
  const same = authorizes?.memo === wanted?.memo && authorizes?.gatewayId === wanted?.gatewayId;
  if (same) return funding;
  throw new AgentPayError('conflict', 'The payment was made for something else.', {
    reason: 'payment_used_elsewhere',
  });
}

/** The payment was settled: credits its gateway, or holds it for the gateway that is to complete it; once. */
export function credit(core: Core, { reference }: { readonly reference: string }): Promise<GatewayFunding> {
  return core.db.tx(async (tx) => {
    const funding = (await store.fundings.lock(tx, { reference, source: 'x402' })) as GatewayFunding;
    const status = stepOf(funding.status, 'succeed');
    if (!status) return funding;
    const { id, walletId, amount } = funding;
    const { network, authorizes } = (await store.payments.find(tx, { fundingId: id })) as store.ChainPayment;
    const postings = movements.chainDeposit({ network, walletId, asset, amount });
    await post(core, tx, { key: journalKey(id, 'charged'), kind: 'funding.charged', postings });
    const endedAt = new Date(core.clock.now());
    const [settled] = await store.fundings.update(tx, { id }, { status, failure: null, endedAt });
    await tellFunding(core, tx, fundingSettled, settled as GatewayFunding);
    if (authorizes) await holdPaid(core, tx, funding, authorizes);
    return settled as GatewayFunding;
  });
}

/** Holds what an address has paid for the gateway that may complete it: its own until another claims the address. */
async function holdPaid(
  core: Core,
  tx: Tx,
  { id: fundingId, gatewayId: payerId, walletId, amount }: GatewayFunding,
  { memo, gatewayId: named }: store.PaidAuthorization,
): Promise<void> {
  // Whoever claims the address at this moment gets the authorization, too.
  await lock(tx, { partyId: payerId });
  const payer = await get(tx, { gatewayId: payerId });
  const bound = await store.addresses.find(tx, { address: payer.name });
  const gatewayId = named ?? bound?.gatewayId ?? payerId;
  const { id } = await authorize(core, tx, { payerId, walletId, amount, memo, gatewayId });
  await store.payments.update(tx, { fundingId }, { authorizationId: id });
}

/** The payment was certainly not made, which its gateway is told once; one that was credited stays so. */
export function giveUp(
  core: Core,
  { reference, failure }: { readonly reference: string; readonly failure: string },
): Promise<void> {
  const change = { status: 'failed', failure, endedAt: new Date(core.clock.now()) } as const;
  return core.db.tx(async (tx) => {
    const waiting = { reference, source: 'x402', status: 'processing' } as const;
    const [failed] = await store.fundings.update(tx, waiting, change);
    if (failed) await tellFunding(core, tx, fundingFailed, failed);
  });
}

/** What became of the payment of a funding. @throws AgentPayError `funding_not_found` */
export async function paidBy(
  core: Core,
  { reference }: { readonly reference: string },
): Promise<GatewayFunding> {
  const funding = await store.fundings.find(core.db, { reference, source: 'x402' });
  if (!funding) throw new AgentPayError('funding_not_found', 'There is no such funding.');
  return funding;
}

/** What is held of a payment that was made for it. @throws AgentPayError `authorization_not_found`, `funding_not_found` */
export async function authorizedBy(
  core: Core,
  paid: { readonly reference: string },
): Promise<BillingAuthorization> {
  const { id: fundingId } = await paidBy(core, paid);
  const payment = await store.payments.find(core.db, { fundingId });
  return getAuthorization(core.db, { authorizationId: payment?.authorizationId ?? '' });
}

/** Asks again about payments whose process died between settling and crediting them. */
export async function settleLeft(core: Core, { limit }: { limit: number }): Promise<JobReport> {
  const { settleChain } = core.ports;
  if (!settleChain) return { done: {}, failures: [] };
  const left = await store.listUncredited(core.db, new Date(core.clock.now() - ASK_AGAIN_MS), limit);
  const done = { credited: 0, failed: 0 };
  const failures: { subject: string; error: unknown }[] = [];
  for (const { fundingId, payment, reference } of left) {
    try {
      const outcome = await settleChain(payment);
      if (outcome.status === 'settled') {
        await credit(core, { reference });
        done.credited++;
      } else if (outcome.status === 'failed') {
        await giveUp(core, { reference, failure: outcome.reason });
        done.failed++;
      }
    } catch (error) {
      failures.push({ subject: fundingId, error });
    }
  }
  return { done, failures };
}

async function gatewayFor(
  core: Core,
  tx: Tx,
  { gatewayId, payer }: Pick<ExpectedPayment, 'gatewayId' | 'payer'>,
): Promise<Gateway> {
  await lock(tx, { partyId: platform.id });
  const bound = await store.addresses.find(tx, { address: payer });
  if (gatewayId === undefined && bound) return get(tx, bound);
  const gateway =
    gatewayId === undefined
      ? await keylessOf(core, tx, payer)
      : ((await gateways.find(tx, { id: gatewayId })) as Gateway);
  if (!bound) await store.addresses.insert(tx, { address: payer, gatewayId: gateway.id });
  return gateway;
}

/** The gateway of an address that pays without a key; two first payments of one address make one. */
async function keylessOf(core: Core, tx: Tx, address: string): Promise<Gateway> {
  await lock(tx, { partyId: platform.id });
  const made = await gateways.find(tx, { name: address, keyless: true });
  return made ?? insert(core, tx, { name: address, orgId: null, keyless: true });
}

/**
 * Binds an address, whose owner has signed that it should be, to the calling gateway: what it pays without a key goes there from now on,
 * and so does at once what it has paid without one; what is held of its money is the gateway's to complete. Gives how much it received;
 * again, what came meanwhile.
 */
export function claimAddress(
  core: Core,
  { principal, address }: { readonly principal: Principal; readonly address: string },
): Promise<Amount> {
  return core.db.tx(async (tx) => {
    await lock(tx, { partyId: platform.id });
    const { id: gatewayId, walletId } = await self(tx, principal);
    if (!(await store.addresses.insertNew(tx, { address, gatewayId })))
      await store.addresses.update(tx, { address }, { gatewayId });
    const former = await gateways.find(tx, { name: address, keyless: true });
    if (!former) return 0n;
    await lock(tx, { partyId: former.id });
    await reassign(tx, { from: former.id, to: gatewayId });
    const { available: amount } = await walletMoney(tx, { walletId: former.walletId, asset });
    if (amount === 0n) return 0n;
    const postings = movements.refund({ payee: available(former.walletId), walletId, asset, amount });
    const key = `${former.id}:claim:${newId('journal', core)}`;
    await post(core, tx, { key, kind: 'funding.claimed', postings });
    return amount;
  });
}
