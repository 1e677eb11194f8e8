import { AgentPayError, isId, newId, numberBounds } from '@agentpay/primitives';
import type { Amount, Queryable } from '@agentpay/primitives';
import { checkAmount } from '../amount.js';
import { record } from '../audit/index.js';
import type { Core } from '../Core.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { page } from '../Page.js';
import type { PageRequest } from '../Page.js';
import { checkCurrency, checkOptionalText, checkText } from '../text.js';
import { ofCurrency } from '../wallets/index.js';
import { nameKeyOf, slugOf } from './Name.js';
import { endpointOf, FIRST_TRUST, resourceOf } from './Service.js';
import type { Service, ServicePage } from './Service.js';
import * as store from './ServiceStore.js';
import { withTrust } from './trust.js';

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
 * @throws AgentPayError `invalid_request`, `invalid_amount`, `service_name_taken` (a name that looks the same, or one with the same slug),
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
  const now = new Date(core.clock.now());
  if (endpoint) core.ports.endpoints.assertAllowed(endpoint.href);
  const service: Service = {
    id: newId('service', core),
    providerId,
    payoutWalletId: wallet.id,
    ...fields,
    endpointUrl: endpoint?.href ?? null,
    resource: endpoint && resourceOf(endpoint),
    endpointProvenAt: null,
    endpointPrice: null,
    endpointDueAt: endpoint && now,
    trustScore: FIRST_TRUST,
    verified: false,
    status: 'active',
    createdAt: now,
  };
  if (!(await store.services.insertNew(core.db, service))) {
    const message = `Another service has this name, or one that gives the same slug: ${service.slug}.`;
    throw new AgentPayError('service_name_taken', message, { param: 'name' });
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
  request: { category?: string | undefined; verified?: boolean | undefined } & PageRequest,
): Promise<ServicePage> {
  const wanted = page(request);
  const filter = {
    category: checkOptionalText('category', request.category) ?? undefined,
    verified: request.verified,
  };
  return core.serviceLists.get(JSON.stringify({ ...filter, ...wanted }), async () => {
    const { rows, ...rest } = await store.listServices(core.db, filter, wanted);
    return { services: rows, ...rest, total: await store.countServices(core.db, filter) };
  });
}

/** A service with the trust it has by now. @throws AgentPayError `service_not_found` */
export async function get(core: Core, { serviceId }: { serviceId: string }): Promise<Service> {
  return withTrust(core.db, await find(core.db, { serviceId }));
}

/** {@link get} inside a transaction; its trust may be a minute old. */
export async function find(db: Queryable, { serviceId }: { serviceId: string }): Promise<Service> {
  const service = isId('service', serviceId) ? await store.services.find(db, { id: serviceId }) : undefined;
  if (!service) throw new AgentPayError('service_not_found', 'There is no service with this id.');
  return service;
}

/**
 * The active service registered for an address, whatever its query; undefined when there is none whose address has said that it
 * sells it. Of several, a verified one goes first, then the one registered first. Settings may let others be offered where there is
 * none (`offerUnproven`).
 * @throws AgentPayError `invalid_request` for anything but an http(s) URL
 */
export async function findByEndpoint(core: Core, { url }: { url: string }): Promise<Service | undefined> {
  const { offerUnproven } = core.settings.marketplace;
  return store.findByResource(core.db, resourceOf(endpointOf(url)), { proven: !offerUnproven });
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
  const { verified: before, providerId } = await find(core.db, { serviceId });
  const changed = await core.db.tx(async (tx) => {
    const [service] = await store.services.update(tx, { id: serviceId }, { verified });
    if (!service) throw new AgentPayError('service_not_found', 'There is no service with this id.');
    await record(core, tx, {
      principal,
      act: 'provider.verify',
      subject: serviceId,
      tenants: [providerId],
      before: { verified: before },
      after: { verified },
    });
    return service;
  });
  core.serviceLists.clear();
  return changed;
}

function checked(request: Registration) {
  const { pricePerCall, sla } = request;
  checkAmount(pricePerCall, 'pricePerCall', 'The price');
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
    nameKey: nameKeyOf(request.name),
    description: checkOptionalText('description', request.description),
    price: pricePerCall,
    currency: checkCurrency(request.currency ?? 'USD'),
    category: checkOptionalText('category', request.category),
    endpoint: request.endpointUrl === undefined ? null : endpointOf(request.endpointUrl),
    slaSeconds,
  };
}
