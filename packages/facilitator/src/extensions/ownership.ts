import { findNetwork, type FetchOut } from '@agentpay/primitives';
import { fromBase64, sameHex } from '@agentpay/protocol';

/** A listed resource, and whom its payments go to. */
export interface Probed {
  /** Where it was bought. */
  readonly url: string;
  readonly type: 'http' | 'mcp';
  /** HTTP method, or name of the tool. */
  readonly name: string;
  readonly payTo: string;
  /** CAIP-2. */
  readonly network: string;
}

/**
 * What a resource says of itself: `own`, its 402 asks for payments to this payee; `foreign`, it asks for others, or for none; `away`, it
 * said nothing.
 */
export type Ownership = 'own' | 'foreign' | 'away';

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 64 * 1024;
/** Levels of a body below which no offer is looked for. */
const MAX_DEPTH = 6;

/**
 * Asks a resource, without paying, whose it is: nobody can list a URL that does not name them as the payee.
 * @example
 * ```ts
 * import { ownershipOf } from '@agentpay/facilitator';
 * import { outbound } from '@agentpay/http';
 * import { systemClock } from '@agentpay/primitives';
 *
 * const { fetchOut, close } = outbound({ clock: systemClock });
 * const owner = await ownershipOf(fetchOut, {
 *   url: 'https://example.com/weather',
 *   type: 'http',
 *   name: 'GET',
 *   payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
 *   network: 'eip155:84532',
 * });
 * console.log(owner); // own, foreign or away
 * await close();
 * ```
 */
export async function ownershipOf(fetchOut: FetchOut, probed: Probed): Promise<Ownership> {
  try {
    const { status, headers, body } = await fetchOut(probed.url, questionTo(probed));
    if (status >= 500) return 'away';
    const said = [decoded(headers['payment-required'] ?? ''), json(Buffer.from(body).toString('utf8'))];
    const isOwn = said.some((value) => offers(value).some((offer) => pays(offer, probed)));
    return isOwn && (status === 402 || probed.type === 'mcp') ? 'own' : 'foreign';
  } catch (error) {
    const { fault } = error as { fault?: string };
    return fault === 'address_refused' || fault === 'url_refused' ? 'foreign' : 'away';
  }
}

function questionTo({ type, name }: Probed) {
  const limits = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, longer: 'cut', maxRedirects: 0 } as const;
  const sent = {
    ...limits,
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
  };
  if (type === 'mcp') {
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } };
    return { ...sent, method: 'POST', body: JSON.stringify(call) };
  }
  if (['POST', 'PUT', 'PATCH'].includes(name)) return { ...sent, method: name, body: '{}' };
  return { ...limits, method: name, headers: { accept: 'application/json' } };
}

function pays(offer: unknown, { payTo, network }: Probed): boolean {
  const { payTo: payee, network: on } = (offer ?? {}) as { payTo?: unknown; network?: unknown };
  if (typeof payee !== 'string' || typeof on !== 'string') return false;
  return sameHex(payee, payTo) && (findNetwork(on)?.id ?? on) === network;
}

/** The members of every `accepts` in a value: 402 bodies have it on top, answers of tools further inside, perhaps as text. */
function offers(value: unknown, depth = 0): readonly unknown[] {
  if (depth > MAX_DEPTH) return [];
  if (typeof value === 'string') return value.includes('"accepts"') ? offers(json(value), depth + 1) : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    name === 'accepts' && Array.isArray(member) ? (member as unknown[]) : offers(member, depth + 1),
  );
}

function decoded(header: string): unknown {
  try {
    return header === '' ? undefined : fromBase64(header);
  } catch {
    return undefined;
  }
}

/** JSON, also as the data of the first server-sent event. */
function json(text: string): unknown {
  try {
    return JSON.parse(/^data: ?(.+)$/m.exec(text)?.[1] ?? text);
  } catch {
    return undefined;
  }
}
