import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Which addresses may be called beside public ones. */
export interface AddressRules {
  /** Loopback, for development. Default: no. */
  readonly loopback?: boolean | undefined;
  /** Hosts by name or literal address, as a URL has them, that may resolve to private addresses: never link-local or metadata ones. */
  readonly hosts?: readonly string[] | undefined;
}

/** Never called, whatever is allowed: link-local addresses, where clouds keep their metadata and credentials. */
const NEVER = new Set(['linkLocal', 'unspecified', 'broadcast', 'multicast']);
/** Metadata services of clouds that are not link-local. */
const METADATA = new Set(['fd00:ec2::254', '100.100.100.200', '168.63.129.16']);

/**
 * Whether an address may be called. Of all ranges only public unicast is open; forms that carry an IPv4 address inside an IPv6 one
 * (mapped, NAT64, 6to4, Teredo) are closed whatever they carry, because the network may unpack them.
 * @param text a literal IPv4 or IPv6 address
 */
export function isOpenAddress(
  text: string,
  { loopback = false }: AddressRules = {},
  isAllowedHost = false,
): boolean {
  const address = parse(text);
  if (!address) return false;
  const range = address.range();
  if (NEVER.has(range) || METADATA.has(address.toString())) return false;
  if (range === 'unicast') return address.kind() === 'ipv4' || isGlobal(address as ipaddr.IPv6);
  if (range === 'loopback') return loopback || isAllowedHost;
  return isAllowedHost && (range === 'private' || range === 'uniqueLocal' || range === 'carrierGradeNat');
}

/** Whether a URL's host is on the list. */
export function isListedHost(hostname: string, { hosts = [] }: AddressRules): boolean {
  return hosts.some((host) => host.toLowerCase() === hostname.toLowerCase());
}

/** The literal address in a URL's host; undefined when it is a name. */
export function literalAddress(hostname: string): string | undefined {
  const bare = hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(bare) > 0 ? bare : undefined;
}

/** IPv6 gives out addresses from 2000::/3 only; what else is not named as a range may still mean an IPv4 address. */
function isGlobal(address: ipaddr.IPv6): boolean {
  return address.match(ipaddr.IPv6.parse('2000::'), 3);
}

function parse(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const bare = text.split('%')[0] as string;
  return ipaddr.isValid(bare) ? ipaddr.parse(bare) : undefined;
}
