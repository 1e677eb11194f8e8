import { web } from '@agentpay/api';
import { requests } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';

export const handlers = implement(web.nouns.requests, ({ core, requestLog }) => ({
  async list({ principal, query: { object_id: objectId, request_id: requestId, outcome, ...part } }) {
    await requestLog.written();
    const refused = outcome === undefined ? undefined : outcome === 'refused';
    const page = await requests.list(core, { principal, objectId, requestId, refused, ...part });
    return { requests: page.requests.map(showRequest), ...counted(page) };
  },
  async get({ principal, params: { id } }) {
    await requestLog.written();
    return showRequest(await requests.get(core, { principal, id }));
  },
}));

export function showRequest(request: requests.LoggedRequest) {
  return {
    id: request.id,
    request_id: request.requestId,
    at: request.at,
    party_id: request.partyId,
    credential_id: request.credentialId,
    method: request.method,
    path: request.path,
    endpoint: request.endpoint,
    status: request.status,
    error: request.error,
    duration_ms: request.durationMs,
    made: [...request.made],
    named: [...request.named],
  };
}
