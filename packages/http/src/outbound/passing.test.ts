import { addressBelow, endToEnd } from './passing.js';

const BASE = 'https://seller.example/v1/';

describe('the address that a path leads to below another', () => {
  it.each([
    ['', 'https://seller.example/v1/'],
    ['/', 'https://seller.example/v1/'],
    ['/a/b?c=d&e', 'https://seller.example/v1/a/b?c=d&e'],
    ['?c=d', 'https://seller.example/v1/?c=d'],
    ['/a/../b', 'https://seller.example/v1/b'],
    ['//elsewhere.example/x', 'https://seller.example/v1//elsewhere.example/x'],
    ['/@elsewhere.example', 'https://seller.example/v1/@elsewhere.example'],
    ['/a?b?c', 'https://seller.example/v1/a?b?c'],
  ])('%j leads to %s', (rest, address) => expect(addressBelow(BASE, rest)).toBe(address));

  it('keeps the query of the service', () =>
    expect(addressBelow('https://seller.example/v1?key=1', '/a?b=2')).toBe(
      'https://seller.example/v1/a?key=1&b=2',
    ));

  it.each(['/..', '/../admin', '/%2e%2e/admin', '/a/../../admin', '/..\\admin', '/.%2E/v10'])(
    'does not leave the service: %j',
    (rest) => expect(() => addressBelow(BASE, rest)).toThrow('leads out of the service'),
  );
});

it('headers between neighbours go no further, nor those that Connection names, nor what is to be dropped', () => {
  const headers = {
    connection: 'close, X-Private',
    'keep-alive': 'timeout=5',
    te: 'trailers',
    'x-private': '1',
    'x-dropped': '1',
    'x-absent': undefined,
    accept: 'text/plain',
    'set-cookie': ['a=1', 'b=2'],
  };
  expect(endToEnd(headers, (name) => name === 'x-dropped')).toEqual({
    accept: 'text/plain',
    'set-cookie': ['a=1', 'b=2'],
  });
});
