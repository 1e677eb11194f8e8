import { formatDecimal, type Amount } from '@agentpay/primitives';
import { requestIdOf, targetOf, type Exchange, type Visit } from './Exchange.js';
import type { Payment } from './Payment.js';

/** What hooks are told. */
export interface PaymentEvent {
  /** Pattern of the route in the table of prices, else of the Express route, else "*". */
  readonly route: string;
  readonly method: string;
  /** With query. */
  readonly target: string;
  /** Id that the answer names in `X-Request-Id`. */
  readonly requestId: string;
  /** Price in dollars, such as "0.01"; of a price up to a ceiling the ceiling, and once it is settled what was used. */
  readonly amount: string;
}

/** A payment that fits the offer. */
export interface PayerEvent extends PaymentEvent {
  /** Who pays: "eip155:8453:0x…" or, by payment token, the wallet at AgentPay. */
  readonly payer: string;
}

/** Called as payments go their way. What they throw is reported and changes nothing; nothing waits for them. */
export interface Hooks {
  /** A 402 went out to a request without proof. */
  onChallenge?(event: PaymentEvent): unknown;
  /** The payment can be made; the handler runs next. */
  onVerified?(event: PayerEvent): unknown;
  /** The money was taken. `receipt`: the headers that tell of it. */
  onSettled?(event: PayerEvent & { readonly receipt: Readonly<Record<string, string>> }): unknown;
  /** A handler has run for a payment that was verified, and is not paid for: `left`, `timeout`, `status_404`, a facilitator's reason. */
  onUnpaid?(event: PayerEvent & { readonly reason: string }): unknown;
  /** A request was refused: for its proof, for a payment that was verified and not made, or for any other reason. */
  onRefused?(event: Omit<PaymentEvent, 'amount'> & { readonly reason: string }): unknown;
}

/** What a route has earned in this process. */
export interface Earnings {
  readonly payments: number;
  /** In micro-dollars. */
  readonly amount: bigint;
}

/** Counts what is settled, route by route. Routes come from the seller's own program: there are only so many. */
export function ledgerOfEarnings() {
  const earned = new Map<string, Earnings>();
  return {
    add(route: string, amount: bigint): void {
      const before = earned.get(route) ?? { payments: 0, amount: 0n };
      earned.set(route, { payments: before.payments + 1, amount: before.amount + amount });
    },
    all: (): ReadonlyMap<string, Earnings> => new Map(earned),
  };
}

export function tellChallenge(exchange: Exchange): void {
  const { hooks, counters } = exchange.settings;
  counters.count('challenges', routeOf(exchange));
  const { onChallenge } = hooks;
  if (onChallenge) call(exchange, () => onChallenge(priced(exchange)));
}

export function tellVerified(exchange: Exchange, { payer }: Payment): void {
  const { hooks, counters } = exchange.settings;
  counters.count('verified', routeOf(exchange));
  const { onVerified } = hooks;
  if (onVerified) call(exchange, () => onVerified({ ...priced(exchange), payer }));
}

/** A payment that was made. */
export interface Settled extends Pick<Payment, 'payer'> {
  /** What was taken; undefined: the price. */
  readonly amount: Amount | undefined;
  readonly receipt: Readonly<Record<string, string>>;
}

/** Counts a settled payment and tells of it. */
export function tellSettled(
  exchange: Exchange,
  { payer, amount = exchange.quote.terms.amount, receipt }: Settled,
): void {
  const { hooks, earnings, counters } = exchange.settings;
  earnings.add(routeOf(exchange), amount);
  counters.count('settled', routeOf(exchange));
  const { onSettled } = hooks;
  if (onSettled)
    call(exchange, () => onSettled({ ...priced(exchange), amount: formatDecimal(amount), payer, receipt }));
}

export function tellRefused(visit: Visit, reason: string): void {
  const { hooks, counters } = visit.settings;
  counters.count('refused', routeOf(visit), reason);
  const { onRefused } = hooks;
  if (onRefused) call(visit, () => onRefused({ ...about(visit), reason }));
}

/** A handler has run for nothing. */
export function tellUnpaid(exchange: Exchange, { payer }: Payment, reason: string): void {
  const { hooks, counters } = exchange.settings;
  counters.count('unpaid_runs', routeOf(exchange), reason);
  const { onUnpaid } = hooks;
  if (onUnpaid) call(exchange, () => onUnpaid({ ...priced(exchange), payer, reason }));
}

/** An answer went out and is not paid for. */
export function tellUnsettled(exchange: Exchange, reason: string): void {
  exchange.settings.counters.count('unsettled', routeOf(exchange));
  tellRefused(exchange, reason);
}

function priced(exchange: Exchange): PaymentEvent {
  return { ...about(exchange), amount: formatDecimal(exchange.quote.terms.amount) };
}

function about(visit: Visit) {
  return {
    route: routeOf(visit),
    method: visit.req.method ?? 'GET',
    target: targetOf(visit.req),
    requestId: requestIdOf(visit),
  };
}

/** Pattern of the route in the table of prices, else of the Express route, else "*". */
export function routeOf({ req, pricing }: Visit): string {
  if (pricing.route !== undefined) return pricing.route;
  const path = req.route?.path;
  return typeof path === 'string' ? `${req.baseUrl ?? ''}${path}` : '*';
}

function call({ settings }: Visit, hook: () => unknown): void {
  const failed = (error: unknown) => settings.report({ what: 'a hook failed', error });
  try {
    const returned = hook();
    if (returned instanceof Promise) returned.catch(failed);
  } catch (error) {
    failed(error);
  }
}
