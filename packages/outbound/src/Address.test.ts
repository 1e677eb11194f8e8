import fc from 'fast-check';
import { createOutbound, isOpenAddress } from './index.js';

const clock = { now: () => 0, timer: () => () => undefined };
const closed = createOutbound({ clock });
const local = createOutbound({ clock, rules: { loopback: true, hosts: ['10.0.0.7', '169.254.169.254'] } });
afterAll(() => Promise.all([closed.close(), local.close()]));

const refuses = (outbound: typeof closed, url: string) => {
  try {
    outbound.assertAllowed(url);
    return false;
  } catch (error) {
    expect(error).toMatchObject({ kind: 'invalid_request', reason: 'forbidden_address', param: 'url' });
    return true;
  }
};

it.each([
  ['loopback', 'http://127.0.0.1/'],
  ['any loopback', 'http://127.255.255.254:8080/'],
  ['decimal', 'http://2130706433/'],
  ['octal', 'http://0177.0.0.1/'],
  ['hexadecimal', 'http://0x7f.0x0.0x0.0x1/'],
  ['short', 'http://127.1/'],
  ['unspecified', 'http://0.0.0.0/'],
  ['private 10', 'http://10.1.2.3/'],
  ['private 172', 'http://172.16.0.1/'],
  ['private 192', 'http://192.168.1.1/'],
  ['carrier-grade NAT', 'http://100.64.0.1/'],
  ['metadata', 'http://169.254.169.254/latest/meta-data/'],
  ['documentation', 'http://203.0.113.7/'],
  ['benchmarking', 'http://198.18.0.1/'],
  ['multicast', 'http://224.0.0.1/'],
  ['broadcast', 'http://255.255.255.255/'],
  ['IPv6 loopback', 'http://[::1]/'],
  ['IPv6 unspecified', 'http://[::]/'],
  ['IPv6 link-local', 'http://[fe80::1]/'],
  ['IPv6 unique local', 'http://[fd12:3456::1]/'],
  ['IPv6 metadata', 'http://[fd00:ec2::254]/'],
  ['IPv4-mapped', 'http://[::ffff:127.0.0.1]/'],
  ['IPv4-mapped, hexadecimal', 'http://[::ffff:7f00:1]/'],
  ['IPv4-mapped public', 'http://[::ffff:8.8.8.8]/'],
  ['NAT64', 'http://[64:ff9b::7f00:1]/'],
  ['6to4', 'http://[2002:7f00:1::]/'],
  ['Teredo', 'http://[2001::7f00:1]/'],
  ['IPv6 multicast', 'http://[ff02::1]/'],
  ['localhost', 'http://localhost:3100/'],
  ['localhost with a dot', 'http://localhost./'],
  ['a name below localhost', 'http://api.localhost/'],
  ['user and password', 'http://user:secret@example.com/'],
  ['a user that looks like a host', 'http://example.com@127.0.0.1/'],
  ['another protocol', 'file:///etc/passwd'],
  ['no URL', 'example.com'],
  ['full-width digits', 'http://１２７.0.0.1/'],
])('refuses %s', (_, url) => {
  expect(refuses(closed, url)).toBe(true);
});

it.each(['https://example.com/', 'http://8.8.8.8/', 'https://[2606:4700::1111]/', 'https://bücher.example/'])(
  'takes %s',
  (url) => {
    expect(refuses(closed, url)).toBe(false);
  },
);

it('opens loopback and listed hosts for development, and metadata never', () => {
  expect(refuses(local, 'http://127.0.0.1:3101/')).toBe(false);
  expect(refuses(local, 'http://localhost:3101/')).toBe(false);
  expect(refuses(local, 'http://[::1]/')).toBe(false);
  expect(refuses(local, 'http://10.0.0.7/')).toBe(false);
  expect(refuses(local, 'http://10.0.0.8/')).toBe(true);
  expect(refuses(local, 'http://169.254.169.254/')).toBe(true);
});

it('no IPv6 address that carries a closed IPv4 address is open', () => {
  const byte = fc.integer({ min: 0, max: 255 });
  fc.assert(
    fc.property(byte, byte, byte, byte, (a, b, c, d) => {
      const v4 = [a, b, c, d].join('.');
      const hex = [(a << 8) | b, (c << 8) | d].map((word) => word.toString(16)).join(':');
      const carried = [
        `::ffff:${v4}`,
        `::ffff:${hex}`,
        `64:ff9b::${hex}`,
        `2002:${hex}::1`,
        `2001:0:${hex}::`,
        `::${hex}`,
      ];
      for (const address of carried) expect([address, isOpenAddress(address)]).toEqual([address, false]);
    }),
  );
});
