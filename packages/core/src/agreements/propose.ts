import { AgentPayError, newId } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import { ownerOf } from '../agents/index.js';
import { checkAmount } from '../amount.js';
import { requestIn } from '../approvals/index.js';
import type { Core } from '../Core.js';
import { DAY_MS } from '../calendar.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { find as getService } from '../marketplace/index.js';
import type { Service } from '../marketplace/index.js';
import { allowWants } from '../spending/index.js';
import { checkOptionalText, checkText } from '../text.js';
import { ofCurrency } from '../wallets/index.js';
import type { Agreement, AgreementFunding } from './Agreement.js';
import { allowedIn, approvedTerms } from './allow.js';
import type { DirectOrder } from './checkDirect.js';
import { insertDirect } from './DirectStore.js';
import { tell } from './events.js';
import * as store from './AgreementStore.js';

/** What a buyer offers; what is left out follows from the service. */
export interface ProposedTerms {
  readonly cap?: Amount | undefined;
  readonly unitPrice?: Amount | undefined;
  readonly unit?: string | undefined;
  readonly endsAt?: Date | undefined;
  readonly challengeSeconds?: number | undefined;
  readonly slaSeconds?: number | undefined;
  readonly description?: string | undefined;
}

/** Agreements of one buyer that have not ended. */
const MAX_OPEN = 1000;
const CALLS_OF_A_CAP = 100n;
const LONGEST_TERM_MS = 366 * DAY_MS;
const LONGEST_CHALLENGE_SECONDS = (30 * DAY_MS) / 1000;

/**
 * Proposes an agreement to the provider of a service; the caller is its buyer. The limits of the buyer count the cap from now on. Where
 * they ask for the approval of its owner, the proposal waits for it, and the seller knows nothing of it.
 * @throws AgentPayError `service_not_found`, `service_not_active`, `invalid_request`, `invalid_amount`, `currency_mismatch` (the buyer
 * has no wallet of the service's currency), `policy_denied`, `settlement_not_configured`, `conflict` beyond 1000 agreements that have not
 * ended
 */
export async function propose(
  core: Core,
  request: {
    readonly principal: Principal;
    readonly serviceId: string;
    readonly buyerAddress?: string | undefined;
    /** On a chain when absent, where one is configured and the buyer names their address. */
    readonly funding?: AgreementFunding | undefined;
    readonly terms?: ProposedTerms | undefined;
    /** A direct purchase, whose signatures were checked. */
    readonly direct?: DirectOrder | undefined;
  },
): Promise<Agreement> {
  const agreement = await drafted(core, request);
  return core.db.tx(async (tx) => {
    if ((await store.countOpen(tx, agreement.buyerId)) >= MAX_OPEN)
      throw new AgentPayError('conflict', `${MAX_OPEN} agreements have not ended.`, {
        reason: 'too_many_agreements',
      });
    const { status, ruleId } = await core.batch.runIn(tx, {
      wants: allowWants(agreement.buyerId),
      lane: agreement.buyerId,
      decide: (scene) => allowedIn(core, scene, agreement),
    });
    const approval =
      status === 'proposed'
        ? undefined
        : await requestIn(core, tx, {
            ...approvedTerms(agreement),
            reference: agreement.id,
            ownerId: agreement.buyerOwnerId,
            description: agreement.description,
            ruleId,
          });
    const made: Agreement = {
      ...agreement,
      status,
      approvalId: approval?.id ?? null,
      proposedAt: approval ? null : agreement.createdAt,
      dueAt: approval?.expiresAt ?? agreement.dueAt,
    };
    await core.batch.runIn(tx, {
      wants: [],
      lane: agreement.buyerId,
      decide(scene) {
        scene.insert(store.agreementRows, made);
        tell(core, scene, approval ? 'wait' : 'propose', made);
      },
    });
    if (request.direct) await insertDirect(tx, { id: made.id, ...request.direct.purchase });
    return made;
  });
}

