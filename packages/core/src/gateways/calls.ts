import { AgentPayError, isId, newId } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import type { Scene, Want } from '../batch/index.js';
import { contractSeconds, listingRows, methodFor, readListing } from '../catalog/index.js';
import type { AgentListing } from '../catalog/index.js';
import type { Core } from '../Core.js';
import { developerRows } from '../developers/index.js';
import type { Developer } from '../developers/index.js';
import { digestOf } from '../idempotency/index.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { ifGiven } from '../table.js';
import { reserveIn, wantsOf } from '../spending/index.js';
import type { GatewayCall } from './Call.js';
import { GATEWAY_CURRENCY } from './Gateway.js';
import type { Gateway, Quota } from './Gateway.js';
import * as store from './GatewayStore.js';
import { self } from './operations.js';

/** A call as its gateway asks for it. */
export interface CallRequest {
  readonly principal: Principal;
  readonly listingId: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** Where the input names none and the listing has several. */
  readonly method?: string | undefined;
  /** Most that it may cost. */
  readonly maxPrice?: Amount | undefined;
  /** The same key and call again give the first one, and cost nothing more. */
  readonly idempotencyKey?: string | undefined;
}

interface Checked extends CallRequest {
  readonly gateway: Gateway;
  readonly digest: string;
  /** Of the contract of the gateway's organization. */
  readonly contract: number | undefined;
}

/**
 * Queues a call: its price is reserved of the gateway's money and of its quota for the listing, all in one step, so that of many at
 * once none goes beyond either.
 * @throws AgentPayError `listing_not_found`, `listing_not_callable`, `invalid_request`, `price_above_limit`, `quota_exceeded`,
 * `policy_denied`, `insufficient_funds`, `conflict` (the idempotency key was used for another call)
 */
export async function queue(core: Core, request: CallRequest): Promise<GatewayCall> {
  const { principal, listingId, input, method, maxPrice } = request;
  const gateway = await self(core.db, principal);
  const contract = await contractSeconds(core.db, { listingId, orgId: gateway.orgId });
  const digest = digestOf({ listingId, input, method, maxPrice });
  const checked: Checked = { ...request, gateway, contract, digest };
  return core.batch.run({
    wants: wants(checked),
    lane: gateway.walletId,
    decide: (scene) => decide(core, scene, checked),
  });
}

function wants({ gateway, listingId, idempotencyKey }: Checked): Want[] {
  const { id, walletId } = gateway;
  return [
    ...wantsOf({ payer: id, walletId, asset: GATEWAY_CURRENCY }),
    [listingRows, [listingId]],
    [store.quotas, [id, listingId]],
    ...(idempotencyKey === undefined ? [] : [[store.callKeys, [id, idempotencyKey]] as const]),
  ];
}

function decide(core: Core, scene: Scene, request: Checked): GatewayCall {
  const { gateway, idempotencyKey, digest } = request;
  if (idempotencyKey !== undefined) {
    const first = scene.find(store.callKeys, gateway.id, idempotencyKey);
    if (first?.digest === digest) return first;
    if (first) throw reused();
  }
  const { listing, developer } = callable(scene, request.listingId);
  const { name, price } = methodFor(listing, request);
  if (request.maxPrice !== undefined && price > request.maxPrice)
    throw new AgentPayError('price_above_limit', 'The method costs more than that.', { details: { price } });
  const quota = take(scene, { gatewayId: gateway.id, listingId: listing.id, price });
  const hold = reserveIn(core, scene, {
    payer: gateway.id,
    walletId: gateway.walletId,
    amount: price,
    asset: GATEWAY_CURRENCY,
    payee: payeeNames({
      developerId: developer.id,
      payoutWalletId: developer.walletId,
      listingId: listing.id,
    }),
    rail: 'gateway',
    purpose: 'call',
  });
  const call: GatewayCall = {
    id: newId('call', core),
    gatewayId: gateway.id,
    walletId: gateway.walletId,
    listingId: listing.id,
    developerId: developer.id,
    payoutWalletId: developer.walletId,
    provisionId: quota.provisionId,
    method: name,
    price,
    holdId: hold.id,
    status: 'queued',
    input: request.input,
    output: null,
    failure: null,
    windowSeconds: windowOf(core, listing, request.contract),
    idempotencyKey: idempotencyKey ?? null,
    digest: idempotencyKey === undefined ? null : digest,
    queuedAt: new Date(core.clock.now()),
    startedAt: null,
    deadline: null,
    endedAt: null,
  };
  if (idempotencyKey === undefined) scene.insert(store.callRows, call);
  else scene.insert(store.callKeys, call);
  return call;
}

