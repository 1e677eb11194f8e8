import { AgentPayError } from '@agentpay/primitives';
import { reasons, sameHex, toAuthorization } from '@agentpay/protocol';
import type { Address, Facilitator, Reason } from '@agentpay/protocol';
import { attemptAll, CLAIM_MS } from '../attempts.js';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import { chainOf } from '../custody/index.js';
import type { AuthorizationFate } from '../custody/index.js';
import type { JobReport } from '../Job.js';
import { movements, postIn } from '../ledger/index.js';
import { chainCurrency } from '../wallets/index.js';
import { journalKey } from './Agreement.js';
import type { Agreement } from './Agreement.js';
import { forgetCapIn } from './allow.js';
import * as agreementStore from './AgreementStore.js';
import { requestOf } from './checkDirect.js';
import type { DirectPurchase } from './DirectPurchase.js';
import * as store from './DirectStore.js';
import { get, moveIn, wantsOf } from './operations.js';
import type { OfAgreement } from './operations.js';
import type { FeeState, FeeWallet } from './directPorts.js';
import { feeWalletOf } from './requirements.js';

const LOOK_AGAIN_MS = 500;
const UNKNOWN_MS = 5_000;

/**
 * Works direct purchases that their sellers have accepted: collects the fee, then has the payment settled, and gives the fee back when
 * that is certain to have failed. Each step is repeated under the same name until its outcome is proved, by this instance or another.
 */
export async function workDirect(core: Core, { limit }: { limit: number }): Promise<JobReport> {
  const nowMs = core.clock.now();
  const claim = { now: new Date(nowMs), until: new Date(nowMs + CLAIM_MS), limit };
  const claimed = await store.claimDirect(core.db, claim);
  const { done, failures } = await attemptAll(claimed, (purchase) => attempt(core, purchase));
  return { done: { purchases: done }, failures };
}

/** What an attempt found: a move of the agreement, or when to look again. */
type Outcome =
  | {
      readonly move: (scene: Scene, agreement: Agreement) => Agreement;
      readonly change: Partial<DirectPurchase>;
    }
  | { readonly waitMs: number; readonly change?: Partial<DirectPurchase> };

async function attempt(core: Core, claimed: DirectPurchase): Promise<void> {
  for (let purchase: DirectPurchase | undefined = claimed; purchase;) {
    const agreement = await agreementStore.agreements.find(core.db, { id: claimed.id });
    const step = agreement && steps[agreement.status];
    if (!step) return;
    const outcome = await step(core, purchase).catch((): Outcome => ({ waitMs: UNKNOWN_MS }));
    purchase = await apply(core, { purchase, agreement, outcome });
  }
}

type Step = (core: Core, purchase: DirectPurchase) => Promise<Outcome>;

const steps: Readonly<Partial<Record<Agreement['status'], Step>>> = {
  collecting_fee: collectFee,
  executing_payment: pay,
  returning_fee: returnFee,
};

async function collectFee(core: Core, purchase: DirectPurchase): Promise<Outcome> {
  const { id, fee, payer, permit: signed } = purchase;
  const { spender, nonce, deadline, signature } = signed;
  const terms = { owner: payer as Address, spender, value: fee };
  const permit = { ...terms, nonce: BigInt(nonce), deadline: BigInt(deadline) };
  const state = await walletOf(core, purchase).collect({ id, permit, signature });
  if (state.status === 'failed') return { move: abort(core, { reason: state.reason }), change: {} };
  if (state.status !== 'completed') return { waitMs: waitOf(state) };
  return {
    change: { feeHash: state.reference },
    move(scene, agreement) {
      book(core, scene, { purchase, what: 'fee' });
      return moveIn(core, scene, agreement, 'charge');
    },
  };
}

/** Reasons of a facilitator by which a payment has not been made, and will not be. Others may be of the moment. */
const FINAL: readonly Reason[] = [
  'insufficientBalance',
  'signature',
  'validBefore',
  'validAfter',
  'valueMismatch',
  'recipientMismatch',
  'recipientNotAllowed',
  'assetNotAllowed',
  'contractPayerNotAllowed',
  'simulationFailed',
  'transactionFailed',
];
const finalCodes: readonly string[] = FINAL.map((reason) => reasons[reason].v2);

async function pay(core: Core, { payment }: DirectPurchase): Promise<Outcome> {
  const authorization = toAuthorization(payment.payload.authorization);
  const settled = await (core.ports.facilitator as Facilitator)
    .settle(requestOf(payment))
    .catch(() => undefined);
  if (settled?.success) return paid(core, settled.transaction);
  const chain = chainOf(core, payment.accepted.network);
  const fate = await chain.fateOf(authorization, settled?.transaction || undefined);
  if (fate?.use === 'payment') return paid(core, fate.transaction);
  const failure = failureBy(fate, authorization.validBefore, settled?.errorReason);
  return failure === undefined
    ? { waitMs: settled ? LOOK_AGAIN_MS : UNKNOWN_MS }
    : {
        change: { returnSince: new Date(core.clock.now()) },
        move: (scene, agreement) => moveIn(core, scene, agreement, 'giveBack', { reason: failure }),
      };
}

