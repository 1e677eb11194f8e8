import { createHash } from 'node:crypto';
import type { Clock, Db, Queryable } from '@agentpay/primitives';
import type { FacilitatorRequest, x402v2 } from '@agentpay/protocol';
import { readListing, type Listing } from './Listing.js';
import type { Ownership, Probed } from './ownership.js';

/** A paid resource as the bazaar lists it. */
export interface CatalogueItem {
  readonly resource: string;
  readonly type: string;
  readonly x402Version: 2;
  readonly accepts: readonly x402v2.PaymentRequirements[];
  readonly lastUpdated: Date;
  readonly description?: string;
  readonly mimeType?: string;
  readonly extensions: { readonly bazaar: unknown };
}

export interface CatalogueFilter {
  readonly type?: string | undefined;
  readonly payTo?: string | undefined;
  readonly scheme?: string | undefined;
  readonly network?: string | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** What became of the listing that a payment asks for. */
export type ListingStatus =
  | { readonly status: 'processing' | 'success' }
  | { readonly status: 'rejected'; readonly rejectedReason: string };

/** Resources that asked to be listed, were paid for, and name their payee themselves. */
export interface Catalogue {
  /** What a payment asks for, before it is made; undefined when it asks for no listing. */
  preview(request: FacilitatorRequest): ListingStatus | undefined;
  /** Lists the resource of a payment that this payer made, as soon as the resource is known to be the payee's. */
  add(request: FacilitatorRequest, payer?: string): Promise<ListingStatus | undefined>;
  /** Those with most payers, counted by what they paid, first. */
  list(
    filter: CatalogueFilter,
  ): Promise<{ readonly items: readonly CatalogueItem[]; readonly total: number }>;
  /** Those in which every word of the query stands. */
  search(query: string, filter: CatalogueFilter): Promise<readonly CatalogueItem[]>;
  /** Takes a resource off the list for good, whoever pays for it; gives the number of its listings. */
  delist(resource: string): Promise<number>;
  /** Asks resources that are new, or have not been asked for hours, whose they are. Resolves when all that are due were asked. */
  check(): Promise<void>;
}

export interface CatalogueOptions {
  readonly db: Db;
  readonly clock: Clock;
  /** Asks a resource whose it is. */
  readonly ask: (probed: Probed) => Promise<Ownership>;
  /** Hosts that may be listed although they are not public, over http as well. */
  readonly hosts?: readonly string[] | undefined;
  readonly limits?: { readonly items: number; readonly perPayee: number };
  /** Hears of checks that failed. */
  readonly onError?: (error: unknown) => void;
}

interface Row {
  readonly resource: string;
  readonly type: string;
  readonly requirements: x402v2.PaymentRequirements;
  readonly description: string | null;
  readonly mime_type: string | null;
  readonly bazaar: unknown;
  readonly updated_at: Date;
}

const MAX_ITEMS = 10_000;
const MAX_ITEMS_PER_PAYEE = 200;
const MAX_WORDS = 8;
/** A listing that is well is asked so often. */
const ASK_EVERY_MS = 6 * 3_600_000;
/** One that is not, or is new, again after this. */
const ASK_AGAIN_MS = 60_000;
/** Resources asked at a time, each of another host. */
const ASK_AT_ONCE = 8;
/** So many times away in a row, and it is not shown; four times as many, and it is forgotten. */
const MISSES_TO_HIDE = 3;
const SHOWN = `proved_at is not null and misses < ${MISSES_TO_HIDE} and not delisted`;
/** What a payer adds to the rank grows slowly with what they paid, in thousandths of a USDC: dust counts for next to nothing. */
const SCORE = `select coalesce(sum(ln(1 + amount / 1000.0)), 0) from facilitator_resource_payers payers
  where payers.key = listed.key and payers.payer <> listed.pay_to`;

/**
 * The catalogue in the tables of `migrations`.
 * @example
 * ```ts
 * import { catalogue, migrations, ownershipOf } from '@agentpay/facilitator';
 * import { outbound } from '@agentpay/http';
 * import { systemClock as clock } from '@agentpay/primitives';
 * import { migrate, pgDb } from '@agentpay/storage';
 *
 * const db = await pgDb({ url: process.env['DATABASE_URL'] ?? '' });
 * await migrate(db, migrations);
 * const { fetchOut, close } = outbound({ clock });
 * const listings = catalogue({ db, clock, ask: (probed) => ownershipOf(fetchOut, probed) });
 * console.log(await listings.search('weather', { limit: 10, offset: 0 }));
 *
 * // At the end:
 * await close();
 * await db.close();
 * ```
 */
export function catalogue(options: CatalogueOptions): Catalogue {
  const { db, hosts, onError } = options;
  let checking: Promise<void> | undefined;

  const read = (request: FacilitatorRequest) => readListing(request, hosts);

  const check = (): Promise<void> =>
    (checking ??= askDue(options)
      .catch((error: unknown) => onError?.(error))
      .finally(() => (checking = undefined)));

  return {
    preview(request) {
      const listing = read(request);
      return typeof listing === 'string'
        ? { status: 'rejected', rejectedReason: listing }
        : listing && { status: 'processing' };
    },
    async add(request, payer) {
      const listing = read(request);
      if (listing === undefined) return undefined;
      if (typeof listing === 'string') return { status: 'rejected', rejectedReason: listing };
      const { is_shown: isShown, delisted } = await store(options, listing, payer?.toLowerCase());
      if (delisted) return { status: 'rejected', rejectedReason: 'delisted' };
      if (!isShown) void check();
      return { status: isShown ? 'success' : 'processing' };
    },
    async list(filter) {
      const { where, params } = conditions([], filter);
      const [count] = await db.query<{ total: bigint }>(
        `select count(*) as total from facilitator_resources ${where}`,
        params,
      );
      return { items: (await find(db, [], filter)).map(toItem), total: Number(count?.total ?? 0) };
    },
    async search(query, filter) {
      return (await find(db, wordsOf(query), filter)).map(toItem);
    },
    async delist(resource) {
      const sql = 'update facilitator_resources set delisted = true where resource = $1 returning key';
      return (await db.query(sql, [resource])).length;
    },
    async check() {
      // One under way may have begun before what is due now was.
      await checking;
      await check();
    },
  };
}

async function find(db: Db, words: readonly string[], filter: CatalogueFilter): Promise<readonly Row[]> {
  const { where, params } = conditions(words, filter);
  return db.query<Row>(
    `select resource, type, requirements, description, mime_type, bazaar, updated_at from facilitator_resources ${where}
      order by score desc, updated_at desc, key limit $${params.push(filter.limit)} offset $${params.push(filter.offset)}`,
    params,
  );
}

function wordsOf(query: string): string[] {
  const words = query.toLowerCase().split(/\s+/);
  return words.filter((word) => word !== '').slice(0, MAX_WORDS);
}

interface Stored {
  readonly is_new: boolean;
  readonly is_shown: boolean;
  readonly delisted: boolean;
}

/** Keeps the listing and who paid for it. */
async function store(
  { db, clock, limits = { items: MAX_ITEMS, perPayee: MAX_ITEMS_PER_PAYEE } }: CatalogueOptions,
  listing: Listing,
  payer: string | undefined,
): Promise<Stored> {
  const { resource, url, type, name, requirements, description, mimeType, bazaar } = listing;
  const { payTo, scheme, network, asset, amount } = requirements;
  // The payee is part of the key: nobody can take over the listing of another by paying themselves.
  const key = createHash('sha256')
    .update([resource, name, payTo, scheme, network, asset].join('\n').toLowerCase())
    .digest('hex');
  const words = [resource, name, description ?? ''].join(' ').toLowerCase();
  return db.tx(async (tx) => {
    const [stored] = await tx.query<Stored>(
      `insert into facilitator_resources
         (key, resource, url, name, type, pay_to, scheme, network, requirements, description, mime_type, bazaar, words, updated_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10, $11, $12::jsonb, $13, $14)
       on conflict (key) do update set requirements = excluded.requirements, description = excluded.description, url = excluded.url,
         mime_type = excluded.mime_type, bazaar = excluded.bazaar, words = excluded.words, updated_at = excluded.updated_at
       returning (xmax = 0) as is_new, (${SHOWN}) as is_shown, delisted`,
      [
        key,
        resource,
        url,
        name,
        type,
        payTo.toLowerCase(),
        scheme,
        network,
        JSON.stringify(requirements),
        description ?? null,
        mimeType ?? null,
        JSON.stringify(bazaar),
        words,
        new Date(clock.now()),
      ],
    );
    if (payer !== undefined) {
      await tx.query(
        `insert into facilitator_resource_payers as paid (key, payer, amount) values ($1, $2, $3)
         on conflict (key, payer) do update set amount = paid.amount + excluded.amount`,
        [key, payer, amount],
      );
      await tx.query(`update facilitator_resources listed set score = (${SCORE}) where key = $1`, [key]);
    }
    if (stored?.is_new) await trim(tx, payTo.toLowerCase(), limits);
    return stored as Stored;
  });
}

/** Makes room: of a payee those unpaid for longest go first, of all those with fewest payers. */
async function trim(
  tx: Queryable,
  payTo: string,
  limits: { items: number; perPayee: number },
): Promise<void> {
  await tx.query(
    `delete from facilitator_resources where not delisted and key in (
       (select key from facilitator_resources where pay_to = $1 order by updated_at desc, key offset $2)
       union all (select key from facilitator_resources order by score desc, updated_at desc, key offset $3))`,
    [payTo, limits.perPayee, limits.items],
  );
}

interface Due {
  readonly key: string;
  readonly url: string;
  readonly type: 'http' | 'mcp';
  readonly name: string;
  readonly pay_to: string;
  readonly network: string;
}

/** Asks what is due, a few at a time, each of another host. Several replicas share the work. */
async function askDue({ db, clock, ask }: CatalogueOptions): Promise<void> {
  for (;;) {
    const now = clock.now();
    const due = await db.query<Due>(
      `update facilitator_resources set probed_at = $1 where key in (
         select key from (
           select distinct on (split_part(resource, '/', 3)) key from facilitator_resources
            where not delisted and (probed_at is null or probed_at < $2
               or probed_at < $3 and (misses > 0 or proved_at is null))
            order by split_part(resource, '/', 3), probed_at nulls first) hosts limit $4)
       returning key, url, type, name, pay_to, network`,
      [new Date(now), new Date(now - ASK_EVERY_MS), new Date(now - ASK_AGAIN_MS), ASK_AT_ONCE],
    );
    if (due.length === 0) return;
    await Promise.all(
      due.map(async (one) => keepResponse(db, now, one, await ask({ ...one, payTo: one.pay_to }))),
    );
  }
}

async function keepResponse(db: Db, now: number, { key }: Due, said: Ownership): Promise<void> {
  if (said === 'own') {
    const sql = 'update facilitator_resources set proved_at = $2, misses = 0 where key = $1';
    return void (await db.query(sql, [key, new Date(now)]));
  }
  await db.query(
    `update facilitator_resources set misses = misses + 1, proved_at = case when $2 then null else proved_at end where key = $1`,
    [key, said === 'foreign'],
  );
  await db.query('delete from facilitator_resources where key = $1 and misses >= $2 and not delisted', [
    key,
    4 * MISSES_TO_HIDE,
  ]);
}

function conditions(words: readonly string[], { type, payTo, scheme, network }: CatalogueFilter) {
  const params: (string | number)[] = [];
  const equal = { type, pay_to: payTo?.toLowerCase(), scheme, network };
  const parts = [
    SHOWN,
    ...Object.entries(equal).flatMap(([column, value]) =>
      value === undefined ? [] : [`${column} = $${params.push(value)}`],
    ),
    ...words.map((word) => `position($${params.push(word)} in words) > 0`),
  ];
  return { where: `where ${parts.join(' and ')}`, params };
}

function toItem(row: Row): CatalogueItem {
  return {
    resource: row.resource,
    type: row.type,
    x402Version: 2,
    accepts: [row.requirements],
    lastUpdated: row.updated_at,
    ...(row.description !== null && { description: row.description }),
    ...(row.mime_type !== null && { mimeType: row.mime_type }),
    extensions: { bazaar: row.bazaar },
  };
}
