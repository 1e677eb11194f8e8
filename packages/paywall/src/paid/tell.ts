import { formatDecimal, type Amount } from '@agentpay/primitives';
import { requestIdOf, routeOf, type PricedContext, type RequestContext } from './RequestContext.js';
import type { PaymentEvent } from '../seller/hooks.js';
import { safely } from '../seller/Report.js';
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
    config: { hooks, line },
    state: { earnings, counters },
  } = context;
  earnings.add(routeOf(context), amount);
  counters.count('settled', routeOf(context));
  const { onSettled } = hooks;
  if (!onSettled && !line) return;
  const settled = { ...priced(context), amount: formatDecimal(amount), payer };
  if (onSettled) call(context, () => onSettled({ ...settled, receipt }));
  line?.(settled, `paid $${settled.amount} for ${shown(settled)} by ${payer} (${settled.requestId})`);
}

/** Longest path in a line of the log. */
const MOST_SHOWN = 200;

/** The route, or what was asked for where no pattern is known. */
function shown({ route, method, target }: PaymentEvent): string {
  if (route !== '*') return route;
  const path = target.split('?', 1)[0] as string;
  return `${method} ${path.length > MOST_SHOWN ? `${path.slice(0, MOST_SHOWN)}…` : path}`;
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
  safely(config.report, hook);
}
