import { addressOf } from './meteredProxy.js';

const BASE = 'https://seller.example/v1/';

describe('the address of a metered call', () => {
  it.each([
    ['', 'https://seller.example/v1/'],
    ['/', 'https://seller.example/v1/'],
    ['/a/b?c=d&e', 'https://seller.example/v1/a/b?c=d&e'],
    ['?c=d', 'https://seller.example/v1/?c=d'],
    ['/a/../b', 'https://seller.example/v1/b'],
    ['//elsewhere.example/x', 'https://seller.example/v1//elsewhere.example/x'],
    ['/@elsewhere.example', 'https://seller.example/v1/@elsewhere.example'],
    ['/a?b?c', 'https://seller.example/v1/a?b?c'],
  ])('%j leads to %s', (rest, address) => expect(addressOf(BASE, rest)).toBe(address));

  it('keeps the query of the service', () =>
    expect(addressOf('https://seller.example/v1?key=1', '/a?b=2')).toBe(
      'https://seller.example/v1/a?key=1&b=2',
    ));

  it.each(['/..', '/../admin', '/%2e%2e/admin', '/a/../../admin', '/..\\admin', '/.%2E/v10'])(
    'does not leave the service: %j',
    (rest) => expect(() => addressOf(BASE, rest)).toThrow('leads out of the service'),
  );
});
