import type { IncomingMessage } from 'node:http';
import { memoize } from '@agentpay/primitives';

/** Where a request came from, as the connection and the proxies tell it. */
export interface Origin {
  /** The other end of the connection. */
  readonly peer: string | undefined;
  /** The header `X-Forwarded-For`. */
  readonly forwardedFor: string | readonly string[] | undefined;
  /** Number of proxies in front whose `X-Forwarded-For` is believed. */
  readonly trustedHops: number;
}

/**
 * Whom a limit counts a request against, in one spelling: the IPv4 address, or the /64 network of an IPv6 address, since a household or a
 * server has all of that. Ports, brackets and zones are left out, and IPv4 inside IPv6 (`::ffff:192.0.2.1`, `64:ff9b::192.0.2.1`) is
 * IPv4. What a trusted proxy names and is no address is passed over for the proxy itself.
 * @example clientAddress({ peer: '10.0.0.2', forwardedFor: '[2001:db8::1]:50001', trustedHops: 1 }) // '2001:db8:0:0::/64'
 */
export function clientAddress({ peer, forwardedFor = '', trustedHops }: Origin): string {
  const named = trustedHops > 0 ? String(forwardedFor).split(',') : [];
  const trusted = named.reverse().slice(0, trustedHops);
  const known = [addressOfPeer(peer ?? ''), ...trusted.map(canonicalAddress)];
  return known.findLast((address) => address !== undefined) ?? 'unknown';
}

const addressOfPeer = memoize(1_000, (peer: string) => canonicalAddress(peer));

/** {@link clientAddress} of a request. */
export function addressOf({ socket, headers }: IncomingMessage, trustedHops: number): string {
  return clientAddress({ peer: socket.remoteAddress, forwardedFor: headers['x-forwarded-for'], trustedHops });
}

/** One spelling of an address for limits; undefined when the text is none. */
export function canonicalAddress(text: string): string | undefined {
  const bare = withoutPort(text.trim());
  return ipv4(bare) ?? ipv6Network(bare);
}

/** `192.0.2.1:80` and `[2001:db8::1]:80`; more than one colon without brackets is an IPv6 address. */
function withoutPort(text: string): string {
  const [, inBrackets] = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text) ?? [];
  return (inBrackets ?? text.replace(/^([\d.]+):\d{1,5}$/, '$1')).replace(/%.*$/, '');
}

function ipv4(text: string): string | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  return parts?.every((part) => part <= 255) ? parts.join('.') : undefined;
}

function ipv6Network(text: string): string | undefined {
  const groups = ipv6Groups(text);
  if (!groups) return undefined;
  const head = groups.slice(0, 6).join(':');
  if (head === '0:0:0:0:0:65535' || head === '100:65435:0:0:0:0') {
    const [high = 0, low = 0] = groups.slice(6);
    return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

/** The eight groups; the last two may be written as IPv4. */
function ipv6Groups(text: string): number[] | undefined {
  if (text.length > 45 || !/^[\da-f:.]+$/i.test(text) || !text.includes(':')) return undefined;
  const [, lead = '', tail] = /^(.*:)([\d.]*\.[\d.]*)$/.exec(text) ?? [];
  const last = tail === undefined ? undefined : ipv4(tail)?.split('.').map(Number);
  if (tail !== undefined && !last) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = last ?? [];
  const whole = last ? `${lead}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}` : text;
  const halves = whole.split('::');
  const [left = [], right = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - left.length - right.length;
  if (halves.length > 2 || (halves.length === 2 ? missing < 1 : missing !== 0)) return undefined;
  const groups = [...left, ...Array<string>(halves.length === 2 ? missing : 0).fill('0'), ...right];
  return groups.every((group) => /^[\da-f]{1,4}$/i.test(group))
    ? groups.map((group) => parseInt(group, 16))
    : undefined;
}
