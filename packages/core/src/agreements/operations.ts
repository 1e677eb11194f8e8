import { AgentPayError, isId } from '@agentpay/primitives';
import type { Want } from '../batch/index.js';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import { open as openCustody } from '../custody/index.js';
import { history as historyOf } from '../events/index.js';
import type { Principal } from '../identity/index.js';
import { available, balances, escrow } from '../ledger/index.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { allowWants } from '../spending/index.js';
import { checkOptionalText } from '../text.js';
import { isEnded, stepOf } from './Agreement.js';
import type { Agreement, AgreementEvent, AgreementStatus } from './Agreement.js';
import { forgetCapIn } from './allow.js';
import { tell } from './events.js';
import * as store from './AgreementStore.js';

/** An agreement, and who asks for it. */
export interface OfAgreement {
  readonly principal: Principal;
  readonly agreementId: string;
}

/** An agreement of the caller, or of its agents; any for the operator. @throws AgentPayError `agreement_not_found` */
export async function get(core: Core, { principal, agreementId }: OfAgreement): Promise<Agreement> {
  const kept = isId('agreement', agreementId)
    ? await store.agreements.find(core.db, { id: agreementId })
    : undefined;
  return visible(kept, principal);
}

/** Agreements that concern the caller, newest first. */
export function list(
  core: Core,
  request: {
    principal: Principal;
    status?: AgreementStatus | undefined;
    role?: 'buyer' | 'seller' | undefined;
  } & PageRequest,
): Promise<{ agreements: Agreement[] } & Counted> {
  const { status = null, role = null } = request;
  const { party } = request.principal;
  return store.selectAgreements(core.db, { party, status, role, ...page(request) });
}

/** What happened to an agreement, first to last. @throws AgentPayError `agreement_not_found` */
export async function history(
  core: Core,
  request: OfAgreement,
): Promise<{ type: string; at: Date; status: AgreementStatus }[]> {
  const { id } = await get(core, request);
  const events = await historyOf(core.db, { subject: id });
  return events.map(({ type, createdAt, data }) => ({
    type,
    at: createdAt,
    status: (data as { status: AgreementStatus }).status,
  }));
}

/**
 * The seller takes the proposal. Again changes nothing. On a chain they are paid at `sellerAddress`, or at their wallet with the
 * platform; of one with direct payment, `workDirect` then moves the money.
 * @throws AgentPayError `agreement_not_found`, `forbidden` for the buyer, `agreement_wrong_state`
 */
export async function accept(
  core: Core,
  request: OfAgreement & { sellerAddress?: string | undefined },
): Promise<Agreement> {
  const sellerAddress = await payeeOf(core, request);
  return run(core, request, (scene, agreement) => {
    assertSide(request.principal, agreement, 'seller');
    const direct = agreement.funding === 'direct';
    if (agreement.status === 'accepted' || (direct && agreement.acceptedAt !== null)) return agreement;
    assertInTime(core, agreement);
    const now = core.clock.now();
    if (direct) return moveIn(core, scene, agreement, 'collect', { acceptedAt: new Date(now) });
    const dueAt = new Date(Math.min(now + core.settings.agreements.proposalMs, agreement.endsAt.getTime()));
    return moveIn(core, scene, agreement, 'accept', { acceptedAt: new Date(now), dueAt, sellerAddress });
  });
}

async function payeeOf(
  core: Core,
  { sellerAddress, ...request }: Parameters<typeof accept>[1],
): Promise<string | null> {
  const known = await get(core, request);
  assertSide(request.principal, known, 'seller');
  const { network, sellerId, buyerAddress, status } = known;
  if (network === null || status !== 'proposed') return known.sellerAddress;
  const address =
    sellerAddress ??
    (await core.db.tx((tx) => openCustody(core, tx, { ownerId: sellerId, holder: sellerId, network })))
      .address;
  if (address.toLowerCase() !== buyerAddress?.toLowerCase() && !/^0x0{40}$/.test(address)) return address;
  throw new AgentPayError('invalid_request', 'The seller is paid at an address of their own.', {
    param: 'sellerWalletAddress',
  });
}

/** The seller does not take the proposal. Again changes nothing. @throws AgentPayError as {@link accept} */
export function reject(
  core: Core,
  request: OfAgreement & { reason?: string | undefined },
): Promise<Agreement> {
  const reason = checkOptionalText('description', request.reason);
  return run(core, request, (scene, agreement) => {
    assertSide(request.principal, agreement, 'seller');
    if (agreement.status === 'rejected') return agreement;
    const rejected = moveIn(core, scene, agreement, 'reject', { reason });
    forgetCapIn(scene, agreement, agreement.cap);
    return rejected;
  });
}

