import { AgentPayError } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import type { Hex } from '@agentpay/protocol';
import type { Scene, Want } from '../batch/index.js';
import type { Core } from '../Core.js';
import { available, movements, postIn } from '../ledger/index.js';
import { journalKey, stepOf } from './Agreement.js';
import type { Agreement } from './Agreement.js';
import { isOver, offersOf } from './AgreementHold.js';
import type { AgreementHold } from './AgreementHold.js';
import { allowAgainIn } from './allow.js';
import { feeIntent, provenPermit } from './infraFee.js';
import { assertInTime, assertSide, get, moveIn, visible, wantsOf, wrongState } from './operations.js';
import type { OfAgreement } from './operations.js';
import type { AgreementEscrow, AgreementOffer, TypedData } from './ports.js';
import { mostFeeBps } from './mostFeeBps.js';
import * as store from './AgreementStore.js';

/** What the buyer signs to activate an agreement. */
export interface ActivationPackage {
  readonly agreement: Agreement;
  /** Null in the sandbox, where nothing is signed. */
  readonly intent: TypedData | null;
  /** The fee that is collected first; null: none is due. */
  readonly fee: { readonly amount: Amount; readonly permit: TypedData } | null;
}

/** What the buyer has signed. */
export interface ActivationProof {
  readonly signature?: Hex | undefined;
  /** Of the permit for the fee. */
  readonly feePermit?: Hex | undefined;
}

/**
 * What the caller, the buyer of an agreement, signs to activate it.
 * @throws AgentPayError `agreement_not_found`, `forbidden` for the seller, `agreement_wrong_state`
 */
export async function activationPackage(core: Core, request: OfAgreement): Promise<ActivationPackage> {
  const agreement = await get(core, request);
  assertActivatable(core, agreement, request);
  if (agreement.funding === 'sandbox') return { agreement, intent: null, fee: null };
  const escrow = escrowOf(core, agreement);
  const [offer] = await signable(core, escrow, agreement);
  const fee = await feeIntent(core, agreement);
  return { agreement, intent: escrow.typedData(offer as AgreementOffer), fee };
}

/**
 * The buyer locks the cap. In the sandbox usage can begin at once; on a chain the signature is checked here, and a job moves the money.
 * Again changes nothing.
 * @throws AgentPayError `agreement_not_found`, `forbidden` for the seller, `agreement_wrong_state`, `policy_denied`, `insufficient_funds`,
 * `invalid_request` (reason `signature_wrong`), `facilitator_unavailable`
 */
export async function activate(core: Core, request: OfAgreement & ActivationProof): Promise<Agreement> {
  const known = await get(core, request);
  if (known.funding === 'sandbox')
    return run(core, request, known, (scene, agreement) => lockIn(core, scene, agreement));
  assertSide(request.principal, known, 'buyer');
  if (isActivating(known)) return known;
  assertActivatable(core, known, request);
  const proven = await provenHold(core, known, request.signature);
  const hold = { ...proven, permit: await provenPermit(core, known, request.feePermit) };
  return run(core, request, known, (scene, agreement) => submitIn(core, scene, agreement, hold));
}

/** The caller is its buyer, and it can be activated now. */
function assertActivatable(core: Core, agreement: Agreement, { principal }: OfAgreement): void {
  assertSide(principal, agreement, 'buyer');
  if (stepOf(agreement.status, 'submit') === undefined) throw wrongState(agreement);
  assertInTime(core, agreement);
}

const isActivating = ({ status }: Agreement) => status === 'submitting' || status === 'active';

function run(
  core: Core,
  { principal, agreementId }: OfAgreement,
  known: Agreement,
  decide: (scene: Scene, agreement: Agreement) => Agreement,
): Promise<Agreement> {
  const wants: Want[] = [...wantsOf(known), [store.holdRows, [agreementId]]];
  return core.batch.run({
    wants,
    lane: agreementId,
    decide(scene) {
      const agreement = visible(scene.find(store.agreementRows, agreementId), principal);
      assertSide(principal, agreement, 'buyer');
      if (isActivating(agreement)) return agreement;
      assertInTime(core, agreement);
      return decide(scene, agreement);
    },
  });
}

