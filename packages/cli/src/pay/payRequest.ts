import { readFileSync } from 'node:fs';
import { findNetwork, parsePrice } from '@agentpay/primitives';
import { usageFault, type Called } from '@agentpay/http/commands';

/** What is to be fetched, and what it may cost. */
export interface PaidFetch {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: Buffer | undefined;
  /** Most that it may cost, and most of 24 hours, as prices. */
  readonly max: string;
  readonly maxPerDay: string | undefined;
  /** Networks that may be paid on; undefined: test networks. */
  readonly networks: readonly string[] | undefined;
  /** Facilitator that is asked what became of a payment. */
  readonly facilitator: string | undefined;
  readonly timeoutMs: number;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const MAX_BODY = 16 * 1024 * 1024;

/** @throws CommandFault naming the word or flag at fault */
export function readPayRequest({ args, flags }: Called): PaidFetch {
  const body = flags['data'] === undefined ? undefined : bodyOf(String(flags['data']));
  const headers = headersOf((flags['header'] ?? []) as readonly string[]);
  if (body && !headers.has('content-type')) headers.set('content-type', typeOf(body));
  return {
    url: urlOf('agentpay pay', args[0] as string),
    method: methodOf(flags['request'] ?? (body ? 'POST' : 'GET')),
    headers,
    body,
    max: priceOf('--max', flags['max'] ?? '$1'),
    maxPerDay: flags['maxPerDay'] === undefined ? undefined : priceOf('--max-per-day', flags['maxPerDay']),
    networks: networksOf(flags['network'] as readonly string[] | undefined),
    facilitator:
      flags['facilitator'] === undefined ? undefined : urlOf('--facilitator', String(flags['facilitator'])),
    timeoutMs: secondsOf(flags['timeout'] ?? '60') * 1000,
  };
}

function urlOf(what: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol)) return url.href;
  throw usageFault(`${what} needs an http or https URL, not "${text}".`);
}

function methodOf(given: unknown): string {
  const method = String(given).toUpperCase();
  if (METHODS.includes(method)) return method;
  throw usageFault(`--request must be one of ${METHODS.join(', ')}, not "${String(given)}".`);
}

function headersOf(lines: readonly string[]): Headers {
  const headers = new Headers();
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^:]+):\s*(.*)$/s.exec(line) ?? [];
    try {
      headers.append(name, value);
    } catch {
      throw usageFault(`--header must be like "Accept: text/plain", not "${line}".`);
    }
  }
  return headers;
}

function bodyOf(given: string): Buffer {
  let body: Buffer;
  try {
    const file = given === '@-' ? 0 : given.slice(1);
    body = given.startsWith('@') ? readFileSync(file) : Buffer.from(given);
  } catch (cause) {
    throw usageFault(`--data: ${given.slice(1)} cannot be read (${(cause as NodeJS.ErrnoException).code}).`);
  }
  if (body.length > MAX_BODY) throw usageFault(`--data must have at most ${MAX_BODY} bytes.`);
  return body;
}

/** As curl: a form, unless it is plainly JSON. */
function typeOf(body: Buffer): string {
  try {
    JSON.parse(body.toString('utf8'));
    return 'application/json';
  } catch {
    return 'application/x-www-form-urlencoded';
  }
}

function priceOf(flag: string, given: unknown): string {
  try {
    parsePrice(String(given));
    return String(given);
  } catch {
    throw usageFault(`${flag} must be an amount such as "$0.10", not "${String(given)}".`);
  }
}

function networksOf(names: readonly string[] | undefined): readonly string[] | undefined {
  const unknown = names?.find((name) => !findNetwork(name));
  if (unknown === undefined) return names;
  throw usageFault(`--network must be base-sepolia or base, not "${unknown}".`);
}

function secondsOf(given: unknown): number {
  const seconds = /^\d{1,4}$/.test(String(given)) ? Number(given) : 0;
  if (seconds >= 1) return seconds;
  throw usageFault(`--timeout must be a number of seconds from 1 to 9999, not "${String(given)}".`);
}
