import { AgentPayError, isId, newId } from '@agentpay/primitives';
import type { Amount, Queryable, Tx } from '@agentpay/primitives';
import { checkAmount } from '../amount.js';
import { monthOf } from '../calendar.js';
import { findAll, see } from '../catalog/index.js';
import type { AgentListing } from '../catalog/index.js';
import { record } from '../audit/index.js';
import type { Core } from '../Core.js';
import { isKnown, issue, replace, requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { accountTotal, pending, walletMoney } from '../ledger/index.js';
import { requireMember } from '../orgs/index.js';
import { create as createParty, lock, platform } from '../parties/index.js';
import { newestFirst } from '../keyset.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { setOrgs } from '../policies/index.js';
import { ifGiven } from '../table.js';
import { checkText } from '../text.js';
import { open } from '../wallets/index.js';
import { GATEWAY_CURRENCY } from './Gateway.js';
import type { Gateway, MonthUsage, Quota } from './Gateway.js';
import * as store from './GatewayStore.js';

/** The reason of a rotation that leaves the former keys no time. */
const EXPOSURE = 'exposure';

/** A gateway with its key in clear, which is shown this once. */
export interface KeyedGateway {
  readonly gateway: Gateway;
  readonly key: string;
}

/**
 * The operator makes a gateway and gives it its first key, shown this once. Calls of one that belongs to an organization are under the
 * rules and contracts of it.
 * @throws AgentPayError `forbidden`, `invalid_request`, `org_not_found`
 */
export async function create(
  core: Core,
  request: { readonly principal: Principal; readonly name: string; readonly orgId?: string | undefined },
): Promise<KeyedGateway> {
  const { principal, orgId } = request;
  requireParty(principal, 'platform');
  const name = checkText('name', request.name);
  if (orgId !== undefined) await requireMember(core.db, { principal, orgId }, 'read');
  return core.db.tx((tx) => make(core, tx, { name, orgId: orgId ?? null }));
}

/** Makes a gateway with a key that the operator has chosen, unless the key exists: safe to repeat, also by several instances at once. */
export function bootstrap(core: Core, { key }: { readonly key: string }): Promise<void> {
  return core.db.tx(async (tx) => {
    await lock(tx, { partyId: platform.id });
    if (await isKnown(core, tx, key)) return;
    await make(core, tx, { name: 'Gateway', orgId: null, key });
  });
}

async function make(
  core: Core,
  tx: Tx,
  { name, orgId, key }: { name: string; orgId: string | null; key?: string },
): Promise<KeyedGateway> {
  const gateway = await insert(core, tx, { name, orgId, keyless: false });
  const party = { id: gateway.id, kind: 'gateway' } as const;
  if (orgId !== null) await setOrgs(tx, { partyId: party.id, orgs: [orgId] });
  const chosen = key === undefined ? {} : { secret: key };
  const issued = await issue(core, tx, { party, kind: 'gateway', ...chosen });
  return { gateway, key: issued.secret };
}

/** Makes a gateway without a key, inside the caller's transaction. */
export async function insert(
  core: Core,
  tx: Tx,
  given: Pick<Gateway, 'name' | 'orgId' | 'keyless'>,
): Promise<Gateway> {
  const id = newId('gateway', core);
  await createParty(tx, { id, kind: 'gateway' });
  const wallet = await open(core, tx, { ownerId: id, currency: GATEWAY_CURRENCY });
  const createdAt = new Date(core.clock.now());
  const gateway: Gateway = { id, ...given, walletId: wallet.id, callbackUrl: null, createdAt };
  await store.gateways.insert(tx, gateway);
  return gateway;
}

/** The calling gateway says what it is called and where it is told of events. @throws AgentPayError `invalid_request` */
export async function register(
  core: Core,
  request: { readonly principal: Principal; readonly name: string; readonly callbackUrl: string },
): Promise<Gateway> {
  const { id } = await self(core.db, request.principal);
  const change = { name: checkText('name', request.name), callbackUrl: request.callbackUrl };
  const [gateway] = await store.gateways.update(core.db, { id }, change);
  return gateway as Gateway;
}

/** Gives the calling gateway a new key. The former ones work on for a day; not at all when they were exposed. */
export async function rotateKey(
  core: Core,
  { principal, reason }: { readonly principal: Principal; readonly reason: string },
): Promise<string> {
  const id = requireParty(principal, 'gateway');
  const overlapMs = checkText('reason', reason) === EXPOSURE ? 0 : core.settings.gateways.keyOverlapMs;
  const party = { id, kind: 'gateway' } as const;
  const issued = await core.db.tx(async (tx) => {
    await record(core, tx, { principal, act: 'keys.rotate', subject: id, tenants: [id], after: { reason } });
    return replace(core, tx, { party, kind: 'gateway', overlapMs });
  });
  return issued.secret;
}

/** What the calling gateway can spend, what calls under way reserve, and what is on its way to it. */
export async function balance(
  core: Core,
  principal: Principal,
): Promise<{ readonly available: Amount; readonly held: Amount; readonly pending: Amount }> {
  const { id, walletId } = await self(core.db, principal);
  const asset = GATEWAY_CURRENCY;
  const money = await walletMoney(core.db, { walletId, asset });
  return { ...money, pending: await accountTotal(core.db, { account: pending(id), asset }) };
}

/**
 * Lets the calling gateway spend so much on a listing from now on, whatever it spent before.
 * @throws AgentPayError `listing_not_found`, `invalid_amount`
 */
export async function provision(
  core: Core,
  request: { readonly principal: Principal; readonly listingId: string; readonly quota: Amount },
): Promise<Quota> {
  const { id: gatewayId, orgId } = await self(core.db, request.principal);
  const { listingId, quota } = request;
  checkAmount(quota, 'quota', 'The quota');
  await see(core.db, { listingId, viewer: { partyId: gatewayId, orgId } });
  const id = newId('provision', core);
  return core.batch.run({
    wants: [[store.quotas, [gatewayId, listingId]]],
    lane: gatewayId,
    decide(scene) {
      const createdAt = new Date(core.clock.now());
      scene.append(store.provisions, { id, gatewayId, listingId, quota, createdAt });
      const before = scene.find(store.quotas, gatewayId, listingId);
      if (before) return scene.update(store.quotas, before, { provisionId: id, quota, used: 0n });
      const given: Quota = { gatewayId, listingId, provisionId: id, quota, used: 0n };
      scene.insert(store.quotas, given);
      return given;
    },
  });
}

/** What the calling gateway spent on completed calls in a month: this one unless told. */
export async function usage(
  core: Core,
  { principal, month }: { readonly principal: Principal; readonly month?: string | undefined },
): Promise<MonthUsage> {
  const gatewayId = requireParty(principal, 'gateway');
  const wanted = month ?? monthOf(core.clock.now());
  const kept = await store.usage.table.find(core.db, { gatewayId, month: wanted });
  return kept ?? { gatewayId, month: wanted, amount: 0n, calls: 0n };
}

/** Gateways of this organization or name, newest first; those of addresses that paid without a key only when asked for. */
export async function list(
  core: Core,
  request: {
    readonly principal: Principal;
    readonly orgId?: string | undefined;
    readonly name?: string | undefined;
    readonly keyless?: boolean | undefined;
  } & PageRequest,
): Promise<{ gateways: Gateway[] } & Counted> {
  requireParty(request.principal, 'platform');
  const { orgId = null, name = null, keyless = false } = request;
  const { rows, ...counted } = await store.gateways.page(core.db, {
    where: `keyless = $1 and ${ifGiven(orgId, 'org_id = $2')} and ${ifGiven(name, 'name = $3')}`,
    params: [keyless, orgId, name],
    order: newestFirst,
    ...page(request),
  });
  return { gateways: rows, ...counted };
}

/** The listings that the calling gateway has provisioned, with what is left of their quotas. */
export async function provisioned(
  core: Core,
  principal: Principal,
): Promise<readonly { readonly listing: AgentListing; readonly quota: Quota }[]> {
  const gatewayId = requireParty(principal, 'gateway');
  const quotas = await store.quotas.table.select(core.db, 'where gateway_id = $1 order by listing_id', [
    gatewayId,
  ]);
  const listings = await findAll(
    core.db,
    quotas.map(({ listingId }) => listingId),
  );
  return quotas.flatMap((quota) => {
    const listing = listings.find(({ id }) => id === quota.listingId);
    return listing ? [{ listing, quota }] : [];
  });
}

/** The calling gateway. @throws AgentPayError `forbidden`, `gateway_not_found` */
export function self(db: Queryable, principal: Principal): Promise<Gateway> {
  return get(db, { gatewayId: requireParty(principal, 'gateway') });
}

/** @throws AgentPayError `gateway_not_found` */
export async function get(db: Queryable, { gatewayId }: { gatewayId: string }): Promise<Gateway> {
  const gateway = isId('gateway', gatewayId) ? await store.findGateway(db, gatewayId) : undefined;
  if (!gateway) throw new AgentPayError('gateway_not_found', 'There is no gateway with this id.');
  return gateway;
}
