import { AgentPayError, isId, newId } from '@agentpay/primitives';
import type { Queryable, Tx } from '@agentpay/primitives';
import { record } from '../audit/index.js';
import type { Core } from '../Core.js';
import { endAll, replace, requireParty, rotate } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { create as createParty } from '../parties/index.js';
import { newestFirst } from '../keyset.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { ifGiven } from '../table.js';
import { checkText } from '../text.js';
import { open } from '../wallets/index.js';
import { decided } from './Developer.js';
import type { Developer } from './Developer.js';
import * as store from './DeveloperStore.js';

/** What developers earn, and are paid out in. */
export const CURRENCY = 'USDC';
/** The reason of a rotation that leaves the former keys no time. */
const EXPOSURE = 'exposure';

/** A developer with their key in clear, which is shown this once; none while they wait for approval. */
export interface KeyedDeveloper {
  readonly developer: Developer;
  readonly key: string | undefined;
}

/**
 * Registers a developer, who waits for the operator's approval unless the sandbox approves everybody. One address may register more
 * than once: nobody has proven that it is theirs, so nobody can take it.
 * @throws AgentPayError `invalid_request` for a name or an address that is blank, too long or has hidden characters
 */
export async function register(
  core: Core,
  request: { readonly email: string; readonly name: string },
): Promise<KeyedDeveloper> {
  const id = newId('developer', core);
  const { autoApprove } = core.settings.developers;
  const email = checkText('email', request.email);
  const name = checkText('name', request.name);
  return core.db.tx(async (tx) => {
    await createParty(tx, { id, kind: 'developer' });
    const wallet = await open(core, tx, { ownerId: id, currency: CURRENCY });
    const developer: Developer = {
      id,
      email,
      name,
      status: autoApprove ? 'active' : 'pending',
      walletId: wallet.id,
      createdAt: new Date(core.clock.now()),
    };
    await store.developers.insert(tx, developer);
    return { developer, key: autoApprove ? await issueKey(core, tx, id) : undefined };
  });
}

/**
 * The operator lets a developer in and gives them their key. Again, it gives another key: those before it end with its first use, so
 * that a lost response locks nobody out.
 * @throws AgentPayError `forbidden`, `developer_not_found`
 */
export async function approve(
  core: Core,
  request: { readonly principal: Principal; readonly developerId: string },
): Promise<KeyedDeveloper> {
  requireParty(request.principal, 'platform');
  return core.db.tx(async (tx) => {
    const { id, status } = await lock(tx, request);
    const [developer] = await store.developers.update(tx, { id }, { status: decided(status, 'approve') });
    await note(core, tx, request, { before: { status }, after: { status: developer?.status } });
    return { developer: developer as Developer, key: await issueKey(core, tx, id) };
  });
}

/**
 * The operator shuts a developer out: their keys end, and their listings are no longer offered.
 * @throws AgentPayError `forbidden`, `developer_not_found`
 */
export async function suspend(
  core: Core,
  request: { readonly principal: Principal; readonly developerId: string },
): Promise<Developer> {
  requireParty(request.principal, 'platform');
  return core.db.tx(async (tx) => {
    const { id, status } = await lock(tx, request);
    await endAll(core, tx, { partyId: id });
    const [developer] = await store.developers.update(tx, { id }, { status: decided(status, 'suspend') });
    await note(core, tx, request, { before: { status }, after: { status: developer?.status } });
    return developer as Developer;
  });
}

/**
 * Gives the calling developer a new key. The former ones work on for a day; not at all when they were exposed.
 * @throws AgentPayError `forbidden`
 */
export async function rotateKey(
  core: Core,
  { principal, reason }: { readonly principal: Principal; readonly reason: string },
): Promise<string> {
  const id = requireParty(principal, 'developer');
  const overlapMs = checkText('reason', reason) === EXPOSURE ? 0 : core.settings.developers.keyOverlapMs;
  const issued = await core.db.tx(async (tx) => {
    await record(core, tx, { principal, act: 'keys.rotate', subject: id, tenants: [id], after: { reason } });
    return replace(core, tx, { party: { id, kind: 'developer' }, kind: 'developer', overlapMs });
  });
  return issued.secret;
}

/** Developers in this state or with this e-mail address, newest first. @throws AgentPayError `forbidden`, `invalid_request` */
export async function list(
  core: Core,
  request: {
    readonly principal: Principal;
    readonly status?: Developer['status'] | undefined;
    readonly email?: string | undefined;
  } & PageRequest,
): Promise<{ developers: Developer[] } & Counted> {
  requireParty(request.principal, 'platform');
  const { status = null, email = null } = request;
  const { rows, ...counted } = await store.developers.page(core.db, {
    where: `${ifGiven(status, 'status = $1')} and ${ifGiven(email, 'email = $2')}`,
    params: [status, email],
    order: newestFirst,
    ...page(request),
  });
  return { developers: rows, ...counted };
}

/** The calling developer. @throws AgentPayError `forbidden`, `developer_not_found` */
export async function self(db: Queryable, principal: Principal): Promise<Developer> {
  return get(db, { developerId: requireParty(principal, 'developer') });
}

/** @throws AgentPayError `developer_not_found` */
export async function get(db: Queryable, { developerId }: { developerId: string }): Promise<Developer> {
  const developer = isId('developer', developerId)
    ? await store.developers.find(db, { id: developerId })
    : undefined;
  if (!developer) throw notFound();
  return developer;
}

/** Notes what the operator decided about a developer. */
async function note(
  core: Core,
  tx: Tx,
  { principal, developerId }: { readonly principal: Principal; readonly developerId: string },
  change: { before: object; after: { status: Developer['status'] | undefined } },
): Promise<void> {
  const act = `developer.${change.after.status ?? 'decide'}`;
  await record(core, tx, { principal, act, subject: developerId, tenants: [developerId], ...change });
}

async function lock(tx: Tx, { developerId }: { readonly developerId: string }): Promise<Developer> {
  const developer = await store.developers.lock(tx, { id: developerId });
  if (!developer) throw notFound();
  return developer;
}

async function issueKey(core: Core, tx: Tx, id: string): Promise<string> {
  const party = { id, kind: 'developer' } as const;
  return (await rotate(core, tx, { party, kinds: ['developer'] })).developer.secret;
}

function notFound(): AgentPayError {
  return new AgentPayError('developer_not_found', 'There is no developer with this id.');
}
