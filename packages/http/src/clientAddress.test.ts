import { canonicalAddress, clientAddress } from './clientAddress.js';

describe('the address that a limit counts', () => {
  it.each<[string, readonly string[]]>([
    [
      '203.0.113.7',
      [
        '203.0.113.7',
        '203.0.113.7:50001',
        '203.0.113.7:50002',
        ' 203.0.113.7 ',
        '203.0.113.007',
        '::ffff:203.0.113.7',
        '::FFFF:203.0.113.7',
        '::ffff:cb00:7107',
        '0:0:0:0:0:ffff:203.0.113.7',
        '[::ffff:203.0.113.7]:443',
        '[::ffff:203.0.113.7]',
        '64:ff9b::203.0.113.7',
      ],
    ],
    [
      '2001:db8:a:b::/64',
      [
        '2001:db8:a:b::1',
        '2001:db8:a:b::2',
        '2001:DB8:A:B::1',
        '2001:0db8:000a:000b:0000:0000:0000:0001',
        '2001:db8:a:b:ffff:ffff:ffff:ffff',
        '[2001:db8:a:b::1]',
        '[2001:db8:a:b::1]:50001',
        '2001:db8:a:b::1%eth0',
        '[2001:db8:a:b::1%25eth0]:80',
        '2001:db8:a:b::192.0.2.1',
        '2001:db8:a:b::',
      ],
    ],
    ['0:0:0:0::/64', ['::1', '[::1]:80', '::', '0:0:0:0:0:0:0:1']],
    ['fe80:0:0:0::/64', ['fe80::1%eth0', 'fe80::1']],
  ])('is %s in every spelling', (address, spellings) => {
    expect(spellings.map(canonicalAddress)).toEqual(spellings.map(() => address));
  });

  it.each([
    '',
    'unknown',
    '_hidden',
    '256.1.1.1',
    '1.2.3',
    '1.2.3.4.5',
    '2001:db8::1::2',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::1',
    '::1.2.3.400',
    'g::1',
    '0x7f.0.0.1',
    `${'1:'.repeat(60)}1`,
  ])('is none in %j', (text) => expect(canonicalAddress(text)).toBeUndefined());

  const seen = (
    forwardedFor: string | undefined,
    trustedHops: number,
    peer: string | undefined = '10.0.0.2',
  ) => clientAddress({ peer, forwardedFor, trustedHops });

  it('is that of the connection, unless proxies are trusted, and then so many back as are', () => {
    expect(seen('198.51.100.1, 203.0.113.7', 0)).toBe('10.0.0.2');
    expect(seen('198.51.100.1, 203.0.113.7:9', 1)).toBe('203.0.113.7');
    expect(seen('198.51.100.1, 203.0.113.7', 2)).toBe('198.51.100.1');
    expect(seen('198.51.100.1, 203.0.113.7', 9)).toBe('198.51.100.1');
    expect(seen(undefined, 1)).toBe('10.0.0.2');
    expect(seen(undefined, 0, '::ffff:10.0.0.2')).toBe('10.0.0.2');
    expect(clientAddress({ peer: undefined, forwardedFor: undefined, trustedHops: 0 })).toBe('unknown');
  });

  it('is that of the proxy when the proxy names none, so that made up names share one', () => {
    for (const made of ['unknown', '_a', 'x'.repeat(5_000), '', ',,,'])
      expect(seen(made, 1)).toBe('10.0.0.2');
    expect(seen('unknown, 203.0.113.7', 2)).toBe('203.0.113.7');
  });
});
