import { AgentPayError, isId, newId } from '@agentpay/primitives';
import type { Amount, Tx } from '@agentpay/primitives';
import { checkAmount } from '../amount.js';
import { attemptAll } from '../attempts.js';
import type { Core } from '../Core.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import type { JobReport } from '../Job.js';
import { movements, post } from '../ledger/index.js';
import { fundingFailed, fundingSettled, tellFunding } from './events.js';
import { GATEWAY_CURRENCY } from './Gateway.js';
import { journalKey, stepOf } from './Funding.js';
import type { GatewayFunding } from './Funding.js';
import * as store from './FundingStore.js';
import { self } from './operations.js';
import type { CollectionOutcome } from './ports.js';

const asset = GATEWAY_CURRENCY;

/**
 * Asks for money by card: it is pending until the card processor says that it came.
 * @throws AgentPayError `funding_source_unknown`, `invalid_amount`, `settlement_not_configured` outside a sandbox without a processor
 */
export async function fund(
  core: Core,
  request: { readonly principal: Principal; readonly amount: Amount; readonly source: string },
): Promise<GatewayFunding & { readonly clientSecret: string | null }> {
  const { id: gatewayId, walletId } = await self(core.db, request.principal);
  const { amount, source } = request;
  checkAmount(amount, 'amount');
  if (source !== 'stripe')
    throw new AgentPayError('funding_source_unknown', 'The source is stripe; x402 has a path of its own.', {
      param: 'source',
    });
  const { cards } = core.ports;
  if (!cards && !core.settings.wallets.sandbox)
    throw new AgentPayError('settlement_not_configured', 'Cards are not configured.', { param: 'source' });
  cards?.accepts(amount);
  const funding: GatewayFunding = {
    id: newId('funding', core),
    gatewayId,
    walletId,
    amount,
    source,
    status: 'processing',
    reference: null,
    failure: null,
    createdAt: new Date(core.clock.now()),
    endedAt: null,
  };
  await core.db.tx(async (tx) => {
    await store.fundings.insert(tx, funding);
    await announce(core, tx, funding, 'request');
  });
  return collect(core, funding);
}

/** A funding of the calling gateway. @throws AgentPayError `funding_not_found` */
export async function getFunding(
  core: Core,
  { principal, fundingId }: { readonly principal: Principal; readonly fundingId: string },
): Promise<GatewayFunding> {
  const gatewayId = requireParty(principal, 'gateway');
  const id = isId('funding', fundingId) ? fundingId : undefined;
  const funding = id && (await store.fundings.find(core.db, { id, gatewayId }));
  if (!funding) throw new AgentPayError('funding_not_found', 'You have no funding with this id.');
  return funding;
}

/** Asks the card processor for the money of fundings that it may not know of. */
export async function collectDue(core: Core, { limit }: { limit: number }): Promise<JobReport> {
  if (!core.ports.cards) return { done: {}, failures: [] };
  const open = await store.listUnasked(core.db, new Date(core.clock.now() - ASK_AGAIN_MS), limit);
  const { done, failures } = await attemptAll(open, (funding) => collect(core, funding));
  return { done: { asked: done }, failures };
}

const ASK_AGAIN_MS = 60_000;

async function collect(
  core: Core,
  funding: GatewayFunding,
): Promise<GatewayFunding & { readonly clientSecret: string | null }> {
  const answer: CollectionOutcome = (await core.ports.cards?.collect(funding)) ?? { status: 'unknown' };
  if (answer.status === 'unknown') return { ...funding, clientSecret: null };
  if (answer.status === 'refused')
    return {
      ...(await conclude(core, { fundingId: funding.id, news: 'fail', failure: answer.reason })),
      clientSecret: null,
    };
  const { reference, clientSecret } = answer;
  const [kept] = await store.fundings.update(core.db, { id: funding.id }, { reference });
  return { ...(kept as GatewayFunding), clientSecret };
}

/** What a signed event of the card processor says of a funding. */
export interface CardNews {
  /** `evt_...` of the processor: the same event is heard once. */
  readonly eventId: string;
  readonly type: string;
  /** Our id, or what the processor calls the payment. */
  readonly fundingId: string | undefined;
  readonly reference: string | undefined;
  readonly news: 'succeed' | 'fail' | undefined;
  /** What was charged; undefined where the event does not say. */
  readonly amount: Amount | undefined;
  readonly failure: string | undefined;
}

/**
 * Hears an event of the card processor: in any order and however often it comes, a funding is credited once, and never failed once it
 * was credited. Gives what became of the funding; undefined when the event is about none, or was heard before.
 */
export function hear(core: Core, said: CardNews): Promise<GatewayFunding | undefined> {
  const { eventId, type, news, amount, failure } = said;
  return core.db.tx(async (tx) => {
    const found = await store.findTold(tx, said);
    const heard = {
      id: eventId,
      type,
      fundingId: found?.id ?? null,
      receivedAt: new Date(core.clock.now()),
    };
    if (!(await store.cardEvents.insertNew(tx, heard))) return undefined;
    if (!found || !news) return undefined;
    // Another amount than was asked for is for people to look at, not for the books.
    if (news === 'succeed' && amount !== undefined && amount !== found.amount) return undefined;
    return concludeIn(core, tx, { fundingId: found.id, news, failure });
  });
}

type Conclusion = {
  readonly fundingId: string;
  readonly news: 'succeed' | 'fail';
  readonly failure?: string | undefined;
};

function conclude(core: Core, conclusion: Conclusion): Promise<GatewayFunding> {
  return core.db.tx((tx) => concludeIn(core, tx, conclusion));
}

async function concludeIn(
  core: Core,
  tx: Tx,
  { fundingId, news, failure }: Conclusion,
): Promise<GatewayFunding> {
  const funding = (await store.fundings.lock(tx, { id: fundingId })) as GatewayFunding;
  const status = stepOf(funding.status, news);
  if (!status) return funding;
  const { id, gatewayId, walletId, amount } = funding;
  if (news === 'succeed') {
    if (funding.status === 'failed') await announce(core, tx, funding, 'again');
    const postings = movements.gatewayFundingCharged({ gatewayId, walletId, asset, amount });
    await post(core, tx, { key: journalKey(id, 'charged'), kind: 'funding.charged', postings });
  } else {
    const postings = movements.gatewayFundingFailed({ gatewayId, asset, amount });
    await post(core, tx, { key: journalKey(id, 'failed'), kind: 'funding.failed', postings });
  }
  const endedAt = new Date(core.clock.now());
  const why = news === 'fail' ? (failure ?? 'card_declined') : null;
  const [ended] = await store.fundings.update(tx, { id }, { status, failure: why, endedAt });
  const type = news === 'succeed' ? fundingSettled : fundingFailed;
  await tellFunding(core, tx, type, ended as GatewayFunding);
  return ended as GatewayFunding;
}

/** The money is on its way: pending, owed by the card processor. */
function announce(core: Core, tx: Tx, { id, gatewayId, amount }: GatewayFunding, step: 'request' | 'again') {
  const postings = movements.gatewayFundingRequested({ gatewayId, asset, amount });
  return post(core, tx, { key: journalKey(id, step), kind: `funding.${step}`, postings });
}
