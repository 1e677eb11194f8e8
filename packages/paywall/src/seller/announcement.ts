import { formatMoney } from '@agentpay/primitives';
import type { PaywallParts } from '../PaywallState.js';
import { facilitatorFaults } from './facilitatorCheck.js';
import type { PaymentOption } from './PaymentOption.js';
import type { PaywallConfig } from './PaywallConfig.js';
import type { RouteTerms } from './Price.js';

type Terms = Pick<RouteTerms, 'amount' | 'scheme' | 'accepts' | 'description'>;

interface Sold {
  readonly what: string;
  readonly terms: Terms;
}

/** What a start-up line names at most; the rest is counted. */
const MOST_SALES = 20;
const MOST_PLACES = 5;
const MOST_DESCRIPTION = 60;
/** What is remembered for it beside the table of prices. */
const MOST_KEPT = 1_000;

/**
 * Says once, soon after the paywall was made, what it sells, to whom the money goes and who settles it, and reports what is wrong with
 * facilitators elsewhere; those in this process answer for themselves. Nobody waits for it.
 * @returns what is told of each price by `charge()`
 */
export function announcement({ config, state }: PaywallParts): (terms: Terms) => void {
  const sold = soldBy(config);
  let isMade = false;

  async function announce(): Promise<void> {
    const faults = await facilitatorFaults(remoteOf(state.used));
    isMade = true;
    if (config.line && sold.length > 0) {
      const own = sold.some(({ terms }) => !terms.accepts);
      const options = state.used.filter((option) => own || !state.paymentOptions.includes(option));
      const sells = sold.map(({ what, terms }) => ({ route: what, price: priceText(terms) }));
      config.line({ sells, paid: places(options) }, startLine(sells, options));
    }
    for (const what of faults) config.report({ what });
  }

  if (config.line || remoteOf(state.used).length > 0)
    config.clock.timer(0, () => void announce(), { background: true });
  return (terms) => {
    if (!isMade && sold.length < MOST_KEPT) sold.push({ what: named(terms, 'charge()'), terms });
  };
}

/** What has no pattern goes by what buyers are told of it. */
function named({ description }: Terms, otherwise: string): string {
  return description ? `"${description.slice(0, MOST_DESCRIPTION)}"` : otherwise;
}

/** What is for sale by the options. */
function soldBy({ price, routes = [] }: PaywallConfig): Sold[] {
  const listed = routes.flatMap(([what, terms]) => (terms === 'free' ? [] : { what, terms }));
  return price ? [{ what: named(price, 'everything'), terms: price }, ...listed] : listed;
}

const remoteOf = (options: readonly PaymentOption[]) =>
  options.filter(({ facilitatorName }) => /^https?:/.test(facilitatorName));

/** "$0.01", "up to $0.10". */
function priceText({ amount, scheme }: Terms): string {
  if (typeof amount === 'function') return 'a price that depends on the request';
  const price = `$${formatMoney(amount)}`;
  if (scheme === 'exact') return price;
  return scheme === 'upto' ? `up to ${price}` : `${price}, held`;
}

/** Where the money goes, each place once. */
function places(options: readonly PaymentOption[]) {
  const all = options.map(({ payTo, network, facilitatorName }) => ({
    payTo,
    network: network.title,
    facilitator: facilitatorName,
  }));
  return [...new Map(all.map((place) => [JSON.stringify(place), place])).values()];
}

function startLine(
  sells: readonly { readonly route: string; readonly price: string }[],
  options: readonly PaymentOption[],
): string {
  const sales = [...new Set(sells.map(({ route, price }) => `${route} at ${price}`))];
  const paid = places(options).map(
    ({ payTo, network, facilitator }) => `to ${payTo} on ${network}, settled by ${facilitator}`,
  );
  return `selling ${shortened(sales, MOST_SALES)}; paid ${shortened(paid, MOST_PLACES)}`;
}

function shortened(texts: readonly string[], most: number): string {
  const more = texts.length - most;
  return more > 0 ? `${texts.slice(0, most).join(', ')} and ${more} more` : texts.join(', ');
}
