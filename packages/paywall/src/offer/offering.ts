import { errorKinds, newId, memoize } from '@agentpay/primitives';
import { asciiJson, mpp } from '@agentpay/protocol';
import { baseUrlOf, requestIdOf, urlOf, type PricedContext } from '../paid/RequestContext.js';
import { declaresAny } from './extensions/declarations.js';
import type { PaywallParts } from '../PaywallState.js';
import type { Refusal } from '../paid/Payment.js';
import type { Quote } from './Quote.js';
import type { OfferTarget, PaymentRail, RailOffer } from '../rails/PaymentRail.js';
import type { RequestBody } from '../paid/RequestBody.js';
import { targetOf } from '../paid/Request.js';

/** What a 402 says, in all dialects, to one request. */
export interface Offering {
  readonly requestId: string;
  /** Headers of the dialects; some come several times. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** JSON in ASCII. */
  readonly body: string;
  /** A header of the request chooses what is offered. */
  readonly isChosen: boolean;
}

export function offeringFor(
  context: PricedContext,
  rails: readonly PaymentRail[],
  body: RequestBody,
  refusal?: Refusal,
): Offering {
  if (!refusal && isPlain(context, body)) return plainOffering(context, rails);
  const { quote, req } = context;
  const target = targetOf(req);
  const offered = {
    line: `${req.method} ${target}`,
    url: urlOf(baseUrlOf(context), target),
    request: { context, body, refusal },
  };
  return offeringOf(partsOf(context, rails, quote, offered), requestIdOf(context));
}

/** Whether nothing in the request but method and URL makes a difference to what it is offered. */
function isPlain(
  { quote, req: { headers }, requestId, config }: PricedContext,
  { kind }: RequestBody,
): boolean {
  if (quote.pinned || declaresAny(quote) || kind !== 'none') return false;
  if (headers['x-request-id'] !== undefined || requestId !== undefined) return false;
  for (const name of config.headers.choices) if (headers[name] !== undefined) return false;
  return true;
}

function plainOffering(context: PricedContext, rails: readonly PaymentRail[]): Offering {
  const { config, state, quote, req } = context;
  const cache = challengeCaches.get(quote) ?? openChallengeCache({ config, state }, rails, quote);
  const offering = cache(`${req.method}${BETWEEN}${baseUrlOf(context)}${BETWEEN}${targetOf(req)}`)();
  context.requestId = offering.requestId;
  return offering;
}

/** Gives offerings, by method, base URL and target. */
type ChallengeCache = (line: string) => () => Offering;
const challengeCaches = new WeakMap<Quote, ChallengeCache>();
/** Lines of which the texts are kept, for each quote. */
const MOST_LINES = 200;
/** Stands between the parts of a line and in none of them. */
const BETWEEN = '\n';

function openChallengeCache(
  paywall: PaywallParts,
  rails: readonly PaymentRail[],
  quote: Quote,
): ChallengeCache {
  const cache = memoize(MOST_LINES, (key: string) => {
    const [method, base, target] = key.split(BETWEEN) as [string, string, string];
    const offered = { line: `${method} ${target}`, url: urlOf(base, target) };
    const parts = partsOf(paywall, rails, quote, offered);
    return () => offeringOf(parts, newId('request', paywall.config));
  });
  challengeCaches.set(quote, cache);
  return cache;
}

/** What the 402s of a target have in common; their body is `start`, what is new, the request's id, `end`. */
interface OfferingParts {
  readonly start: string;
  readonly end: string;
  readonly next: readonly NonNullable<RailOffer['next']>[];
  readonly isChosen: boolean;
}

function partsOf(
  paywall: PaywallParts,
  rails: readonly PaymentRail[],
  quote: Quote,
  target: OfferTarget,
): OfferingParts {
  const offers = rails
    .filter((rail) => rail.sells(paywall, quote))
    .map((rail) => rail.offer(paywall, quote, target));
  const members = offers.flatMap((offer) => offer.members ?? []).join(',');
  return {
    start: problemText(quote, target.request?.refusal).slice(0, -1),
    end: `"${members && ','}${members}}`,
    next: offers.flatMap(({ next }) => next ?? []),
    isChosen: offers.some(({ isChosen }) => isChosen),
  };
}

function offeringOf({ start, end, next, isChosen }: OfferingParts, requestId: string): Offering {
  const headers: Record<string, string | string[]> = {};
  let body = start;
  for (const make of next) {
    const { header, values, members } = make();
    if (header !== undefined && values !== undefined) {
      const before = headers[header];
      headers[header] = before === undefined ? values : [before, values].flat();
    }
    if (members !== undefined) body += `,${members}`;
  }
  return { requestId, headers, body: `${body},"request_id":"${requestId}${end}`, isChosen };
}

function problemText({ terms }: Quote, refusal: Refusal | undefined): string {
  const problemCode = refusal?.problem ?? 'payment-required';
  const problem = {
    type: mpp.problemType(problemCode),
    title: mpp.problems[problemCode].title,
    status: refusal?.status ?? 402,
    detail: refusal?.message ?? (terms.description || 'This resource costs money.'),
    code: refusal?.reason ?? 'payment_required',
    hint: errorKinds.payment_required.hint,
  };
  return asciiJson(JSON.stringify(problem));
}