/** Why a payment can be said not to be made; undefined while it cannot. */
function failureBy(
  fate: AuthorizationFate | undefined,
  validBefore: bigint,
  said: string | undefined,
): string | undefined {
  if (fate === undefined) return undefined;
  if (fate.use !== 'unused') return 'payment_nonce_used';
  if (fate.at >= validBefore) return 'payment_expired';
  return said !== undefined && finalCodes.includes(said) ? said : undefined;
}

function paid(core: Core, paymentHash: string): Outcome {
  return {
    change: { paymentHash },
    move: (scene, agreement) =>
      moveIn(core, scene, agreement, 'deliver', {
        used: agreement.cap,
        units: 1n,
        paid: agreement.cap,
        settlementTx: paymentHash,
      }),
  };
}

async function returnFee(core: Core, purchase: DirectPurchase): Promise<Outcome> {
  const { id, payer, fee: amount, returnSince } = purchase;
  const since = (returnSince as Date).getTime();
  const state = await walletOf(core, purchase).giveBack({ id, to: payer as Address, amount, since });
  // The transfer has run out; the next one has the same nonce, so that one of them is made.
  if (state.status === 'failed')
    return { waitMs: LOOK_AGAIN_MS, change: { returnSince: new Date(core.clock.now()) } };
  if (state.status !== 'completed') return { waitMs: waitOf(state) };
  return {
    change: { returnHash: state.reference },
    move(scene, agreement) {
      book(core, scene, { purchase, what: 'return' });
      return abort(core, {})(scene, agreement);
    },
  };
}

/** It ends without a payment: the limits of the buyer forget it. */
function abort(core: Core, change: Partial<Agreement>) {
  return (scene: Scene, agreement: Agreement): Agreement => {
    forgetCapIn(scene, agreement, agreement.cap);
    return moveIn(core, scene, agreement, 'abort', change);
  };
}

/** The fee of the platform comes, or goes back. */
function book(
  core: Core,
  scene: Scene,
  { purchase, what }: { purchase: DirectPurchase; what: 'fee' | 'return' },
): void {
  const { id, fee: amount } = purchase;
  const { name: network, asset } = chainOf(core, purchase.network).network;
  const money = { network, asset: chainCurrency(asset.symbol, network), amount };
  const postings = what === 'fee' ? movements.directFeePaid(money) : movements.directFeeReturned(money);
  postIn(core, scene, { key: journalKey(id, what), kind: `agreement.${what}`, postings });
}

/** The wallet that the permit names. Rejects when another is configured now. */
function walletOf(core: Core, { permit, network }: DirectPurchase): FeeWallet {
  const wallet = feeWalletOf(core);
  if (wallet.network === network && sameHex(wallet.address, permit.spender)) return wallet;
  throw new Error(`The fee is permitted to ${permit.spender} on ${network}, which is not configured.`);
}

function waitOf({ status }: FeeState): number {
  return status === 'processing' ? LOOK_AGAIN_MS : UNKNOWN_MS;
}

/** Writes an outcome down; gives the purchase as it then is when there is more to do at once. */
function apply(
  core: Core,
  {
    purchase: worked,
    agreement: known,
    outcome,
  }: { purchase: DirectPurchase; agreement: Agreement; outcome: Outcome },
): Promise<DirectPurchase | undefined> {
  return core.batch.run({
    wants: [...wantsOf(known), [store.directRows, [worked.id]]],
    lane: worked.id,
    decide(scene) {
      const purchase = scene.find(store.directRows, worked.id) as DirectPurchase;
      const agreement = scene.find(agreementStore.agreementRows, worked.id) as Agreement;
      // Another instance has taken it over meanwhile.
      if (purchase.attempts !== worked.attempts || agreement.status !== known.status) return undefined;
      if ('waitMs' in outcome) {
        const nextAt = new Date(core.clock.now() + outcome.waitMs);
        scene.update(store.directRows, purchase, { ...outcome.change, nextAt, claimedUntil: null });
        return undefined;
      }
      outcome.move(scene, agreement);
      return scene.update(store.directRows, purchase, { ...outcome.change, nextAt: null });
    },
  });
}

/** A direct purchase of the caller and what it has moved so far. @throws AgentPayError as `get` does; `agreement_wrong_state` */
export async function getDirect(
  core: Core,
  request: OfAgreement,
): Promise<{ agreement: Agreement; purchase: DirectPurchase }> {
  const agreement = await get(core, request);
  const purchase = await store.directPurchases.find(core.db, { id: agreement.id });
  if (purchase) return { agreement, purchase };
  throw new AgentPayError('agreement_wrong_state', 'The agreement is none with direct payment.', {
    reason: 'not_direct',
  });
}
