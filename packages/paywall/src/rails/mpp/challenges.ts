import { memoize, unixSeconds } from '@agentpay/primitives';
import { base64url, mpp } from '@agentpay/protocol';
import { variantOf } from '../../offer/variant.js';
import type { Quote } from '../../offer/Quote.js';
import { digestOfLine, scopeOf } from '../../paid/scope.js';
import type { PaywallParts } from '../../PaywallState.js';
import type { PaywallConfig } from '../../seller/PaywallConfig.js';
import type { OfferRequest, OfferTarget, RailOffer } from '../PaymentRail.js';
import { mppOffersOf, type MppOffer } from './offers.js';

/** Fresh challenges in `WWW-Authenticate`; the body names the first. */
export function mppOffer(paywall: PaywallParts, quote: Quote, { line, request }: OfferTarget): RailOffer {
  const issue = request
    ? () => challengesFor(paywall, request)
    : issuerFor(paywall, mppOffersOf(quote, paywall), line);
  const next = () => {
    const issued = issue();
    const [first] = issued;
    if (first === undefined) return NO_CHALLENGE;
    const values = issued.map(({ header }) => header);
    return { header: mpp.WWW_AUTHENTICATE, values, members: `"challengeId":"${first.id}"` };
  };
  return { next, isChosen: true };
}

const NO_CHALLENGE = {};

/** Fresh challenges for this request, one for each offer that the client would pay; none where the body cannot be bound. */
function challengesFor(
  paywall: PaywallParts,
  { context, body }: OfferRequest,
): readonly mpp.IssuedChallenge[] {
  const { config, state } = paywall;
  const { quote, req } = context;
  if (body.kind === 'too_large' || body.kind === 'used') return [];
  const offers = wantedOf(mppOffersOf(quote, paywall), req.headers[ACCEPT_PAYMENT]);
  if (offers.length === 0) return [];
  const { s, b, digest } = scopeOf(req, body);
  const v = quote.pinned ? variantOf(context) : undefined;
  const expires = expiryOf(config);
  // Every challenge is unique, that of another request of the same buyer as well: the nonce they sign derives from its id
  // (draft-evm-charge), so that challenges that are the same could be paid only once.
  const before = `{${b === undefined ? '' : `"b":"${b}",`}${OPAQUE_NONCE}`;
  const after = `${OPAQUE_SCOPE}${s}"${v === undefined ? '' : `,"v":"${v}"`}}`;
  const opaque = () => base64url(before + state.nonce() + after);
  return offers.map(({ challenge }) =>
    challenge.one({ expires, digest, opaque: opaque() }, config.mppSecrets[0]),
  );
}

/** Canonical JSON as it stands: the members in their order, and nothing in them that JSON would escape. */
const OPAQUE_NONCE = '"n":"';
const OPAQUE_SCOPE = '","s":"';

function expiryOf({ clock, maxTimeoutSeconds }: PaywallConfig): string {
  return new Date((unixSeconds(clock) + maxTimeoutSeconds) * 1000).toISOString();
}

/**
 * Gives fresh challenges for requests without a body, one for each offer. Those of one second differ in their nonces only, which stand
 * where their encoding does not depend on what is around them.
 * @param line method and target of the requests
 */
function issuerFor(
  { config, state }: PaywallParts,
  offers: readonly MppOffer[],
  line: string,
): () => readonly mpp.IssuedChallenge[] {
  const [before, after] = [
    base64url(`{${OPAQUE_NONCE}`),
    base64url(`${OPAQUE_SCOPE}${digestOfLine(line)}"}`),
  ];
  const opaque = { before, length: state.writtenNonce().length, after };
  let issuedIn = Number.NaN;
  let issue: ((nonce: string) => mpp.IssuedChallenge)[] = [];
  return () => {
    const second = unixSeconds(config.clock);
    if (second !== issuedIn) {
      const same = { expires: expiryOf(config), opaque };
      issue = offers.map(({ challenge }) => challenge.many(same, config.mppSecrets[0]));
      issuedIn = second;
    }
    return issue.map((next) => next(state.writtenNonce()));
  };
}

/** As Node names it. */
const ACCEPT_PAYMENT = mpp.ACCEPT_PAYMENT.toLowerCase();
/** Clients say the same few things over and over. */
const rangesIn = memoize(100, mpp.readAcceptPayment);

function wantedOf(offers: readonly MppOffer[], accepted: string | string[] | undefined): readonly MppOffer[] {
  return accepted === undefined
    ? offers
    : mpp.rankOffers(offers, rangesIn(String(accepted)), (offer) => offer.mpp);
}
