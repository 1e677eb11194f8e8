import { web } from '@agentpay/api';
import {
  agents,
  agreements,
  billing,
  catalog,
  disputes,
  events,
  gateways,
  ledger,
  marketplace,
  orgs,
  payments,
  payouts,
  requests,
  tokens,
  webhooks,
  type Core,
  type Principal,
} from '@agentpay/core';
import { AgentPayError, isId, type IdKind } from '@agentpay/primitives';
import { implement } from '../../http/implement.js';
import { showPostings } from '../showPostings.js';
import { showRequest } from './requests.js';

const MOST_REQUESTS = 50;
const MOST_TOLD = 200;

export const handlers = implement(web.nouns.traces, ({ core, requestLog }) => ({
  async get({ principal, params: { object_id: objectId }, query: { agent_id: agentId } }) {
    const viewer = agentId === undefined ? principal : await agents.actFor(core.db, { principal, agentId });
    const journals = await see(core, viewer, objectId);
    await requestLog.written();
    const partyIds = await agents.partiesOf(core.db, principal);
    const [asked, told] = await Promise.all([
      requests.about(core.db, { partyIds, objectId, limit: MOST_REQUESTS }),
      events.latest(core.db, { subject: objectId, partyIds, limit: MOST_TOLD }),
    ]);
    const sent = await webhooks.deliveriesOf(core.db, { events: told, partyIds, limit: MOST_TOLD });
    return {
      object_id: objectId,
      request: asked.maker && showRequest(asked.maker),
      requests: asked.requests.map(showRequest),
      events: told.map(({ id, type, createdAt }) => ({ id, type, created_at: createdAt })),
      deliveries: sent.map(showDelivery),
      ledger: journals.map(showJournal),
    };
  },
}));

/** Reads an object as the caller may see it, and gives the keys of its entries in the books. */
type See = (core: Core, principal: Principal, id: string) => Promise<readonly string[]>;

const none: readonly string[] = [];

const seen: Partial<Record<IdKind, See>> = {
  token: async (core, principal, tokenId) =>
    ledger.keysOfHold((await tokens.get(core, { principal, tokenId })).holdId),
  dispute: seeDispute,
  invoice_dispute: seeDispute,
  payout: async (core, principal, payoutId) =>
    payouts.journalKeys(await payouts.get(core, { principal, payoutId })),
  // Anybody may see what is offered.
  service: (core, _, serviceId) => marketplace.get(core, { serviceId }).then(() => none),
  agreement: async (core, principal, agreementId) =>
    agreements.journalKeys(await agreements.get(core, { principal, agreementId })),
  agent: (core, principal, agentId) => agents.overseen(core.db, { principal, agentId }).then(() => none),
  call: async (core, principal, callId) =>
    ledger.keysOfHold((await gateways.getCall(core, { principal, callId })).holdId),
  funding: async (core, principal, fundingId) => {
    const { id } = await gateways.getFunding(core, { principal, fundingId });
    return gateways.fundingKeys({ id });
  },
  invoice: async (core, principal, invoiceId) =>
    billing.journalKeys(await billing.get(core, { principal, invoiceId })),
  receipt: async (core, principal, receiptId) => {
    const { invoiceId } = await billing.getReceipt(core, { principal, receiptId });
    return invoiceId === null ? none : billing.journalKeys({ id: invoiceId });
  },
  org: (core, principal, orgId) => orgs.get(core, { principal, orgId }).then(() => none),
  listing: async (core, { party }, listingId) => {
    const { developerId, visibility } = await catalog.get(core.db, { listingId });
    if (visibility === 'public' || developerId === party.id || party.kind === 'platform') return none;
    throw new AgentPayError('listing_not_found', 'You have no listing with this id.');
  },
};

/** @throws AgentPayError `*_not_found` when the caller does not see such an object */
async function see(core: Core, principal: Principal, id: string): Promise<readonly ledger.Journal[]> {
  if (isId('transaction', id)) return (await payments.trace(core, { principal, paymentId: id })).journals;
  const kind = (Object.keys(seen) as IdKind[]).find((each) => isId(each, id)) as IdKind;
  const keys = await (seen[kind] as See)(core, principal, id);
  return keys.length === 0 ? [] : ledger.journalsOf(core.db, { keys });
}

async function seeDispute(core: Core, principal: Principal, disputeId: string): Promise<readonly string[]> {
  await disputes.get(core, { principal, disputeId });
  return none;
}

function showDelivery(delivery: Awaited<ReturnType<typeof webhooks.deliveriesOf>>[number]) {
  return {
    id: delivery.id,
    event_id: delivery.eventId,
    type: delivery.type,
    webhook_id: delivery.webhookId,
    url: delivery.url,
    status: delivery.state,
    attempts: delivery.attempts,
    response_status: delivery.lastStatus,
    created_at: delivery.createdAt,
  };
}

function showJournal({ id, kind, createdAt, postings }: ledger.Journal) {
  return {
    id,
    kind,
    created_at: createdAt,
    postings: showPostings(postings),
  };
}