/**
 * Usage is over, says one of both sides: the buyer can object for a while, then the seller is paid. Again changes nothing.
 * @throws AgentPayError `agreement_not_found`, `agreement_wrong_state`
 */
export function complete(core: Core, request: OfAgreement): Promise<Agreement> {
  return run(core, request, (scene, agreement) => {
    assertSide(request.principal, agreement, 'buyer', 'seller');
    return agreement.status === 'challenge_window' ? agreement : completeIn(core, scene, agreement);
  });
}

/** {@link complete} inside a batch, whoever wants it. */
export function completeIn(core: Core, scene: Scene, agreement: Agreement): Agreement {
  const dueAt = new Date(core.clock.now() + agreement.challengeSeconds * 1000);
  return moveIn(core, scene, agreement, 'complete', { challengeEndsAt: dueAt, dueAt });
}

/** Runs one decision on an agreement that the caller may see. */
async function run<Result>(
  core: Core,
  { principal, agreementId }: OfAgreement,
  decide: (scene: Scene, agreement: Agreement) => Result,
): Promise<Result> {
  const known = await get(core, { principal, agreementId });
  return core.batch.run({
    wants: wantsOf(known),
    lane: agreementId,
    decide: (scene) => decide(scene, visible(scene.find(store.agreementRows, agreementId), principal)),
  });
}

/** The rows that moving an agreement asks for. */
export function wantsOf({ id, buyerId, buyerWalletId, currency, network }: Agreement): Want[] {
  return [
    [store.agreementRows, [id]],
    [balances, [available(buyerWalletId), currency]],
    ...(network === null ? [[balances, [escrow(id), currency]] as const] : []),
    ...allowWants(buyerId),
  ];
}

/** Moves an agreement by its table and tells of it. @throws AgentPayError `agreement_wrong_state` */
export function moveIn(
  core: Core,
  scene: Scene,
  agreement: Agreement,
  event: AgreementEvent,
  change: Partial<Agreement> = {},
): Agreement {
  const status = stepOf(agreement.status, event);
  if (status === undefined) throw wrongState(agreement);
  const endedAt = isEnded(status) ? new Date(core.clock.now()) : null;
  const moved = scene.update(store.agreementRows, agreement, { dueAt: null, ...change, status, endedAt });
  tell(core, scene, event === 'approve' ? 'propose' : event, moved);
  return moved;
}

/** @throws AgentPayError `agreement_not_found` unless it concerns the caller */
export function visible(agreement: Agreement | undefined, { party }: Principal): Agreement {
  if (agreement && (party.kind === 'platform' || sidesOf(agreement, party.id).length > 0)) return agreement;
  throw new AgentPayError('agreement_not_found', 'You have no agreement with this id.', {
    param: 'agreementId',
  });
}

/** On which side somebody stands. A seller knows of an agreement once it was proposed. */
function sidesOf(agreement: Agreement, partyId: string): ('buyer' | 'seller')[] {
  const { buyerId, buyerOwnerId, sellerId, sellerOwnerId, proposedAt } = agreement;
  const buys = partyId === buyerId || partyId === buyerOwnerId;
  const sells = proposedAt !== null && (partyId === sellerId || partyId === sellerOwnerId);
  return [...(buys ? (['buyer'] as const) : []), ...(sells ? (['seller'] as const) : [])];
}

/** @throws AgentPayError `forbidden` for the other side */
export function assertSide(
  { party }: Principal,
  agreement: Agreement,
  ...sides: ('buyer' | 'seller')[]
): void {
  if (sidesOf(agreement, party.id).some((side) => sides.includes(side))) return;
  throw new AgentPayError('forbidden', `Only the ${sides.join(' or the ')} of the agreement can do this.`);
}

/** The clock decides, whether or not the job has run. @throws AgentPayError `agreement_wrong_state` */
export function assertInTime(core: Pick<Core, 'clock'>, { status, dueAt }: Agreement): void {
  if (dueAt === null || core.clock.now() < dueAt.getTime()) return;
  const reason = status === 'active' ? 'term_over' : 'expired';
  throw new AgentPayError('agreement_wrong_state', `The time of the agreement is over: ${reason}.`, {
    reason,
  });
}

export function wrongState({ status }: Agreement): AgentPayError {
  return new AgentPayError('agreement_wrong_state', `The agreement is ${status}.`, { reason: status });
}
