import type { gateway, RequestOf, ResponseOf } from '@agentpay/api';
import { gateways, type catalog, type Principal } from '@agentpay/core';
import type { Queryable } from '@agentpay/primitives';

type Nouns = typeof gateway.nouns;
type Body = RequestOf<Nouns['listings']['update']>['body'];
type GivenSla = NonNullable<Body['sla']>;

const DAY_MS = 86_400_000;

/** For whom private listings are looked for: a gateway sees those of its organization. */
export async function viewerOf(
  db: Queryable,
  principal: Principal | undefined,
): Promise<catalog.ListingViewer | undefined> {
  if (!principal) return undefined;
  if (principal.party.kind !== 'gateway') return { partyId: principal.party.id };
  const { id: partyId, orgId } = await gateways.self(db, principal);
  return { partyId, orgId };
}

/** A listing as lists show it. */
export function summarizeListing({
  id,
  name,
  category,
  description,
  regions,
  methods,
}: catalog.AgentListing) {
  const prices = methods.map(({ price }) => price);
  const cheapest = prices.reduce<bigint | null>(
    (least, price) => (least === null || price < least ? price : least),
    null,
  );
  return { id, name, category, description, regions: [...regions], from_usdc: cheapest };
}

/** A listing in full, but for what is counted. */
export function showListing(listing: catalog.AgentListing) {
  return {
    ...summarizeListing(listing),
    status: listing.status,
    visibility: listing.visibility,
    developer_id: listing.developerId,
    methods: showMethods(listing),
    sla: listing.sla && showPromise(listing.sla),
    service_id: listing.serviceId,
    created_at: listing.createdAt,
  };
}

export function showMethods({
  methods,
}: catalog.AgentListing): ResponseOf<Nouns['pricing']['get']>['methods'] {
  return methods.map(({ id, name, description, price }) => ({ id, name, description, price_usdc: price }));
}

export function showPromise({ uptimePct, p95Ms, maxCompletionSeconds }: catalog.SlaPromise): GivenSla {
  return {
    ...(uptimePct === undefined ? {} : { uptime: `${uptimePct}%` }),
    ...(p95Ms === undefined ? {} : { p95_ms: p95Ms }),
    ...(maxCompletionSeconds === undefined ? {} : { max_completion_seconds: maxCompletionSeconds }),
  };
}

export function showMeasured({ calls, uptimePct, p95Ms }: catalog.Reliability) {
  return { uptime: `${uptimePct}%`, p95_ms: p95Ms, calls };
}

/** Whether what was measured is what was promised. */
export function kept({ uptimePct, p95Ms }: catalog.SlaPromise, measured: catalog.Reliability): boolean {
  const up = uptimePct === undefined || measured.uptimePct >= Number(uptimePct);
  return up && (p95Ms === undefined || measured.p95Ms <= p95Ms);
}

/** What a body says of a listing. */
export function detailOf(body: Body): catalog.ListingDetails {
  return {
    category: body.category,
    description: body.description,
    endpointUrl: body.endpoint_url,
    serviceId: body.service_id,
    regions: body.regions,
    visibility: body.visibility,
    methods: body.methods && methodsOf(body.methods),
    sla: body.sla && promiseOf(body.sla),
  };
}

export function methodsOf(methods: NonNullable<Body['methods']>): catalog.GivenMethod[] {
  return methods.map(({ name, description, price_usdc: price }) => ({ name, description, price }));
}

function promiseOf({ uptime, p95_ms, max_completion_seconds }: GivenSla): catalog.SlaPromise {
  return {
    uptimePct: uptime?.slice(0, -1),
    p95Ms: p95_ms,
    maxCompletionSeconds: max_completion_seconds,
  };
}

/** Today and the days before it, so many in all. */
export function lastDays(days: number, nowMs: number): { from: string; to: string } {
  return { from: dayText(nowMs - (days - 1) * DAY_MS), to: dayText(nowMs + DAY_MS) };
}

/** The first day of a month and that of the next one. */
export function monthBounds(
  month: string | undefined,
  nowMs: number,
): { month: string; from: string; to: string } {
  const wanted = month ?? dayText(nowMs).slice(0, 7);
  const [year, number] = wanted.split('-').map(Number) as [number, number];
  return { month: wanted, from: `${wanted}-01`, to: dayText(Date.UTC(year, number, 1)) };
}

function dayText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
