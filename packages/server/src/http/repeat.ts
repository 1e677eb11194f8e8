import { encodeResponse, type Endpoint, type RequestOf } from '@agentpay/api';
import type { Core, idempotency, Principal } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import type { Request } from 'express';
import type { Call, Route } from './implement.js';

/** Carries a request out once per key: `idempotency.once` of the core. */
export type Once = (
  request: idempotency.RepeatableRequest,
  work: (core: Core) => Promise<idempotency.StoredResponse>,
) => Promise<idempotency.StoredResponse>;

/**
 * The success of a call on the wire. A call that may be repeated is carried out in one transaction with the note of its key, so that the
 * same request again gets the same response.
 */
export async function carryOut(
  route: Route,
  call: Call<Endpoint>,
  once: Once,
): Promise<Record<string, unknown>> {
  const { endpoint, handle, within } = route;
  if (endpoint.idempotent !== true || !call.repeatable) return encodeResponse(endpoint, await handle(call));
  const stored = await once(call.repeatable, async (core) => {
    const wire = encodeResponse(endpoint, await within(core)(call));
    return { status: endpoint.status, body: JSON.stringify(wire) };
  });
  return JSON.parse(stored.body) as Record<string, unknown>;
}

/**
 * What makes a request repeatable: its key, from the header `Idempotency-Key` or from the field `idempotency_key`, and everything it asks
 * for but the key. Undefined without a key, and for endpoints that take none.
 * @throws AgentPayError `invalid_request` for a malformed key, or two different ones
 */
export function readRepeatable(
  endpoint: Endpoint,
  principal: Principal,
  request: Request,
  decoded: RequestOf<Endpoint>,
): idempotency.RepeatableRequest | undefined {
  if (!endpoint.idempotent) return undefined;
  const { idempotency_key: inBody, ...body } = decoded.body as { idempotency_key?: string };
  const inHeader = request.get('idempotency-key');
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
