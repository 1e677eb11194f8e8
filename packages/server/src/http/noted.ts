import { renderError, statusOf, type Endpoint } from '@agentpay/api';
import type { Core, Principal, requests } from '@agentpay/core';
import { idTime, isId, newId, type IdKind } from '@agentpay/primitives';
import { asAgentPayError } from './errors.js';
import type { EndpointRoute } from './implement.js';
import type { RequestLog } from './requestLog.js';

/** Ids of one response that are kept. */
const MOST_MADE = 16;
/** How deep in a response ids are looked for. */
const DEPTH = 3;
/** How far the time of an id may lie before the request that made it: the clock of a database is corrected now and then. */
const CORRECTED_MS = 1_000;

/** A request as it came. */
export interface Came {
  readonly principal: Principal | undefined;
  readonly requestId: string;
  /** Whether the caller gave that id. */
  readonly named: boolean;
  /** Parameters of the path. */
  readonly params: Readonly<Record<string, unknown>>;
  /** All that it says; asked once it was carried out. */
  readonly said: () => object;
}

export interface KeepingOptions extends Pick<Core, 'clock' | 'random'> {
  readonly note: RequestLog['note'];
}

/**
 * Carries a request out and notes it for who sent it: what changes something, and what is refused. What made somebody without a
 * credential is kept for whom it made. Of what sellers ask for every sale only what makes something or fails is kept.
 */
export async function noted(
  { endpoint, family }: Pick<EndpointRoute, 'endpoint' | 'family'>,
  came: Came,
  options: KeepingOptions,
  work: () => Promise<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  if (readsOnly(endpoint)) return work();
  const at = options.clock.now();
  try {
    const wire = await work();
    const [named, said] = [idsIn(came.params), idsIn(came.said())];
    const isNew = (id: string) => (idTime(id) as number) >= at - CORRECTED_MS && !said.includes(id);
    const made = idsIn(wire).filter((id) => !named.includes(id) && isNew(id));
    const status = endpoint.also?.when(wire) ? endpoint.also.status : statusOf(endpoint, wire);
    if (endpoint.rate !== 'lifecycle' || made.length > 0)
      note(endpoint, came, { at, status, error: null, made, named }, options);
    return wire;
  } catch (error) {
    const { status, body } = renderError(family, asAgentPayError(error), came.requestId);
    const answered = { at, status, error: body.error.code, made: [], named: idsIn(came.params) };
    note(endpoint, came, answered, options);
    throw error;
  }
}

function readsOnly({ method, tool }: Endpoint): boolean {
  return method === 'GET' || tool?.readOnly === true;
}

function note(
  { id: endpoint, method, path }: Endpoint,
  { principal, requestId, named: isNamed, params }: Omit<Came, 'said'>,
  answered: Pick<requests.LoggedRequest, 'status' | 'error' | 'made' | 'named'> & { readonly at: number },
  options: KeepingOptions,
): void {
  const { at, made } = answered;
  const partyId = principal?.party.id ?? made.find((id) => tenants.some((kind) => isId(kind, id)));
  if (partyId === undefined) return;
  options.note({
    ...answered,
    id: isNamed ? newId('request', options) : requestId,
    requestId,
    at: new Date(at),
    partyId,
    credentialId: principal?.credentialId ?? null,
    method,
    path: path.replaceAll(/\{(\w+)\}/g, (place, name: string) => idOr(place, params[name])),
    endpoint,
    durationMs: Math.max(0, options.clock.now() - at),
  });
}

const tenants: readonly IdKind[] = ['agent', 'developer', 'gateway', 'org', 'user'];

/** The value when it is an id; anything else could be a secret. */
function idOr(place: string, value: unknown): string {
  return typeof value === 'string' && idTime(value) !== undefined ? value : place;
}

/** Ids in a record, each once, in their order. */
function idsIn(record: object): string[] {
  const found = new Set<string>();
  gather(record, found, DEPTH);
  return [...found];
}

function gather(value: unknown, found: Set<string>, depth: number): void {
  if (found.size >= MOST_MADE) return;
  if (typeof value === 'string') {
    if (idTime(value) !== undefined) found.add(value);
  } else if (typeof value === 'object' && value !== null && depth > 0) {
    for (const member of Object.values(value)) gather(member, found, depth - 1);
  }
}
