import { AgentPayError, isAgentPayError } from '@agentpay/primitives';
import type { IncomingResponse } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import type { JobReport } from '../Job.js';
import { isNamed, nextLook, readOffer, VERIFICATION_PATH, verificationText } from './Endpoint.js';
import type { EndpointResponse } from './Endpoint.js';
import { find } from './operations.js';
import type { Service } from './Service.js';
import * as store from './ServiceStore.js';

const LIMITS = { timeoutMs: 5_000, maxBytes: 262_144, maxRedirects: 0 } as const;
const BATCH = 40;
const AT_ONCE = 8;

/** How a provider shows that the address of a service is its own, and what came of the last look. */
export interface EndpointState {
  readonly service: Service;
  /** Where to serve `text`, on a line of its own. */
  readonly verification: { readonly url: string; readonly text: string };
}

/**
 * Looks at the address of a service of the caller now. It is proven when its host serves the verification text, or when its own 402
 * offers tokens of this service. The price that it asks is noted beside the listed one.
 * @throws AgentPayError `service_not_found` (also somebody else's), `invalid_request` when the service has no address
 */
export async function checkEndpoint(
  core: Core,
  { principal, serviceId }: { principal: Principal; serviceId: string },
): Promise<EndpointState> {
  const partyId = requireParty(principal, 'agent');
  const service = await find(core.db, { serviceId });
  if (service.providerId !== partyId)
    throw new AgentPayError('service_not_found', 'There is no service with this id.');
  if (service.endpointUrl === null)
    throw new AgentPayError('invalid_request', 'The service has no address.', { param: 'endpointUrl' });
  const text = verificationText(service.id, core.settings.identity.pepper);
  const url = new URL(VERIFICATION_PATH, service.endpointUrl).href;
  return { service: await look(core, service), verification: { url, text } };
}

/** Looks at the addresses that are due, longest waiting first. */
export async function checkDueEndpoints(core: Core): Promise<JobReport> {
  const due = await store.listDue(core.db, new Date(core.clock.now()), BATCH);
  const failures: { subject: string; error: unknown }[] = [];
  const done = { proven: 0, lost: 0 };
  const one = async (service: Service) => {
    const after = await look(core, service);
    if (!service.endpointProvenAt && after.endpointProvenAt) done.proven++;
    if (service.endpointProvenAt && !after.endpointProvenAt) done.lost++;
  };
  const waiting = [...due];
  const worker = async (): Promise<void> => {
    for (let service = waiting.shift(); service; service = waiting.shift()) {
      const { id } = service;
      await one(service).catch((error: unknown) => failures.push({ subject: id, error }));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { done, failures };
}

async function look(core: Core, service: Service): Promise<Service> {
  const { sells, price } = await ask(core, service);
  const nowMs = core.clock.now();
  // An address that could not be asked is what it was.
  const provenAt = sells === undefined ? service.endpointProvenAt : provenSince(service, sells, nowMs);
  const [changed] = await store.services.update(
    core.db,
    { id: service.id, endpointUrl: service.endpointUrl },
    {
      endpointProvenAt: provenAt,
      endpointPrice: price ?? (sells === undefined ? service.endpointPrice : null),
      endpointDueAt: nextLook(service.createdAt, provenAt !== null, nowMs),
    },
  );
  return changed ?? service;
}

function provenSince(service: Service, sells: boolean, nowMs: number): Date | null {
  return sells ? (service.endpointProvenAt ?? new Date(nowMs)) : null;
}

async function ask(core: Core, service: Service): Promise<EndpointResponse> {
  const address = service.endpointUrl as string;
  const [file, page] = await Promise.all([
    fetched(core, new URL(VERIFICATION_PATH, address).href),
    fetched(core, address),
  ]);
  const offer = page?.status === 402 ? readOffer(textsOf(page), service.id) : undefined;
  const text = verificationText(service.id, core.settings.identity.pepper);
  const named = file?.status === 200 && isNamed(bodyOf(file), text);
  if (named || offer?.named) return { sells: true, price: offer?.price };
  return { sells: file && page ? false : undefined, price: offer?.price };
}

/** The response, unless none came or the server says that it cannot answer now. */
async function fetched(core: Core, url: string): Promise<IncomingResponse | undefined> {
  const { assertAllowed, fetchOut } = core.ports.endpoints;
  try {
    assertAllowed(url);
    const response = await fetchOut(url, LIMITS);
    return response.status >= 500 || response.status === 429 ? undefined : response;
  } catch (error) {
    if (isAgentPayError(error) || (error as Error).name === 'OutboundError') return undefined;
    throw error;
  }
}

/** The body of a 402 and the offers in its headers (x402 version 2 sends them in base64). */
function textsOf(page: IncomingResponse): string[] {
  const header = page.headers['payment-required'];
  return [bodyOf(page), ...(header === undefined ? [] : [Buffer.from(header, 'base64').toString()])];
}

function bodyOf({ body }: IncomingResponse): string {
  return Buffer.from(body).toString();
}
