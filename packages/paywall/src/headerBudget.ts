import type { Visit } from './Exchange.js';
import { routeOf } from './hooks.js';
import type { Offering } from './offering.js';

/** What common proxies and servers pass by default. */
const BUDGET = 8 * 1024;
/** What the other headers of a 402 take, about. */
const OTHERS = 400;
const told = new WeakSet<object>();

/** Tells the operator, once for each route, when the headers of an offer are longer than proxies may pass. */
export function watchBudget(visit: Visit, { required, challenges }: Offering): void {
  const size = challenges.reduce((sum, { length }) => sum + length, OTHERS + required.length);
  if (size <= BUDGET || told.has(visit.pricing)) return;
  told.add(visit.pricing);
  const what = `the headers of the 402 for ${routeOf(visit)} take about ${size} bytes; many proxies pass no more than ${BUDGET}`;
  visit.settings.report({ what });
}
