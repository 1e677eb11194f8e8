import { formatDecimal, type Amount } from '@agentpay/primitives';
import { requestIdOf, routeOf, type PricedContext, type RequestContext } from './RequestContext.js';
import type { PaymentEvent } from '../seller/hooks.js';
import type { ProvenPayment } from './Payment.js';
import { targetOf } from './Request.js';

export function tellChallenge(context: PricedContext): void {
  const {
    config: { hooks },
    state: { counters },
  } = context;
  counters.count('challenges', routeOf(context));
  const { onChallenge } = hooks;
  if (onChallenge) call(context, () => onChallenge(priced(context)));
}

export function tellVerified(context: PricedContext, { payer }: ProvenPayment): void {
  const {
    config: { hooks },
    state: { counters },
  } = context;
  counters.count('verified', routeOf(context));
  const { onVerified } = hooks;
  if (onVerified) call(context, () => onVerified({ ...priced(context), payer }));
}

/** A payment that was made. */
export interface Settled extends Pick<ProvenPayment, 'payer'> {
  /** What was taken; undefined: the price. */
  readonly amount: Amount | undefined;
  readonly receipt: Readonly<Record<string, string>>;
}

/** Counts a settled payment and tells of it. */
export function tellSettled(
  context: PricedContext,
  { payer, amount = context.quote.terms.amount, receipt }: Settled,
): void {
  const {
    config: { hooks, logger },
    state: { earnings, counters },
  } = context;
  earnings.add(routeOf(context), amount);
  counters.count('settled', routeOf(context));
  const { onSettled } = hooks;
  if (!onSettled && !logger?.info) return;
  const settled = { ...priced(context), amount: formatDecimal(amount), payer };
  if (onSettled) call(context, () => onSettled({ ...settled, receipt }));
  if (logger?.info)
    call(context, () => logger.info?.(settled, `paid $${settled.amount} for ${settled.route} by ${payer}`));
}

export function tellRefused(context: RequestContext, reason: string): void {
  const {
    config: { hooks },
    state: { counters },
  } = context;
  counters.count('refused', routeOf(context), reason);
  const { onRefused } = hooks;
  if (onRefused) call(context, () => onRefused({ ...about(context), reason }));
}

/** A handler has run for nothing. */
export function tellUnpaid(context: PricedContext, { payer }: ProvenPayment, reason: string): void {
  const {
    config: { hooks },
    state: { counters },
  } = context;
  counters.count('unpaid_runs', routeOf(context), reason);
  const { onUnpaid } = hooks;
  if (onUnpaid) call(context, () => onUnpaid({ ...priced(context), payer, reason }));
}

/** A response went out and is not paid for. */
export function tellUnsettled(context: PricedContext, reason: string): void {
  context.state.counters.count('unsettled', routeOf(context));
  tellRefused(context, reason);
}

function priced(context: PricedContext): PaymentEvent {
  return { ...about(context), amount: formatDecimal(context.quote.terms.amount) };
}

function about(context: RequestContext) {
  return {
    route: routeOf(context),
    method: context.req.method ?? 'GET',
    target: targetOf(context.req),
    requestId: requestIdOf(context),
  };
}

function call({ config }: RequestContext, hook: () => unknown): void {
  const failed = (error: unknown) => config.report({ what: 'a hook failed', error });
  try {
    const returned = hook();
    if (returned instanceof Promise) returned.catch(failed);
  } catch (error) {
    failed(error);
  }
}
