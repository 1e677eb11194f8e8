import type { OutgoingHttpHeader, OutgoingHttpHeaders } from 'node:http';
import type { Visit } from './Exchange.js';
import { routeOf } from './hooks.js';

/** What common proxies and servers pass by default. */
const BUDGET = 8 * 1024;
const told = new WeakSet<object>();

/** Tells the operator, once for each route, when the headers of an offer are longer than proxies may pass. */
export function watchBudget(visit: Visit, head: OutgoingHttpHeaders): void {
  if (told.has(visit.pricing)) return;
  let size = 0;
  for (const name in head) size += name.length + lengthOf(head[name]) + ': \r\n'.length;
  if (size <= BUDGET) return;
  told.add(visit.pricing);
  const what = `the headers of the 402 for ${routeOf(visit)} take ${size} bytes; many proxies pass no more than ${BUDGET}`;
  visit.settings.report({ what });
}

function lengthOf(value: OutgoingHttpHeader | undefined): number {
  if (Array.isArray(value)) return value.reduce((sum, item) => sum + item.length, 0);
  return typeof value === 'string' ? value.length : String(value).length;
}
