import { formatDecimal } from '@agentpay/primitives';
import { base64url, jcs, mpp, x402v1, x402v2, X_PAYMENT_TOKEN } from '@agentpay/protocol';
import type { Settings } from './options.js';
import type { Terms } from './Price.js';
import type { Issuer } from './rails/issuer.js';
import type { Tender } from './Tender.js';

/** A price in one tender, in the words of every dialect. */
export interface Offer {
  readonly tender: Tender;
  /** x402 v2, for comparison with what a buyer accepted and for the facilitator. */
  readonly v2: x402v2.PaymentRequirements;
  /** x402 v1, for the facilitator. */
  v1(url: string): x402v1.PaymentRequirements;
  /** The parts of an MPP challenge that are the same for every request. */
  readonly mpp: Parameters<typeof mpp.challengeTemplate>[0];
  readonly issueChallenge: mpp.ChallengeTemplate;
}

/** One price in the words of every dialect. Everything but URL, nonce, expiry and error is rendered once, at start. */
export interface Quote {
  readonly terms: Terms;
  readonly offers: readonly [Offer, ...Offer[]];
  readonly token: { readonly issuer: Issuer; readonly service: string } | undefined;
  /** Whether the price was worked out for one request and is offered with a pin. */
  readonly pinned: boolean;
  /** Value of `PAYMENT-REQUIRED`; `pin` is of use where the quote is `pinned`. */
  paymentRequired(url: string, error: string, pin?: string): string;
  /** Members of the 402 body besides those of the problem: x402 v1 and the token offer, as JSON text without braces. */
  bodyMembers(url: string, error: string): string;
}

/** Who issues payment tokens for a route, and under what name. */
export function tokenOf({ issuer, service: main }: Settings, { service = main }: Pick<Terms, 'service'>): Quote['token'] {
  return issuer && service !== undefined ? { issuer, service } : undefined;
}

/** Member of an x402 v2 offer's `extra` that holds the pin. */
export const PIN = 'quote';

export function createQuote(settings: Settings, terms: Terms, { tenders, pinned }: { tenders: readonly Tender[]; pinned: boolean }): Quote {
  const token = tokenOf(settings, terms);
  const offers = tenders.map((tender) => createOffer(settings, terms, tender)) as [Offer, ...Offer[]];

  const resource = definedOnly({ url: SLOT, ...resourceOf(terms) });
  const accepted = offers.map(({ v2 }) => (pinned ? { ...v2, extra: { ...v2.extra, [PIN]: SLOT } } : v2));
  const v2 = spliced({ x402Version: 2, error: SLOT, resource, accepts: accepted });
  const accepts = offers.map((offer) => offer.v1(SLOT));
  const body = spliced({ x402Version: 1, error: SLOT, accepts, ...(token && { payment_token: tokenOffer(token, terms) }) });
  return {
    terms,
    offers,
    token,
    pinned,
    paymentRequired: (url, error, pin = '') => Buffer.from(v2([error, url, ...(pinned ? offers.map(() => pin) : [])])).toString('base64'),
    bodyMembers: (url, error) => body([error, ...offers.map(() => url)]).slice(1, -1),
  };
}

function createOffer({ maxTimeoutSeconds, realm, authorizationHeader }: Settings, terms: Terms, tender: Tender): Offer {
  const { network, asset, payTo } = tender;
  const v2: x402v2.PaymentRequirements = {
    scheme: 'exact',
    network: network.id,
    amount: terms.amount.toString(),
    asset: asset.address,
    payTo,
    maxTimeoutSeconds,
    extra: { ...asset.eip712 },
  };
  const fixed = definedOnly({
    realm,
    method: mpp.EVM_METHOD,
    intent: mpp.CHARGE_INTENT,
    request: mppRequest(terms, tender),
    description: terms.description || undefined,
    header: authorizationHeader === mpp.PAYMENT_AUTHORIZATION ? authorizationHeader : undefined,
  });
  return {
    tender,
    v2,
    v1: (url) => x402v1.requirementsFromV2(v2, definedOnly({ url, ...resourceOf(terms) })) as x402v1.PaymentRequirements,
    mpp: fixed,
    issueChallenge: mpp.challengeTemplate(fixed),
  };
}

function mppRequest({ amount }: Terms, { network, asset, payTo }: Tender): string {
  const charge = { amount, currency: asset.address, recipient: payTo, chainId: network.chainId, decimals: asset.decimals };
  return base64url(jcs(mpp.evmChargeRequest(charge)));
}

function resourceOf({ description, mimeType }: Terms) {
  return { description: description || undefined, mimeType };
}

function tokenOffer({ issuer, service }: { issuer: Issuer; service: string }, terms: Terms) {
  return {
    header: X_PAYMENT_TOKEN,
    service_id: service,
    price: formatDecimal(terms.amount),
    currency: 'USD',
    authorize_url: `${issuer.url}/v1/services/${service}/authorize`,
  };
}

/** Stands for a text that is known at each request only. Options cannot hold it: they have no control characters. */
const SLOT = '\u0000';

/** JSON text with slots, split once; the texts given fill the slots in their order. */
function spliced(value: unknown): (texts: readonly string[]) => string {
  const [start, ...parts] = JSON.stringify(value).split(JSON.stringify(SLOT)) as [string, ...string[]];
  return (texts) => {
    let text = start;
    for (let index = 0; index < parts.length; index++) text += JSON.stringify(texts[index]) + parts[index];
    return text;
  };
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** The object without its undefined members. */
function definedOnly<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>;
}
