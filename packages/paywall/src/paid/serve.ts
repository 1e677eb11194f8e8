import type { IncomingMessage } from 'node:http';
import { AgentPayError } from '@agentpay/primitives';
import { SIGN_IN_HEADER } from '@agentpay/protocol';
import type { RunningPaywall } from '../offer/discovery/index.js';
import { allowOrigin, respondToOptions } from '../outgoing/cors.js';
import { markGranted, offer, respondToError } from '../outgoing/responses.js';
import type { PaymentRail } from '../rails/PaymentRail.js';
import type { Authorize, Verdict } from '../seller/Price.js';
import { viewOf } from './asked.js';
import { charge } from './charge.js';
import { stampHead } from './Gate.js';
import { findProof, mayCarryProof, quotedBy, type FoundProof } from './proof.js';
import { hasBody, NO_BODY, readBody, type RequestBody } from './RequestBody.js';
import { resourceUrl, type PricedContext, type RequestContext } from './RequestContext.js';
import { scopeText } from './scope.js';
import { tellChallenge } from './tell.js';

/** What is charged for a request, and whether it can be bought at all. */
export type Charged = Pick<RequestContext, 'pricing'> & Partial<Pick<RequestContext, 'allow' | 'refusal'>>;

interface Arrival extends Pick<RequestContext, 'req' | 'res' | 'next'> {
  /** Default: reads the stream of `req`. */
  readonly read?: (maxBytes: number) => Promise<RequestBody>;
}

/** Charges for a request: offers, refuses or runs what comes next. */
export function serve(
  { config, state, rails }: RunningPaywall,
  { pricing, allow, refusal }: Charged,
  { req, res, next, read = (maxBytes) => readBody(req, maxBytes) }: Arrival,
): void {
  let whole: Promise<RequestBody> | undefined;
  const body = () => (whole ??= read(config.maxBodyBytes));
  const context: RequestContext = {
    config,
    state,
    pricing,
    allow,
    refusal,
    req,
    res,
    next,
    body,
    gate: undefined,
    quote: undefined,
    requestId: undefined,
  };
  allowOrigin(context);
  if (req.method === 'OPTIONS') return respondToOptions(context);
  serveNow(context, rails)
    ?.catch((error: unknown) => respondToError(context, rails, error))
    .catch((error: unknown) => {
      config.report({ what: 'a response could not be sent', error });
      res.destroy();
    });
}

/** Requests that are being charged; a second paywall must not charge them again. */
const paying = new WeakSet<IncomingMessage>();

/** Requests with neither proof nor body get their 402 in the same tick, unless a function has to work out the price. */
function serveNow(context: RequestContext, rails: readonly PaymentRail[]): Promise<void> | undefined {
  const { refusal, pricing } = context;
  if (paying.has(context.req)) return refuseSecondCharge();
  if (refusal) return Promise.reject(refusal);
  if (!pricing.fixed || pricing.authorize || hasBody(context.req) || mayCarryProof(context))
    return admit(context, rails);
  try {
    return challenge(withQuote(context, pricing.fixed), rails, NO_BODY);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Finds out whether a request has to pay, and how much. */
async function admit(context: RequestContext, rails: readonly PaymentRail[]): Promise<void> {
  const { pricing } = context;
  const verdict = pricing.authorize ? await verdictOf(context, pricing.authorize) : 'pay';
  if (verdict === 'refuse') throw new AgentPayError('forbidden', 'The seller does not serve this request.');
  if (verdict === 'grant') return serveFree(context);
  // A HEAD tells what a GET would: it neither takes nor spends a payment.
  const proof = context.req.method === 'HEAD' ? undefined : await findProof(context, rails);
  // Sign-ins are bound to the body, which the handler may consume.
  if (pricing.extensions.signIn) await context.body();
  if (await mayComeBack(context, proof)) return serveFree(context);
  await pricing.ready();
  const quote =
    pricing.fixed ?? (proof && (await quotedBy(context, proof))) ?? (await pricing.current(viewOf(context)));
  if (quote === 'free') return serveFree(context);
  const priced = withQuote(context, quote);
  if (!proof) return challenge(priced, rails, await context.body());
  paying.add(context.req);
  return charge(priced, proof);
}

async function verdictOf(context: RequestContext, authorize: Authorize): Promise<Verdict> {
  const view = viewOf(context);
  try {
    const verdict = await authorize(view.asked);
    if (view.fault) throw view.fault;
    if (['grant', 'refuse', 'pay'].includes(verdict)) return verdict;
  } catch (error) {
    throw view.fault ?? error;
  }
  throw new TypeError('authorize must give "grant", "refuse" or "pay".');
}

/** Whether a valid sign-in shows that the request was paid for before. With an invalid one the request may still bring a payment. */
async function mayComeBack(context: RequestContext, proof: FoundProof | undefined): Promise<boolean> {
  const header = context.req.headers[SIGN_IN_HEADER.toLowerCase()];
  if (!context.pricing.extensions.signIn || typeof header !== 'string') return false;
  try {
    await context.state.signIns.admit(header, {
      url: resourceUrl(context),
      scope: scopeText(context.req, await context.body()),
    });
    return true;
  } catch (error) {
    if (proof) return false;
    throw error;
  }
}

function challenge(context: PricedContext, rails: readonly PaymentRail[], body: RequestBody): undefined {
  offer(context, { rails, body });
  tellChallenge(context);
}

/** Changes the context in place: the gate that is set on it later must be seen by the error path. */
function withQuote(context: RequestContext, quote: PricedContext['quote']): PricedContext {
  context.quote = quote;
  return context as PricedContext;
}

async function serveFree(context: RequestContext): Promise<void> {
  stampHead(context.res, () => markGranted(context));
  await context.next();
}

async function refuseSecondCharge(): Promise<never> {
  throw new TypeError('Two paywalls charge for the same request: mount one of them.');
}
