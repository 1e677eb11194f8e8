import { AgentPayError } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import { checksumAddress, permitTypedData, tokenDomainOf } from '@agentpay/protocol';
import type { Address, Hex, TokenPermit } from '@agentpay/protocol';
import type { Core } from '../Core.js';
import { chainOf } from '../custody/index.js';
import { movements, postIn } from '../ledger/index.js';
import { chainCurrency } from '../wallets/index.js';
import { journalKey } from './Agreement.js';
import type { Agreement } from './Agreement.js';
import type { AgreementHold, FeePermit } from './AgreementHold.js';
import type { FeeState, FeeWallet } from './directPorts.js';
import type { TypedData } from './ports.js';
import { reachable } from './requirements.js';
import * as store from './AgreementStore.js';

/** What is still due for an activation. */
interface DueFee {
  readonly amount: Amount;
  readonly wallet: FeeWallet;
  readonly owner: Address;
}

/** The fee that is due before an agreement is activated; undefined: none, or it is collected. */
function dueOf(core: Core, agreement: Agreement, hold: AgreementHold | undefined): DueFee | undefined {
  const { feeWallet: wallet } = core.ports;
  const { infra: amount } = core.settings.fees;
  if (!wallet || wallet.network !== agreement.network || amount === 0n || hold?.feeTx) return undefined;
  return { amount, wallet, owner: checksumAddress(agreement.buyerAddress as Address) };
}

/** What the buyer signs for the fee; null: nothing is due. */
export async function feeIntent(
  core: Core,
  agreement: Agreement,
): Promise<{ readonly amount: Amount; readonly permit: TypedData } | null> {
  const due = dueOf(core, agreement, await store.holds.find(core.db, { agreementId: agreement.id }));
  if (!due) return null;
  const { amount, owner, wallet } = due;
  const permit = await reachable(() => wallet.permitFor({ owner, amount }));
  const { domain, types, primaryType } = permitTypedData(
    tokenDomainOf(chainOf(core, wallet.network).network),
    permit,
  );
  return { amount, permit: { domain: { ...domain }, types, primaryType, message: { ...textOf(permit) } } };
}

function textOf({ owner, spender, value, nonce, deadline }: TokenPermit) {
  return {
    owner,
    spender,
    value: value.toString(),
    nonce: nonce.toString(),
    deadline: deadline.toString(),
  };
}

/** The permit that the buyer has signed, checked. @throws AgentPayError `invalid_request`, `insufficient_funds` */
export async function provenPermit(
  core: Core,
  agreement: Agreement,
  signature: Hex | undefined,
): Promise<FeePermit | null> {
  const due = dueOf(core, agreement, await store.holds.find(core.db, { agreementId: agreement.id }));
  if (!due) return null;
  const { amount, owner, wallet } = due;
  const wrong = (message: string) =>
    new AgentPayError('invalid_request', message, {
      param: 'infraFeePermit',
      reason: 'fee_permit_mismatch',
    });
  if (signature === undefined) throw wrong('The signature of the permit for the fee is missing.');
  const permit = await reachable(() => wallet.signedPermit({ owner, amount, signature }));
  if (!permit) throw wrong('The signature is not that of the permit for this fee by the wallet that pays.');
  const available = await reachable(() => chainOf(core, wallet.network).balanceOf(owner));
  if (available < amount + agreement.cap)
    throw new AgentPayError('insufficient_funds', 'The wallet has less than the cap and the fee.', {
      details: { required: amount + agreement.cap, available },
    });
  const { owner: _, ...kept } = textOf(permit);
  return { ...kept, spender: permit.spender, signature };
}

/** Takes the fee, if one is still due; undefined: there is none left to take. */
export async function collectFee(
  core: Core,
  { buyerAddress }: Agreement,
  hold: AgreementHold,
): Promise<FeeState | undefined> {
  const { agreementId, permit, feeTx } = hold;
  if (permit === null || feeTx !== null) return undefined;
  const { signature, spender } = permit;
  const [value, nonce, deadline] = [permit.value, permit.nonce, permit.deadline].map(BigInt) as [
    bigint,
    bigint,
    bigint,
  ];
  const owner = checksumAddress(buyerAddress as Address);
  // One that can never be used is followed by another one.
  const id = `${agreementId}:${nonce}:${deadline}`;
  return walletOf(core).collect({ id, permit: { owner, spender, value, nonce, deadline }, signature });
}

/** The fee came: books it, once. */
export function bookFee(core: Core, hold: AgreementHold, transaction: string): Promise<AgreementHold> {
  const { agreementId, permit } = hold;
  return core.batch.run({
    wants: [[store.holdRows, [agreementId]]],
    lane: agreementId,
    decide(scene) {
      const kept = scene.find(store.holdRows, agreementId) as AgreementHold;
      if (kept.feeTx !== null) return kept;
      const money = moneyOf(core, BigInt((permit as FeePermit).value));
      postIn(core, scene, {
        key: journalKey(agreementId, 'fee'),
        kind: 'agreement.fee',
        postings: movements.infraFeePaid(money),
      });
      return scene.update(store.holdRows, kept, { feeTx: transaction });
    },
  });
}

/**
 * Gives the fee of an agreement back that was never activated. Whether nothing is left to give back.
 * An hour after it was first signed the transfer runs out, and the next one has the same nonce: one of them is made.
 */
export async function returnFee(
  core: Core,
  { buyerAddress }: Agreement,
  hold: AgreementHold,
): Promise<boolean> {
  const { agreementId: id, permit, feeTx, feeReturnTx } = hold;
  if (permit === null || feeTx === null || feeReturnTx !== null) return true;
  const begun = await changeHold(core, id, (kept) => ({
    feeReturnSince: kept.feeReturnSince ?? new Date(core.clock.now()),
  }));
  const since = (begun.feeReturnSince as Date).getTime();
  const amount = BigInt(permit.value);
  const to = checksumAddress(buyerAddress as Address);
  const state = await walletOf(core).giveBack({ id, to, amount, since });
  if (state.status === 'failed')
    await changeHold(core, id, () => ({ feeReturnSince: new Date(core.clock.now()) }));
  if (state.status !== 'completed') return false;
  await core.batch.run({
    wants: [[store.holdRows, [id]]],
    lane: id,
    decide(scene) {
      const kept = scene.find(store.holdRows, id) as AgreementHold;
      if (kept.feeReturnTx !== null) return;
      const postings = movements.infraFeeReturned(moneyOf(core, amount));
      postIn(core, scene, { key: journalKey(id, 'fee-return'), kind: 'agreement.fee_return', postings });
      scene.update(store.holdRows, kept, { feeReturnTx: state.reference });
    },
  });
  return true;
}

function changeHold(
  core: Core,
  id: string,
  change: (kept: AgreementHold) => Partial<AgreementHold>,
): Promise<AgreementHold> {
  return core.batch.run({
    wants: [[store.holdRows, [id]]],
    lane: id,
    decide(scene) {
      const kept = scene.find(store.holdRows, id) as AgreementHold;
      return scene.update(store.holdRows, kept, change(kept));
    },
  });
}

function moneyOf(core: Core, amount: Amount) {
  const { name: network, asset } = chainOf(core, walletOf(core).network).network;
  return { network, asset: chainCurrency(asset.symbol, network), amount };
}

/** @throws AgentPayError `settlement_not_configured` */
function walletOf(core: Core): FeeWallet {
  const { feeWallet } = core.ports;
  if (feeWallet) return feeWallet;
  throw new AgentPayError('settlement_not_configured', 'The wallet that collects fees is not configured.');
}
