import { AgentPayError } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { keysetOf } from '../keyset.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { checkOptionalText } from '../text.js';
import type { Service } from './Service.js';
import { services } from './ServiceStore.js';

const MAX_WORDS = 20;

/** A service and how well it answers what was looked for, from 0; without words all are alike. */
export type FoundService = Service & { readonly relevance: number };

const MATCHES = `status = 'active'
  and ($2::text = '' or search @@ to_tsquery('simple', $2) or search @@ to_tsquery('english', $2))
  and ($3::text is null or category = $3) and ($4::bigint is null or price <= $4)
  and ($5::text is null or currency = $5) and ($6::integer is null or trust_score >= $6)
  and ($7::boolean is null or verified = $7)`;
/** Services with all of the words before those with some; then by how well they answer, and how far they are trusted. */
const RELEVANCE = `(case when $2::text = '' then 0 else
  (search @@ to_tsquery('simple', $1))::int + ts_rank(search, to_tsquery('simple', $2)) * (0.5 + trust_score / 200.0)
  end)::float8`;

const byRelevance = keysetOf<FoundService>(
  { ...services.fields, relevance: 'float8' },
  { by: ['-relevance', '-trustScore', 'createdAt', 'id'] },
);

/**
 * Looks for active services by words of their name, category and description; a word may be the beginning of one. Services with all of
 * the words stand before those with some, better answers and better trusted providers before others.
 * @throws AgentPayError `invalid_request`
 */
export async function search(
  core: Core,
  wanted: {
    query?: string | undefined;
    category?: string | undefined;
    /** The most that a call may cost. */
    maxPrice?: Amount | undefined;
    currency?: string | undefined;
    minTrust?: number | undefined;
    verified?: boolean | undefined;
  } & PageRequest,
): Promise<{ services: FoundService[] } & Counted> {
  const words = wordsOf(wanted.query ?? '');
  const asked = page(wanted);
  const params = [
    wordQuery(words, ' & '),
    wordQuery(words, ' | '),
    checkOptionalText('category', wanted.category),
    wanted.maxPrice ?? null,
    wanted.currency ?? null,
    wanted.minTrust ?? null,
    wanted.verified ?? null,
  ];
  const part = byRelevance.part(asked, params);
  const rows = await core.db.query<FoundService>(
    `select ${services.columns}, relevance from (
       select *, ${RELEVANCE} as relevance from services where ${MATCHES}
     ) as services where true${part.text}`,
    part.params,
  );
  const [counted] = await core.db.query<{ total: bigint }>(
    `select count(*) as total from services where $1::text is not null and ${MATCHES}`,
    params,
  );
  const { rows: found, nextCursor } = byRelevance.page(rows, asked);
  return { services: found, total: Number(counted?.total ?? 0n), nextCursor };
}

/** Letters and digits; everything else parts words. @throws AgentPayError `invalid_request` for more than 20 */
function wordsOf(query: string): string[] {
  const words = query.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  if (words.length > MAX_WORDS)
    throw new AgentPayError('invalid_request', `A query has at most ${MAX_WORDS} words.`, { param: 'query' });
  return [...new Set(words)];
}

function wordQuery(words: readonly string[], operator: ' & ' | ' | '): string {
  return words.map((word) => `'${word}':*`).join(operator);
}