function lockIn(core: Core, scene: Scene, agreement: Agreement): Agreement {
  const spentAt = new Date(core.clock.now());
  const submitted = moveIn(core, scene, agreement, 'submit', { spentAt, submittedAt: spentAt });
  allowAgainIn(core, scene, agreement);
  const { id, buyerWalletId, currency: asset, cap: amount } = agreement;
  const from = available(buyerWalletId);
  postIn(core, scene, {
    key: journalKey(id, 'lock'),
    kind: 'agreement.lock',
    postings: movements.escrowLocked({ from, agreementId: id, asset, amount }),
  });
  return moveIn(core, scene, submitted, 'activate', { activatedAt: spentAt, dueAt: agreement.endsAt });
}

/** The signature is kept before anything is sent; the job is due at once. */
function submitIn(core: Core, scene: Scene, agreement: Agreement, hold: AgreementHold): Agreement {
  const now = new Date(core.clock.now());
  const { offer, signature } = hold;
  const former = scene.find(store.holdRows, agreement.id);
  // A fee that was collected is not collected again.
  const permit = former?.feeTx ? former.permit : hold.permit;
  if (former) scene.update(store.holdRows, former, { offer, signature, permit });
  else scene.insert(store.holdRows, hold);
  allowAgainIn(core, scene, agreement);
  const begun = { spentAt: now, submittedAt: now, dueAt: now, attempts: 0, activationTx: null, reason: null };
  return moveIn(core, scene, agreement, 'submit', begun);
}

/** The escrow of an agreement. @throws AgentPayError `settlement_not_configured` */
export function escrowOf(core: Core, { network }: Agreement): AgreementEscrow {
  const { escrow } = core.ports;
  if (escrow && escrow.network === network) return escrow;
  throw new AgentPayError('settlement_not_configured', `The escrow on ${network} is not configured.`);
}

/** What can be signed now: while a signature that was given can still be used, that alone. */
async function signable(
  core: Core,
  escrow: AgreementEscrow,
  agreement: Agreement,
): Promise<readonly AgreementOffer[]> {
  const nowMs = core.clock.now();
  const given = await store.holds.find(core.db, { agreementId: agreement.id });
  if (given && !isOver(given.offer, nowMs)) return [given.offer];
  // Nobody signs twice for what has worked after all.
  if (given && (await escrow.look(given.offer)).collected) return [given.offer];
  return offersOf(escrow, agreement, { nowMs, maxFeeBps: mostFeeBps(core.settings.fees.agreement) });
}

async function provenHold(
  core: Core,
  agreement: Agreement,
  signature: Hex | undefined,
): Promise<AgreementHold> {
  const escrow = escrowOf(core, agreement);
  if (signature === undefined) throw wrongSignature('The signature of the activation intent is missing.');
  for (const offer of await signable(core, escrow, agreement)) {
    const refusal = await escrow.check(offer, signature);
    const hold = { agreementId: agreement.id, offer, signature, ...withoutFee };
    if (!refusal || refusal.why === 'collected') return hold;
    const { why, message } = refusal;
    if (why === 'funds') throw new AgentPayError('insufficient_funds', message);
    if (why === 'other') throw new AgentPayError('conflict', message, { reason: 'not_collectable' });
  }
  throw wrongSignature('The buyer did not sign the activation intent with this signature.');
}

const withoutFee = { permit: null, feeTx: null, feeReturnTx: null, feeReturnSince: null };

function wrongSignature(message: string): AgentPayError {
  const reason = 'signature_wrong';
  return new AgentPayError('invalid_request', message, { param: 'activationSignature', reason });
}
