import { formatDecimal, type Amount } from '@agentpay/primitives';
import { requestIdOf, routeOf, type Exchange, type Visit } from './RequestContext.js';
import type { PaymentEvent } from '../seller/hooks.js';
import type { Payment } from './Payment.js';
import { targetOf } from './Request.js';

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

function call({ settings }: Visit, hook: () => unknown): void {
  const failed = (error: unknown) => settings.report({ what: 'a hook failed', error });
  try {
    const returned = hook();
    if (returned instanceof Promise) returned.catch(failed);
  } catch (error) {
    failed(error);
  }
}
