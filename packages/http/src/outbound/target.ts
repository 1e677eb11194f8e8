import { isIP } from 'node:net';
import { OutboundError } from '@agentpay/primitives';
import { reachOf, type Reach } from './addresses.js';

/** Where a request goes. */
export interface Target {
  readonly url: URL;
  /** Resolved once: the request is sent to one of these and to nothing else. */
  readonly addresses: readonly string[];
}

/** Finds the addresses of a name. */
export type Resolve = (host: string) => Promise<readonly string[]>;

const MAX_URL = 2048;
const MAX_ADDRESSES = 4;

/**
 * Reads the URL of a server that somebody else named.
 * @throws OutboundError `url_refused` for anything but an absolute http(s) URL without user name and password whose host is written
 * plainly: an IPv4 address has four decimal parts
 */
export function readTarget(text: string): URL {
  const url = text.length <= MAX_URL && URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw refused('url_refused', 'The address is not an http or https URL.');
  if (url.username !== '' || url.password !== '')
    throw refused('url_refused', 'The address carries a user name or password.');
  // What the parser turned into an IPv4 address was written as a number, octal, hexadecimal or in other digits.
  if (isIP(url.hostname) === 4 && writtenHost(text) !== url.hostname)
    throw refused('url_refused', 'The host of the address is an IPv4 address that is not written as one.');
  return url;
}

/**
 * What can be said of a URL before anything is looked up: it is one, and a literal address or a name of this machine may be asked.
 * @throws OutboundError `url_refused`, `address_refused`
 */
export function assertWritten(text: string, isAllowed: (url: URL) => boolean): void {
  const url = readTarget(text);
  const host = hostOf(url);
  const reach = isIP(host) ? reachOf(host) : /(^|\.)localhost\.?$/.test(host) ? 'private' : 'public';
  if (!mayBeAsked(reach, url, isAllowed))
    throw refused('address_refused', 'The address is not that of a public host.');
}

/**
 * Finds out where a URL leads. Every address of the name must be one that may be asked.
 * @param isAllowed whether the host may lead to this machine and its networks
 * @throws OutboundError `address_refused`, `name_not_found`
 */
export async function resolveTarget(
  url: URL,
  { resolve, isAllowed }: { resolve: Resolve; isAllowed: (url: URL) => boolean },
): Promise<Target> {
  const host = hostOf(url);
  const addresses = isIP(host) ? [host] : (await lookUp(host, resolve)).slice(0, MAX_ADDRESSES);
  for (const address of addresses) {
    if (!mayBeAsked(reachOf(address), url, isAllowed))
      throw refused('address_refused', 'The host leads to an address that is not public.');
  }
  return { url, addresses };
}

async function lookUp(host: string, resolve: Resolve): Promise<readonly string[]> {
  const addresses = await resolve(host).catch((cause: unknown) => {
    throw new OutboundError('name_not_found', 'The host of the address is not known.', false, { cause });
  });
  if (addresses.length === 0) throw refused('name_not_found', 'The host of the address has no address.');
  return addresses;
}

/** The host of a URL, an IPv6 address without its brackets. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

function mayBeAsked(reach: Reach, url: URL, isAllowed: (url: URL) => boolean): boolean {
  return reach === 'public' || (reach === 'private' && isAllowed(url));
}

function writtenHost(text: string): string {
  return /^\s*[a-z]+:[/\\]*([^/\\?#:]*)/i.exec(text)?.[1] ?? '';
}

function refused(
  fault: 'url_refused' | 'address_refused' | 'name_not_found',
  message: string,
): OutboundError {
  return new OutboundError(fault, message, false);
}
