import type { IncomingMessage } from 'node:http';

/** Who calls: the peer of the connection, or who it says it speaks for (X-Forwarded-For), as many proxies back as are believed. */
export function clientAddress({ socket, headers }: IncomingMessage, trustedHops: number): string {
  const forwarded = trustedHops > 0 ? String(headers['x-forwarded-for'] ?? '') : '';
  const named = forwarded
    .split(',')
    .map((address) => address.trim())
    .filter((address) => address !== '');
  const [nearest = 'unknown', ...further] = [socket.remoteAddress, ...named.reverse()];
  return further[Math.min(trustedHops, further.length) - 1] ?? nearest;
}
