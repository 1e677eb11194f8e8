import { createHmac } from 'node:crypto';
import { AgentPayError, newestMap, unixSeconds, type Amount } from '@agentpay/primitives';
import { isSameText, jcs, sameHex } from '@agentpay/protocol';
import { bazaarListings, type BazaarListing } from '../offer/extensions/bazaar.js';
import type { RouteExtensions } from '../offer/extensions/RouteExtensions.js';
import type { PaywallParts } from '../PaywallState.js';
import type { PaywallConfig } from './PaywallConfig.js';
import { amountOf, type Authorize, type PriceFunction, type CheckedView, type RouteTerms } from './Price.js';
import { createQuote, type Quote } from '../offer/Quote.js';
import type { FacilitatorKinds } from './facilitatorKinds.js';
import { placeReader } from './routes.js';
import { priceOf, type PaymentOption } from './PaymentOption.js';

/** What a route costs: one quote, or one for each amount that its price function gives. */
export interface Pricing {
  /** Pattern in the table of prices. */
  readonly route: string | undefined;
  /** Reads path and parameters by that pattern. */
  readonly place: ReturnType<typeof placeReader> | undefined;
  readonly terms: RouteTerms;
  readonly authorize: Authorize | undefined;
  readonly extensions: RouteExtensions;
  readonly bazaar: BazaarListing | undefined;
  /** The quote for every request, where there is one. */
  readonly fixed: Quote | undefined;
  /** Resolves when offers can be made: payers up to a ceiling name the facilitator, which has to be asked. @throws AgentPayError */
  ready(): Promise<void>;
  /** What this request costs now. @throws AgentPayError `internal_error` when the price function fails */
  current(view: CheckedView): Promise<Quote | 'free'>;
  /** The pin that goes with an offer, by which its price counts until it expires. `scope` names the request. */
  pin(scope: string, quote: Quote): string;
  /** The quote of an amount that was pinned for this request, and is not too old. Without a pin only this process knows. */
  pinned(scope: string, amount: Amount, pin: string | undefined): Quote | undefined;
  /** The quote of an amount that is known to have been offered. */
  at(amount: Amount): Quote;
  /** The amounts for which so many base units of a token are due; without `asset`, of any token. */
  pricesOf(due: Amount, asset?: string): readonly Amount[];
}

/** Most quotes, and most offers, that are remembered of one route; the last half of them always are. */
const MAX_QUOTES = 1_000;
const MAX_OFFERS = 20_000;

export function createPricing({ config, state }: PaywallParts, terms: RouteTerms, route?: string): Pricing {
  const { amount, extensions = config.extensions, ...rest } = terms;
  let paymentOptions = terms.accepts ? state.paymentOptionsOf(terms.accepts) : state.paymentOptions;
  if (terms.scheme !== 'exact' && paymentOptions.some(({ facilitatorCount }) => facilitatorCount > 1)) {
    throw new TypeError('A price up to a ceiling, or a hold, needs one facilitator, which the payer names.');
  }
  const { signIn, bazaar, offerReceipt } = extensions;
  if (offerReceipt && !config.receiptKey)
    throw new TypeError('The extension offerReceipt needs the option receiptKey.');
  if ((signIn || bazaar || offerReceipt) && config.baseUrl === undefined) {
    throw new TypeError(
      "The extensions signIn, bazaar and offerReceipt need the option baseUrl: the Host header is the caller's.",
    );
  }
  let quotes = newestMap<Amount, Quote>(MAX_QUOTES);
  const at = (value: Amount): Quote => {
    const known = quotes.get(value);
    if (known) return known;
    const quote = createQuote(
      config,
      { ...rest, extensions, amount: value },
      { paymentOptions, pinned: typeof amount === 'function' },
    );
    quotes.set(value, quote);
    return quote;
  };
  return {
    route,
    place: route === undefined ? undefined : placeReader(route),
    terms,
    authorize: terms.authorize ?? config.authorize,
    extensions,
    bazaar: bazaar && bazaarListings(terms.schemas ?? {}, bazaar === true ? {} : bazaar),
    fixed: typeof amount === 'bigint' && terms.scheme === 'exact' ? at(amount) : undefined,
    async ready() {
      if (terms.scheme === 'exact') return;
      const completed = await Promise.all(
        paymentOptions.map((option) => completeOption(state.kinds, option, terms.scheme)),
      );
      if (completed.every((option, index) => option === paymentOptions[index])) return;
      paymentOptions = completed as [PaymentOption, ...PaymentOption[]];
      quotes = newestMap(MAX_QUOTES);
    },
    at,
    pricesOf(due, asset) {
      const likely =
        asset === undefined
          ? paymentOptions
          : paymentOptions.filter((option) => sameHex(option.asset.address, asset));
      return [...new Set(likely.flatMap((option) => priceOf(option, due) ?? []))];
    },
    async current(view) {
      const price = typeof amount === 'bigint' ? amount : await worksOut(config, amount, view);
      return price === 'free' ? price : at(price);
    },
    ...pins(config, at),
  };
}

/** The option with what its facilitator wants named; the same one where nothing has changed. */
async function completeOption(
  kinds: FacilitatorKinds,
  option: PaymentOption,
  scheme: RouteTerms['scheme'],
): Promise<PaymentOption> {
  if (scheme === 'upto') {
    const uptoAccount = await kinds.uptoAccount(option);
    return uptoAccount === option.uptoAccount ? option : { ...option, uptoAccount };
  }
  const holdTerms = await kinds.holdTerms(option);
  return jcs(holdTerms) === jcs(option.holdTerms ?? {}) ? option : { ...option, holdTerms };
}

async function worksOut(
  { report }: PaywallConfig,
  price: PriceFunction,
  view: CheckedView,
): Promise<Amount | 'free'> {
  try {
    const text = await price(view.asked);
    if (view.fault) throw view.fault;
    return text === 'free' ? text : amountOf(text, 'price function');
  } catch (error) {
    if (view.fault) throw view.fault;
    report({ what: 'a price function failed', error });
    throw new AgentPayError('internal_error', 'The price could not be worked out.', { cause: error });
  }
}

// A pin says until when an amount counts for a request; its code proves that it was issued here.
function pins(
  { clock, maxTimeoutSeconds, mppSecrets }: PaywallConfig,
  at: Pricing['at'],
): Pick<Pricing, 'pin' | 'pinned'> {
  const offered = newestMap<string, number>(MAX_OFFERS);
  const codeOf = (secret: string, said: string) =>
    createHmac('sha256', secret).update(`pin|${said}`).digest('base64url');
  return {
    pin(scope, { terms: { amount } }) {
      const until = unixSeconds(clock) + maxTimeoutSeconds;
      offered.set(`${scope}|${amount}`, until);
      return `${until}.${codeOf(mppSecrets[0], `${scope}|${amount}|${until}`)}`;
    },
    pinned(scope, amount, pin) {
      const until = pin === undefined ? offered.get(`${scope}|${amount}`) : untilOf(pin);
      if (until === undefined || until <= unixSeconds(clock)) return undefined;
      if (pin === undefined) return at(amount);
      const own = mppSecrets.some((secret) =>
        isSameText(pin, `${until}.${codeOf(secret, `${scope}|${amount}|${until}`)}`),
      );
      return own ? at(amount) : undefined;
    },
  };
}

function untilOf(pin: string): number | undefined {
  return /^\d{1,12}\./.test(pin) ? Number.parseInt(pin, 10) : undefined;
}