async function drafted(
  core: Core,
  { principal, serviceId, buyerAddress, funding, terms = {}, direct }: Parameters<typeof propose>[1],
): Promise<Agreement> {
  const buyerId = requireParty(principal, 'agent');
  const service = await getService(core.db, { serviceId });
  if (service.status !== 'active')
    throw new AgentPayError('service_not_active', `The service is ${service.status}.`);
  if (service.providerId === buyerId)
    throw new AgentPayError('invalid_request', 'Nobody agrees with themselves: the service is your own.', {
      param: 'serviceId',
    });
  const wallet = await ofCurrency(core.db, { ownerId: buyerId, currency: service.currency });
  if (!wallet)
    throw new AgentPayError('currency_mismatch', `You have no wallet of ${service.currency} to pay from.`);
  const now = new Date(core.clock.now());
  return {
    id: newId('agreement', core),
    buyerId,
    buyerOwnerId: await ownerOf(core.db, { agentId: buyerId }),
    sellerId: service.providerId,
    sellerOwnerId: await ownerOf(core.db, { agentId: service.providerId }),
    serviceId,
    category: service.category,
    ...(direct ? DIRECTLY : fundedBy(core, service, { buyerAddress, funding })),
    buyerWalletId: wallet.id,
    sellerWalletId: service.payoutWalletId,
    buyerAddress: direct?.purchase.payer ?? buyerAddress ?? null,
    sellerAddress: null,
    currency: service.currency,
    ...checked(core, service, terms),
    status: 'proposed',
    reason: null,
    approvalId: null,
    used: 0n,
    units: 0n,
    reserved: 0n,
    paid: null,
    createdAt: now,
    proposedAt: null,
    spentAt: now,
    acceptedAt: null,
    submittedAt: null,
    activatedAt: null,
    challengeEndsAt: null,
    endedAt: null,
    dueAt: new Date(
      Math.min(now.getTime() + core.settings.agreements.proposalMs, direct?.until.getTime() ?? Infinity),
    ),
    attempts: 0,
    activationTx: null,
    settlementTx: null,
  };
}

const DIRECTLY = { funding: 'direct', network: null } as const;

/** Where the money is to wait. */
function fundedBy(
  core: Core,
  { currency }: Service,
  { buyerAddress, funding }: Pick<Parameters<typeof propose>[1], 'buyerAddress' | 'funding'>,
): Pick<Agreement, 'funding' | 'network'> {
  const { escrow } = core.ports;
  const fits = escrow?.currencies.includes(currency) ?? false;
  const wanted = funding ?? (buyerAddress !== undefined && fits ? 'onchain' : 'sandbox');
  if (wanted === 'sandbox') return { funding: wanted, network: null };
  if (!escrow)
    throw new AgentPayError('settlement_not_configured', 'Agreements are not funded on a chain here.', {
      param: 'funding',
    });
  if (!fits)
    throw new AgentPayError('currency_mismatch', `The escrow holds no money for prices in ${currency}.`);
  if (buyerAddress === undefined || /^0x0{40}$/.test(buyerAddress))
    throw new AgentPayError('invalid_request', 'An agreement on a chain needs the address that pays.', {
      param: 'buyerWalletAddress',
    });
  return { funding: wanted, network: escrow.network };
}

/** The terms with what follows from the service. */
function checked(core: Core, service: Service, terms: ProposedTerms) {
  const { agreements } = core.settings;
  const nowMs = core.clock.now();
  const { unitPrice = service.price, endsAt = new Date(nowMs + agreements.termMs) } = terms;
  const { cap = unitPrice * CALLS_OF_A_CAP, challengeSeconds = agreements.challengeSeconds } = terms;
  checkAmount(unitPrice, 'terms.unitPrice', 'The price of a unit');
  checkAmount(cap, 'terms.cap', 'The cap');
  if (cap < unitPrice)
    throw new AgentPayError('invalid_request', 'The cap is below the price of one unit.', {
      param: 'terms.cap',
    });
  const ends = endsAt.getTime();
  if (!(ends > nowMs && ends <= nowMs + LONGEST_TERM_MS))
    throw new AgentPayError('invalid_request', 'The end is not within a year from now.', {
      param: 'terms.endsAt',
    });
  assertSeconds(challengeSeconds, 0, LONGEST_CHALLENGE_SECONDS, 'terms.challengeSeconds');
  const slaSeconds = terms.slaSeconds ?? service.slaSeconds;
  if (slaSeconds !== null) assertSeconds(slaSeconds, 1, 86_400, 'terms.slaSeconds');
  return {
    cap,
    unit: checkText('category', terms.unit ?? 'call'),
    unitPrice,
    endsAt,
    challengeSeconds,
    slaSeconds,
    description: checkOptionalText('description', terms.description),
  };
}

function assertSeconds(seconds: number, least: number, most: number, param: string): void {
  if (Number.isInteger(seconds) && seconds >= least && seconds <= most) return;
  const message = `The seconds are not a whole number from ${least} to ${most}.`;
  throw new AgentPayError('invalid_request', message, { param });
}
