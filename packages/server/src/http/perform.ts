import { encodeResponse, errorsOf, type Endpoint, type RequestOf } from '@agentpay/api';
import { explorer, type audit, type Core, type idempotency, type Principal } from '@agentpay/core';
import type { Logger } from '@agentpay/http';
import { AgentPayError, inTime, isAgentPayError, type Clock } from '@agentpay/primitives';
import type { ServerTracing } from '../operations/traced.js';
import { actOf } from './actOf.js';
import type { Cookies } from './cookies.js';
import type { EndpointCall, EndpointRoute } from './implement.js';

export interface PerformOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Carries a request out once per key: `idempotency.once` of the core. */
  readonly once: (
    request: idempotency.RepeatableRequest,
    work: (core: Core) => Promise<idempotency.StoredResponse>,
  ) => Promise<idempotency.StoredResponse>;
  /** Carries an act of the operator out together with its entry in the audit log: `audit.recorded` of the core. */
  readonly audited: <T>(
    core: Core | undefined,
    describe: (result: T) => audit.AuditedAct,
    work: (core: Core) => Promise<T>,
  ) => Promise<T>;
  /** Writes a refusal by a policy of an organization into its log: `orgs.noteRefusal` of the core. */
  readonly noteRefusal: (principal: Principal, error: unknown) => Promise<void>;
  /** Waits for proofs of what the caller has bought; undefined when there are none. */
  readonly proved: (principal: Principal) => Promise<void> | undefined;
  /** How long a handler may take before the caller is told that the outcome is unknown. */
  readonly handlerTimeoutMs: number;
  readonly traced: Pick<ServerTracing, 'endpoint' | 'operation'>;
}

/** A request that was admitted and decoded, however it came. */
interface Asked {
  readonly decoded: RequestOf<Endpoint>;
  readonly principal: Principal | undefined;
  /** The header `Idempotency-Key`. */
  readonly idempotencyKey: string | undefined;
  readonly cookies: Cookies;
}

/**
 * Carries out a call of an endpoint and gives its success on the wire. A call with an idempotency key is carried out in one transaction
 * with the note of its key, so that the same request again gets the same response.
 * @throws AgentPayError what the handler throws; `outcome_unknown` when it takes too long; `invalid_request` for a malformed key
 */
export async function perform(
  route: EndpointRoute,
  { decoded, principal, idempotencyKey, cookies }: Asked,
  options: PerformOptions,
  requestId: string,
): Promise<Record<string, unknown>> {
  const { endpoint } = route;
  if (principal) assertDemo(endpoint, principal);
  assertSelf(endpoint, decoded, principal);
  const repeatable = principal && readRepeatable(endpoint, principal, idempotencyKey, decoded);
  // Whoever asks next finds proved what they were answered before it was. What claims its key itself begins something new.
  if (principal && endpoint.idempotent !== 'itself') await options.proved(principal);
  const call = { ...decoded, principal, repeatable, cookies } as unknown as EndpointCall<Endpoint>;
  try {
    return await withDeadline(
      options.traced.operation(endpoint, () => carryOut(route, call, options)),
      options,
    );
  } catch (error) {
    // Callers program against the documented errors; another one is a fault of ours, whatever its status.
    if (principal) await note(options, { principal, error, requestId });
    if (isAgentPayError(error) && !errorsOf(endpoint).includes(error.kind))
      options.log.warn({ requestId, endpoint: endpoint.id, kind: error.kind }, 'undocumented error');
    throw error;
  }
}

/** @throws AgentPayError `demo_read_only` for a write by somebody who only looks on in the public sandbox */
function assertDemo({ method, demo, tool }: Endpoint, principal: Principal): void {
  const reads = method === 'GET' || tool?.readOnly === true;
  if (reads || demo === 'all' || (demo === 'host' && principal.scopes.includes('host'))) return;
  explorer.assertMayWrite(principal);
}

/** An organization reads in its log what its policies stopped; a log that cannot be written does not change the refusal. */
async function note(
  { noteRefusal, log }: PerformOptions,
  { principal, error, requestId }: { principal: Principal; error: unknown; requestId: string },
): Promise<void> {
  await noteRefusal(principal, error).catch((err: unknown) =>
    log.error({ requestId, err }, 'a refusal is missing in the log of its policy'),
  );
}

/** @throws AgentPayError `unauthorized` when the path names somebody else than the caller, where it must not */
function assertSelf(
  { self }: Endpoint,
  { params }: RequestOf<Endpoint>,
  principal: Principal | undefined,
): void {
  if (self === undefined || params[self] === principal?.party.id) return;
  throw new AgentPayError('unauthorized', 'The key is of another agent than the path names.');
}

async function carryOut(
  route: EndpointRoute,
  call: EndpointCall<Endpoint>,
  { once, audited }: PerformOptions,
): Promise<Record<string, unknown>> {
  const { endpoint, handle, within } = route;
  /** On the core that is given, or on that of the server. */
  const work = async (core?: Core): Promise<Record<string, unknown>> => {
    const act = actOf(endpoint, call);
    if (!act) return encodeResponse(endpoint, await (core ? within(core) : handle)(call));
    return audited(core, act, async (inner) => encodeResponse(endpoint, await within(inner)(call)));
  };
  if (endpoint.idempotent !== true || !call.repeatable) return work();
  const stored = await once(call.repeatable, async (core) => ({
    status: endpoint.status,
    body: JSON.stringify(await work(core)),
  }));
  return JSON.parse(stored.body) as Record<string, unknown>;
}

function withDeadline<T>(work: Promise<T>, { clock, handlerTimeoutMs }: PerformOptions): Promise<T> {
  const late = () => new AgentPayError('outcome_unknown', 'The request took too long.');
  return inTime(clock, handlerTimeoutMs, work, late);
}

/**
 * What makes a request repeatable: its key, from the header `Idempotency-Key` or from the field `idempotency_key`, and everything it asks
 * for but the key. Undefined without a key, and for endpoints that take none.
 * @throws AgentPayError `invalid_request` for a malformed key, or two different ones
 */
function readRepeatable(
  endpoint: Endpoint,
  principal: Principal,
  inHeader: string | undefined,
  decoded: RequestOf<Endpoint>,
): idempotency.RepeatableRequest | undefined {
  if (!endpoint.idempotent) return undefined;
  const { idempotency_key: inBody, ...body } = decoded.body as { idempotency_key?: string };
  if (inHeader !== undefined && !/^[\x21-\x7e]{1,255}$/.test(inHeader)) {
    throw new AgentPayError('invalid_request', 'Idempotency-Key must have 1 to 255 printable characters.', {
      param: 'Idempotency-Key',
    });
  }
  if (inBody !== undefined && inHeader !== undefined && inBody !== inHeader) {
    throw new AgentPayError('invalid_request', 'Body and header name different idempotency keys.', {
      param: 'idempotency_key',
    });
  }
  const key = inHeader ?? inBody;
  if (key === undefined) return undefined;
  const input = { params: decoded.params, query: decoded.query, body };
  return { partyId: principal.party.id, endpoint: endpoint.id, key, input };
}