/** By what names an allow list or a rule knows who is paid for a call. */
export function payeeNames(of: Pick<GatewayCall, 'developerId' | 'payoutWalletId' | 'listingId'>): string[] {
  return [of.developerId, of.payoutWalletId, of.listingId];
}

/** A contract can shorten what a call of the listing may take, not lengthen it. */
function windowOf(core: Core, { sla }: AgentListing, contract: number | undefined): number {
  const seconds = sla?.maxCompletionSeconds ?? core.settings.gateways.callSeconds;
  return contract === undefined ? seconds : Math.min(seconds, contract);
}

function callable(scene: Scene, listingId: string): { listing: AgentListing; developer: Developer } {
  const kept = isId('listing', listingId) ? scene.find(listingRows, listingId) : undefined;
  if (!kept)
    throw new AgentPayError('listing_not_found', 'There is no agent with this id.', { param: 'listingId' });
  const listing = readListing(kept);
  const developer = scene.find(developerRows, listing.developerId) as Developer;
  if (listing.status !== 'active') throw notCallable(`The agent is ${listing.status}.`, listing.status);
  if (developer.status !== 'active')
    throw notCallable('The developer of the agent is suspended.', 'developer_suspended');
  if (listing.endpointUrl === null && listing.serviceId === null)
    throw notCallable('The agent has no address.', 'no_endpoint');
  if (listing.methods.length === 0) throw notCallable('The agent has no price.', 'not_priced');
  return { listing, developer };
}

/** Takes the price of the quota. @throws AgentPayError `quota_exceeded` */
function take(
  scene: Scene,
  { gatewayId, listingId, price }: { gatewayId: string; listingId: string; price: Amount },
): Quota {
  const quota = scene.find(store.quotas, gatewayId, listingId);
  const { quota: limit, used } = quota ?? { quota: 0n, used: 0n };
  if (quota && used + price <= limit) return scene.update(store.quotas, quota, { used: used + price });
  throw new AgentPayError(
    'quota_exceeded',
    quota ? 'The price is above what is left of the quota.' : 'The agent is not provisioned.',
    {
      reason: quota ? 'quota_exceeded' : 'not_provisioned',
      details: { limit, spent: used, remaining: limit - used },
    },
  );
}

/** A call of the calling gateway. @throws AgentPayError `call_not_found` */
export async function getCall(
  core: Core,
  { principal, callId }: { readonly principal: Principal; readonly callId: string },
): Promise<GatewayCall> {
  const gatewayId = requireParty(principal, 'gateway');
  const call = isId('call', callId) ? await store.calls.find(core.db, { id: callId, gatewayId }) : undefined;
  if (!call) throw new AgentPayError('call_not_found', 'You have made no call with this id.');
  return call;
}

/** Calls of the calling gateway, newest first. */
export async function listCalls(
  core: Core,
  request: {
    readonly principal: Principal;
    readonly status?: GatewayCall['status'] | undefined;
  } & PageRequest,
): Promise<{ calls: GatewayCall[] } & Counted> {
  const gatewayId = requireParty(request.principal, 'gateway');
  const { status = null } = request;
  const { rows, ...counted } = await store.calls.page(core.db, {
    where: `gateway_id = $1 and ${ifGiven(status, 'status = $2')}`,
    params: [gatewayId, status],
    order: { by: ['queuedAt', 'id'], descending: true },
    ...page(request),
  });
  return { calls: rows, ...counted };
}

function notCallable(message: string, reason: string): AgentPayError {
  return new AgentPayError('listing_not_callable', message, { reason });
}

function reused(): AgentPayError {
  return new AgentPayError('conflict', 'The idempotency key was used for another call.', {
    reason: 'idempotency_key_reused',
    param: 'idempotencyKey',
  });
}
