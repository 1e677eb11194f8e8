import { BlockList, isIP } from 'node:net';
import { memoize } from '@agentpay/primitives';

/** What an address is to us: of the internet; of this machine or its networks; or never to be asked, whoever allows it. */
export type Reach = 'public' | 'private' | 'forbidden';

/** Ranges of the IANA special-purpose registries (RFC 6890) that hosts in private networks use. */
const inside = blockList([
  '10.0.0.0/8',
  '127.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '::1/128',
  'fc00::/7',
]);

/** Metadata services of clouds that have an address outside the link-local range. */
const metadata = blockList(['168.63.129.16/32', '100.100.100.200/32', '192.0.0.192/32', 'fd00:ec2::/32']);

const special4 = blockList([
  '0.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]);

const global6 = blockList(['2000::/3']);
/** Within it: protocol assignments (Teredo and ORCHID among them), documentation, 6to4, segment routing. */
const special6 = blockList(['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']);

/**
 * Where an address leads. Of IPv6 only what is global unicast is public: addresses that carry an IPv4 address (mapped, NAT64, 6to4,
 * Teredo) are forbidden, whatever they carry.
 */
export const reachOf = memoize(1_000, (address): Reach => {
  const version = isIP(address);
  if (version === 4) {
    if (metadata.check(address)) return 'forbidden';
    if (inside.check(address)) return 'private';
    return special4.check(address) ? 'forbidden' : 'public';
  }
  if (version !== 6 || address.includes('%')) return 'forbidden';
  if (metadata.check(address, 'ipv6')) return 'forbidden';
  if (isMapped(address)) return 'forbidden';
  if (inside.check(address, 'ipv6')) return 'private';
  return global6.check(address, 'ipv6') && !special6.check(address, 'ipv6') ? 'public' : 'forbidden';
});

/** BlockList takes a mapped address for the IPv4 address that it carries. */
function isMapped(address: string): boolean {
  return mapped.check(address, 'ipv6');
}
const mapped = blockList(['0.0.0.0/0']);

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', prefix] = range.split('/');
    list.addSubnet(network, Number(prefix), isIP(network) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}
