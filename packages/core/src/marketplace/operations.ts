import { AgentPayError, isId, MAX_AMOUNT, newId, numberBounds } from '@agentpay/primitives';
import type { Amount, Queryable, Tx } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { page } from '../Page.js';
import { checkCurrency, checkOptionalText, checkText } from '../text.js';
import { ofCurrency } from '../wallets/index.js';
import { endpointOf, FIRST_TRUST, resourceOf, slugOf } from './Service.js';
import type { Service, ServicePage } from './Service.js';
import * as store from './ServiceStore.js';

export interface Registration {
  readonly principal: Principal;
  readonly name: string;
  readonly description?: string | undefined;
  /** Micro-units. */
  readonly pricePerCall: Amount;
  /** USD when absent. */
  readonly currency?: string | undefined;
  readonly category?: string | undefined;
  readonly endpointUrl?: string | undefined;
  readonly sla?: { readonly maxCompletionSeconds: number } | undefined;
}

/**
 * Offers a service; the caller becomes its provider and is paid into its first wallet of that currency.
 * @throws AgentPayError `invalid_request`, `invalid_amount`, `service_name_taken` (the name, or another one with the same slug),
 * `currency_mismatch` (the provider has no wallet of that currency)
 */
export async function register(core: Core, request: Registration): Promise<Service> {
  const providerId = requireParty(request.principal, 'agent');
  const details = checked(request);
  const wallet = await ofCurrency(core.db, { ownerId: providerId, currency: details.currency });
  if (!wallet)
    throw new AgentPayError(
      'currency_mismatch',
      `You have no wallet of ${details.currency} to be paid into.`,
    );
  const { endpoint, ...fields } = details;
  const service: Service = {
    id: newId('service', core),
    providerId,
    payoutWalletId: wallet.id,
    ...fields,
    endpointUrl: endpoint?.href ?? null,
    trustScore: FIRST_TRUST,
    verified: false,
    status: 'active',
    createdAt: new Date(core.clock.now()),
  };
  if (!(await store.insertService(core.db, service, endpoint && resourceOf(endpoint)))) {
    throw new AgentPayError('service_name_taken', 'Another service has this name.', { param: 'name' });
  }
  core.serviceLists.clear();
  return service;
}

/**
 * One page of the active services, best trusted first. May be five seconds old; own registrations show at once.
 * @throws AgentPayError `invalid_request` for a page outside the limits
 */
export async function list(
  core: Core,
  request: {
    category?: string | undefined;
    verified?: boolean | undefined;
    limit?: number | undefined;
    offset?: number | undefined;
  },
): Promise<ServicePage> {
  const wanted = page(request);
  const filter = {
    category: checkOptionalText('category', request.category) ?? undefined,
    verified: request.verified,
  };
  return core.serviceLists.get(JSON.stringify({ ...filter, ...wanted }), async () => ({
    services: await store.selectServices(core.db, filter, wanted),
    total: await store.countServices(core.db, filter),
  }));
}

/** @throws AgentPayError `service_not_found` */
export function get(core: Core, { serviceId }: { serviceId: string }): Promise<Service> {
  return find(core.db, { serviceId });
}

/** {@link get} inside a transaction. */
export async function find(db: Queryable, { serviceId }: { serviceId: string }): Promise<Service> {
  const service = isId('service', serviceId) ? await store.findService(db, serviceId) : undefined;
  if (!service) throw new AgentPayError('service_not_found', 'There is no service with this id.');
  return service;
}

/**
 * The active service registered for an address, whatever its query; undefined when there is none. Of several, a verified one
 * goes first, then the one registered first.
 * @throws AgentPayError `invalid_request` for anything but an http(s) URL
 */
export async function findByEndpoint(core: Core, { url }: { url: string }): Promise<Service | undefined> {
  return store.findByResource(core.db, resourceOf(endpointOf(url)));
}

/**
 * Says whether the operator of the platform vouches for a service's provider.
 * @throws AgentPayError `forbidden` unless an admin asks, `service_not_found`
 */
export async function setVerified(
  core: Core,
  { principal, serviceId, verified }: { principal: Principal; serviceId: string; verified: boolean },
): Promise<Service> {
  requireParty(principal, 'platform');
  await find(core.db, { serviceId });
  const service = await store.updateVerified(core.db, serviceId, verified);
  if (!service) throw new AgentPayError('service_not_found', 'There is no service with this id.');
  core.serviceLists.clear();
  return service;
}

/** Adds points to (or takes them from) a service's trust, within 0..100. */
export function adjustTrust(
  tx: Tx,
  { serviceId, points }: { serviceId: string; points: number },
): Promise<void> {
  return store.addTrust(tx, serviceId, points);
}

function checked(request: Registration) {
  const { pricePerCall, sla } = request;
  if (pricePerCall <= 0n || pricePerCall > MAX_AMOUNT) {
    throw new AgentPayError('invalid_amount', 'The price must be above zero and within the limit.', {
      param: 'pricePerCall',
    });
  }
  const slaSeconds = sla?.maxCompletionSeconds ?? null;
  if (
    slaSeconds !== null &&
    (!Number.isInteger(slaSeconds) || slaSeconds < 1 || slaSeconds > numberBounds.slaSeconds)
  ) {
    const message = `The SLA window is not a whole number of seconds from 1 to ${numberBounds.slaSeconds}.`;
    throw new AgentPayError('invalid_request', message, { param: 'sla.maxCompletionSeconds' });
  }
  return {
    name: checkText('name', request.name),
    slug: slugOf(request.name),
    description: checkOptionalText('description', request.description),
    price: pricePerCall,
    currency: checkCurrency(request.currency ?? 'USD'),
    category: checkOptionalText('category', request.category),
    endpoint: request.endpointUrl === undefined ? null : endpointOf(request.endpointUrl),
    slaSeconds,
  };
}
