import { AgentPayError, isId, type Queryable } from '@agentpay/primitives';
import { partiesOf } from '../agents/index.js';
import type { Core } from '../Core.js';
import type { Principal } from '../identity/index.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import type { LoggedRequest } from './LoggedRequest.js';
import * as store from './RequestStore.js';

/** How long a request is kept. */
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

/** Writes requests down that were answered. Those that are there already stay as they are. */
export async function keep(core: Pick<Core, 'db'>, requests: readonly LoggedRequest[]): Promise<void> {
  if (requests.length > 0) await store.insertAll(core.db, requests);
}

/**
 * What the caller, or for a user one of their agents, asked for, newest first; of anybody for the operator of the platform.
 * @throws AgentPayError `invalid_request` for a page outside the limits
 */
export async function list(
  core: Core,
  wanted: {
    principal: Principal;
    objectId?: string | undefined;
    requestId?: string | undefined;
    refused?: boolean | undefined;
  } & PageRequest,
): Promise<{ requests: LoggedRequest[] } & Counted> {
  const { principal, objectId, requestId, refused } = wanted;
  const filter = { partyIds: await partiesOf(core.db, principal), objectId, requestId, refused };
  return store.selectRequests(core.db, filter, page(wanted));
}

/** @throws AgentPayError `request_not_found`, the same for somebody else's and for one that is kept no more */
export async function get(
  core: Core,
  { principal, id }: { principal: Principal; id: string },
): Promise<LoggedRequest> {
  const found = isId('request', id)
    ? await store.findRequest(core.db, await partiesOf(core.db, principal), id)
    : undefined;
  if (found) return found;
  throw new AgentPayError('request_not_found', 'No request of yours is kept under this id.');
}

/** Requests of these parties about something, newest first, and the one that made it; null: anybody's. */
export async function about(
  db: Queryable,
  wanted: { partyIds: readonly string[] | null; objectId: string; limit: number },
): Promise<{ maker: LoggedRequest | null; requests: LoggedRequest[] }> {
  const { partyIds, objectId, limit } = wanted;
  const [maker = null, { requests }] = await Promise.all([
    store.findMaker(db, partyIds, objectId),
    store.selectRequests(db, { partyIds, objectId }, page({ limit })),
  ]);
  return { maker, requests };
}

/** Forgets the oldest requests whose time is over, at most `limit`, and says how many. */
export function purge(core: Core, { limit }: { limit: number }): Promise<number> {
  const { db, clock, random } = core;
  return store.deleteBefore(db, { beforeMs: clock.now() - KEPT_MS, limit, random });
}
