import { formatDecimal, type Amount } from '@agentpay/primitives';
import { asciiJson, base64url, jcs, mpp, x402v1, x402v2, X_PAYMENT_TOKEN } from '@agentpay/protocol';
import type { Settings } from '../seller/options.js';
import type { Terms } from '../seller/Price.js';
import type { Issuer } from '../rails/token/issuer.js';
import { dueIn, type PaymentOption } from '../seller/PaymentOption.js';

/** A price in one option, in the words of every dialect. */
export interface Offer {
  readonly option: PaymentOption;
  /** In micro-dollars. */
  readonly price: Amount;
  /** x402 v2, for comparison with what a buyer accepted and for the facilitator. */
  readonly v2: x402v2.PaymentRequirements;
  /** x402 v1, for the facilitator; undefined where v1 has no words for it. */
  readonly v1: ((url: string) => x402v1.PaymentRequirements) | undefined;
}

/** An offer that MPP can make as well: an EIP-3009 authorization pays it, or a transfer by the buyer's own transaction. */
export interface MppOffer extends Offer {
  /** The parts of a challenge that are the same for every request. */
  readonly mpp: Parameters<typeof mpp.challengeTemplate>[0];
  readonly challenge: mpp.ChallengeTemplate;
}

/** What may differ from request to request in an offer of x402 v2. */
export interface PerRequest {
  /** Why the proof was refused, if there was one. */
  readonly error?: string | undefined;
  /** Of use where the quote is `pinned`. */
  readonly pin?: string | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

/** One price in the words of every dialect. Everything but URL, nonce, expiry and error is rendered once, at start. */
export interface Quote {
  readonly terms: Terms;
  readonly offers: readonly [Offer, ...Offer[]];
  readonly mppOffers: readonly MppOffer[];
  readonly token: { readonly issuer: Issuer; readonly service: string } | undefined;
  /** Whether the price was worked out for one request and is offered with a pin. */
  readonly pinned: boolean;
  /** Gives the value of `PAYMENT-REQUIRED` for a name of the offer: a nonce, as it stands in base64. */
  paymentRequired(url: string, perRequest: PerRequest): (writtenName: string) => string;
  /** Members of the 402 body besides those of the problem: x402 v1 and the token offer, as JSON in ASCII without braces; maybe none. */
  bodyMembers(url: string, error: string | undefined): string;
}

type Sold = Pick<Terms, 'scheme' | 'service'>;

/** Who issues payment tokens for a route, and under what name. */
export function tokenOf(
  { issuer, service: main }: Settings,
  { scheme, service = main }: Sold,
): Quote['token'] {
  return issuer && service !== undefined && scheme === 'exact' ? { issuer, service } : undefined;
}

/** What offers say to requests without proof. */
const NO_PROOF = { v1: 'X-PAYMENT header is required', v2: 'Payment required' };

/** Member of an x402 v2 offer's `extra` that holds the pin. */
export const PIN = 'quote';

export function createQuote(
  settings: Settings,
  terms: Terms,
  { paymentOptions, pinned }: { paymentOptions: readonly PaymentOption[]; pinned: boolean },
): Quote {
  const token = tokenOf(settings, terms);
  const offers = offersIn(settings, terms, paymentOptions);
  const resource = definedOnly({ url: SLOT, ...resourceOf(terms) });
  const accepted = offers.map(({ v2 }) => {
    return { ...v2, extra: { ...v2.extra, ...(pinned && { [PIN]: SLOT }), [x402v2.OFFER]: NAME } };
  });
  const v2 = spliced({ x402Version: 2, error: SLOT, resource, accepts: accepted });
  const accepts = offers.flatMap((offer) => offer.v1?.(SLOT) ?? []);
  const v1 = accepts.length > 0 ? { x402Version: 1, error: SLOT, accepts } : {};
  const body = spliced({ ...v1, ...(token && { payment_token: tokenOffer(token, terms) }) });
  return {
    terms,
    offers,
    mppOffers: offers.filter((offer) => 'mpp' in offer) as MppOffer[],
    token,
    pinned,
    paymentRequired(url, { error, pin = '', extensions }) {
      const text = v2([error ?? NO_PROOF.v2, url, ...(pinned ? offers.map(() => pin) : [])]);
      return named(extensions ? `${text.slice(0, -1)},"extensions":${JSON.stringify(extensions)}}` : text);
    },
    bodyMembers: (url, error = NO_PROOF.v1) =>
      asciiJson(body([error, ...accepts.map(() => url)])).slice(1, -1),
  };
}

function offersIn(
  settings: Settings,
  terms: Terms,
  paymentOptions: readonly PaymentOption[],
): [Offer, ...Offer[]] {
  const saidInV1 = new Set<string>();
  const offers = paymentOptions.map((option) => {
    const v2 = v2Offer(settings, terms, option);
    const offer = { option, price: terms.amount, v2 };
    if (isByPermit2(terms, option)) {
      const payable = terms.scheme === 'exact' && option.transfers;
      return { ...offer, v1: undefined, ...(payable && mppOffer(settings, terms, option)) };
    }
    // A v1 payload does not name its token: of those that it could not tell apart v1 has the first.
    const inV1 = [v2.network, v2.payTo, v2.amount].join(' ');
    const sayable = !saidInV1.has(inV1);
    saidInV1.add(inV1);
    return { ...offer, v1: sayable ? v1Offer(v2, terms) : undefined, ...mppOffer(settings, terms, option) };
  });
  return offers as [Offer, ...Offer[]];
}

function v2Offer(
  { maxTimeoutSeconds }: Settings,
  terms: Terms,
  option: PaymentOption,
): x402v2.PaymentRequirements {
  const { network, asset, payTo, uptoAccount } = option;
  return {
    scheme: terms.scheme,
    network: network.id,
    amount: dueIn(option, terms.amount).toString(),
    asset: asset.address,
    payTo,
    maxTimeoutSeconds,
    extra: {
      ...asset.eip712,
      ...(isByPermit2(terms, option) && { assetTransferMethod: 'permit2' }),
      ...(terms.scheme === 'upto' && uptoAccount && { facilitatorAddress: uptoAccount }),
      // The buyer's money may move before the response is there (x402 v2, payment flows).
      ...(terms.settle !== 'after' && { paymentFlow: 'upfront' }),
    },
  };
}

/** An EIP-3009 authorization is over one amount, so that it cannot pay up to a ceiling. */
function isByPermit2({ scheme }: Terms, { transferMethod }: PaymentOption): boolean {
  return scheme === 'upto' || transferMethod === 'permit2';
}

function v1Offer({ extra = {}, ...v2 }: x402v2.PaymentRequirements, terms: Terms): Offer['v1'] {
  const { paymentFlow: _, ...known } = extra;
  const offer = { ...v2, extra: known };
  return (url) =>
    x402v1.requirementsFromV2(
      offer,
      definedOnly({ url, ...resourceOf(terms) }),
    ) as x402v1.PaymentRequirements;
}

function mppOffer(
  { realm, authorizationHeader }: Settings,
  terms: Terms,
  option: PaymentOption,
): Omit<MppOffer, keyof Offer> {
  const fixed = definedOnly({
    realm,
    method: mpp.EVM_METHOD,
    intent: mpp.CHARGE_INTENT,
    request: mppRequest(terms, option),
    description: terms.description || undefined,
    header: authorizationHeader === mpp.PAYMENT_AUTHORIZATION ? authorizationHeader : undefined,
  });
  return { mpp: fixed, challenge: mpp.challengeTemplate(fixed) };
}

function mppRequest(terms: Terms, option: PaymentOption): string {
  const { network, asset, payTo } = option;
  const amount = dueIn(option, terms.amount);
  const charge = {
    amount,
    currency: asset.address,
    recipient: payTo,
    chainId: network.chainId,
    decimals: asset.decimals,
  };
  return base64url(jcs(mpp.evmChargeRequest({ ...charge, credentialTypes: credentialTypesOf(option) })));
}

/** Types of MPP credentials that pay a payment option, the preferred one first. */
export function credentialTypesOf({
  transferMethod,
  transfers,
}: PaymentOption): readonly mpp.CredentialType[] {
  const types: mpp.CredentialType[] = transferMethod === 'eip3009' ? ['authorization'] : [];
  if (transfers) types.push('transaction');
  if (transfers?.hashes) types.push('hash');
  return types;
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

/** Stands for the name of the offer, as {@link SLOT} does for other texts. */
const NAME = '\u0001';

/**
 * JSON text in base64, all of it encoded once but for the names in it: blanks before a name let it begin where its encoding does not depend
 * on what is around it. Names are as long as a whole number of groups.
 */
function named(text: string): (writtenName: string) => string {
  const parts = text.split(JSON.stringify(NAME));
  const encoded = parts.map((part, index) => {
    const after = index === 0 ? part : `"${part}`;
    if (index === parts.length - 1) return base64(after);
    const blanks = (3 - ((Buffer.byteLength(after) + 1) % 3)) % 3;
    return base64(`${after}${' '.repeat(blanks)}"`);
  });
  return (writtenName) => encoded.join(writtenName);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** The object without its undefined members. */
function definedOnly<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>;
}
