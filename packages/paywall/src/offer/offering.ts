import { errorKinds, newId, remembered } from '@agentpay/primitives';
import { asciiJson, mpp } from '@agentpay/protocol';
import { baseUrlOf, requestIdOf, resourceUrl, urlOf, type PricedContext } from '../paid/RequestContext.js';
import { declarations, declaresAny } from './extensions/declarations.js';
import type { Settings } from '../seller/options.js';
import type { Refusal } from '../paid/Payment.js';
import type { Quote } from './Quote.js';
import { ACCEPT_PAYMENT, challengesFor, issuerFor } from '../rails/mpp/mpp.js';
import type { RequestBody } from '../paid/RequestBody.js';
import { targetOf } from '../paid/Request.js';
import { pinScope } from '../paid/scope.js';

/** What a 402 says, in all dialects, to one request. */
export interface Offering {
  readonly requestId: string;
  /** x402 v2: value of `PAYMENT-REQUIRED`. */
  readonly required: string;
  /** MPP: values of `WWW-Authenticate`. */
  readonly challenges: string[];
  /** The problem, x402 v1 and payment tokens: JSON in ASCII. */
  readonly body: string;
}

export function offeringFor(context: PricedContext, body: RequestBody, refusal?: Refusal): Offering {
  if (!refusal && isPlain(context, body)) return plainOffering(context);
  const { settings, quote, pricing } = context;
  const issued = challengesFor(context, body);
  const url = resourceUrl(context);
  const pin = quote.pinned ? pricing.pin(pinScope(context, body), quote) : undefined;
  const required = quote.paymentRequired(url, {
    error: refusal?.reason,
    pin,
    extensions: declarations(context, url),
  });
  const texts = textsOf(quote, { url, required }, refusal);
  return offeringOf(texts, issued, { requestId: requestIdOf(context), name: settings.writtenNonce() });
}

/** Whether nothing in the request but method and URL makes a difference to what it is offered. */
function isPlain({ quote, req: { headers }, requestId }: PricedContext, { kind }: RequestBody): boolean {
  const saysNothing =
    headers[ACCEPT_PAYMENT] === undefined && headers['x-request-id'] === undefined && requestId === undefined;
  return !quote.pinned && !declaresAny(quote) && kind === 'none' && saysNothing;
}

function plainOffering(context: PricedContext): Offering {
  const { settings, quote, req } = context;
  const cache = challengeCaches.get(quote) ?? openChallengeCache(settings, quote);
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

function openChallengeCache(settings: Settings, quote: Quote): ChallengeCache {
  const cache = remembered(MOST_LINES, (line: string) => {
    const [method, base, target] = line.split(BETWEEN) as [string, string, string];
    const url = urlOf(base, target);
    const texts = textsOf(quote, { url, required: quote.paymentRequired(url, {}) });
    const issue = issuerFor(settings, quote.mppOffers, `${method} ${target}`);
    return () =>
      offeringOf(texts, issue(), { requestId: newId('request', settings), name: settings.writtenNonce() });
  });
  challengeCaches.set(quote, cache);
  return cache;
}

/** What the offerings of a line have in common; the body is `start`, the ids, `end`. */
interface Texts {
  readonly required: (writtenName: string) => string;
  readonly start: string;
  readonly end: string;
}

function textsOf(
  quote: Quote,
  { url, required }: { url: string; required: Texts['required'] },
  refusal?: Refusal,
): Texts {
  const members = quote.bodyMembers(url, refusal?.reason);
  return { required, start: problemText(quote, refusal).slice(0, -1), end: `"${members && ','}${members}}` };
}

function offeringOf(
  { required, start, end }: Texts,
  issued: readonly mpp.IssuedChallenge[],
  { requestId, name }: { requestId: string; name: string },
): Offering {
  const [first] = issued;
  const challengeId = first === undefined ? '' : `"challengeId":"${first.id}",`;
  const challenges = issued.map(({ header }) => header);
  const body = `${start},${challengeId}"request_id":"${requestId}${end}`;
  return { requestId, required: required(name), challenges, body };
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
