/** Request header in which a client says what it would pay by (draft-httpauth-payment, client payment preferences). */
export const ACCEPT_PAYMENT = 'Accept-Payment';

/** A payment method and intent, or `*` for any, and how much they are wanted: 0 is not at all, 1 the most. */
export interface PaymentRange {
  readonly method: string;
  readonly intent: string;
  readonly q: number;
}

/** What can be paid by, as a challenge names it. */
export type PaymentKind = Pick<PaymentRange, 'method' | 'intent'>;

/** Longest header that is read, in characters, and most ranges. */
const MAX_HEADER = 2_000;
const MAX_RANGES = 50;

const ANY = '*';
const RANGE = /^(\*|[a-z0-9:_-]+)\/(\*|[a-z0-9:_-]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i;

/** Reads an `Accept-Payment` value; no ranges where it is malformed or too long, so that it says nothing. */
export function readAcceptPayment(header: string): readonly PaymentRange[] {
  if (header.length > MAX_HEADER) return [];
  const items = header
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
  if (items.length > MAX_RANGES) return [];
  const ranges = items.map(readRange);
  return ranges.every((range) => range !== undefined) ? ranges : [];
}

function readRange(item: string): PaymentRange | undefined {
  const [, method, intent, q = '1'] = RANGE.exec(item) ?? [];
  return method === undefined || intent === undefined ? undefined : { method, intent, q: Number(q) };
}

/**
 * The offers that the client would pay, most wanted first and otherwise as they were; of the ranges that fit an offer the most specific
 * one counts. A client that wants none of them gets those that it has not ruled out: its header is ignored.
 */
export function rankOffers<Offer>(
  offers: readonly Offer[],
  ranges: readonly PaymentRange[],
  kindOf: (offer: Offer) => PaymentKind,
): readonly Offer[] {
  if (ranges.length === 0) return offers;
  const weighed = offers.map((offer) => ({ offer, q: weightOf(kindOf(offer), ranges) }));
  const wanted = weighed.filter(({ q = 0 }) => q > 0);
  if (wanted.length === 0) return weighed.filter(({ q }) => q === undefined).map(({ offer }) => offer);
  return wanted.sort((one, other) => (other.q as number) - (one.q as number)).map(({ offer }) => offer);
}

/** How much an offer is wanted; undefined where no range fits it. */
function weightOf(kind: PaymentKind, ranges: readonly PaymentRange[]): number | undefined {
  let best: PaymentRange | undefined;
  for (const range of ranges) {
    if (fits(range, kind) && (!best || isStronger(range, best))) best = range;
  }
  return best?.q;
}

function fits({ method, intent }: PaymentRange, kind: PaymentKind): boolean {
  return (method === ANY || method === kind.method) && (intent === ANY || intent === kind.intent);
}

function isStronger(range: PaymentRange, other: PaymentRange): boolean {
  const lead = specificity(range) - specificity(other);
  return lead > 0 || (lead === 0 && range.q > other.q);
}

function specificity({ method, intent }: PaymentRange): number {
  return Number(method !== ANY) + Number(intent !== ANY);
}
