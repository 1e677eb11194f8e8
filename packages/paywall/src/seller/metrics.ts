import { formatDecimal } from '@agentpay/primitives';
import type { Earnings } from './hooks.js';

const HELP = {
  challenges: 'Offers to requests without proof',
  verified: 'Payments that can be made',
  settled: 'Payments that were made',
  unsettled: 'Responses that went out and were not paid for',
  unpaid_runs: 'Runs of handlers that were not paid for',
  refused: 'Requests that were refused',
} as const;
type Event = keyof typeof HELP;

/** Reasons come from facilitators, too: those above this number are counted together. */
const MAX_REASONS = 100;
/** Stands between route and reason in the key of a count, and in neither of them. */
const BETWEEN = '\n';

/** What happens, counted by route and, for refusals, by reason. Routes come from the seller's own program: there are only so many. */
export function counters() {
  const counts: Record<Event, Map<string, number>> = {
    challenges: new Map(),
    verified: new Map(),
    settled: new Map(),
    unsettled: new Map(),
    unpaid_runs: new Map(),
    refused: new Map(),
  };
  const reasons = new Set<string>();

  return {
    count(event: Event, route: string, reason?: string): void {
      const key = reason === undefined ? route : route + BETWEEN + known(reason);
      counts[event].set(key, (counts[event].get(key) ?? 0) + 1);
    },
    /** In the text format of Prometheus, version 0.0.4. */
    text(earnings: ReadonlyMap<string, Earnings>): string {
      const families = Object.entries(HELP).map(([event, help]) =>
        family(event, help, [...counts[event as Event]]),
      );
      const earned = [...earnings].map(([route, { amount }]) => [route, formatDecimal(amount)] as const);
      return [...families, family('earned_dollars', 'Dollars that were paid', earned)].join('');
    },
  };

  function known(reason: string): string {
    if (reasons.size < MAX_REASONS) reasons.add(reason);
    return reasons.has(reason) ? reason : 'other';
  }
}

function family(
  event: string,
  help: string,
  samples: readonly (readonly [key: string, value: number | string])[],
): string {
  const name = `agentpay_paywall_${event}_total`;
  const lines = samples.map(([key, value]) => `${name}{${labels(key)}} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} counter\n${lines.join('')}`;
}

function labels(key: string): string {
  const [route = '', reason] = key.split(BETWEEN);
  return reason === undefined ? label('route', route) : `${label('route', route)},${label('reason', reason)}`;
}

function label(name: string, value: string): string {
  return `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
