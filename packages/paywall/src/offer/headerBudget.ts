import { type RequestContext, routeOf } from '../paid/RequestContext.js';
import type { Offering } from './offering.js';

/** What nginx passes by default, and what most other proxies and servers pass. */
const NGINX = 4 * 1024;
const OTHERS_PASS = 8 * 1024;
/** What the other headers of a 402 take, about, those for a page of another origin included. */
const OTHERS = 530;
const told = new WeakSet<object>();

/** Tells the operator, once for each route, when the headers of an offer are longer than proxies may pass. */
export function watchBudget(context: RequestContext, { headers }: Offering): void {
  let size = OTHERS;
  for (const name in headers) size += bytesOf(name, headers[name] as string | string[]);
  if (size <= NGINX || told.has(context.pricing)) return;
  told.add(context.pricing);
  const advice =
    size <= OTHERS_PASS
      ? `nginx passes no more than ${NGINX} by default: raise its proxy_buffer_size, or accept fewer ways to pay`
      : `many proxies pass no more than ${OTHERS_PASS}: accept fewer ways to pay`;
  const what = `the headers of the 402 for ${routeOf(context)} take about ${size} bytes; ${advice}`;
  context.config.report({ what });
}

/** A header on the wire, with ": " and the end of its line. */
function bytesOf(name: string, values: string | string[]): number {
  const line = name.length + 4;
  if (typeof values === 'string') return line + values.length;
  let sum = 0;
  for (const value of values) sum += line + value.length;
  return sum;
}
