import fc from 'fast-check';
import { endpointOf, resourceOf, slugOf } from './Service.js';

describe('slugOf', () => {
  it.each([
    ['MarketDataFeed', 'marketdatafeed'],
    ['Weather API 2', 'weatherapi2'],
    ['Café-Prices', 'cafeprices'],
  ])('%s -> %s', (name, slug) => {
    expect(slugOf(name)).toBe(slug);
  });

  it('refuses a name that leaves nothing', () => {
    expect(() => slugOf('天気 !')).toThrow('ASCII');
  });

  it('gives lower-case letters and digits only, and the same for its own slug', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (tail) => {
        const slug = slugOf(`a${tail}`);
        expect(slug).toMatch(/^[a-z0-9]+$/);
        expect(slugOf(slug)).toBe(slug);
      }),
    );
  });
});

describe('endpointOf', () => {
  const tooLong = `https://example.com/${'x'.repeat(2048)}`;

  it.each([
    'ftp://example.com',
    'javascript:alert(1)',
    'x.com',
    '',
    'https://me:secret@example.com',
    tooLong,
  ])('refuses %s', (text) => {
    expect(() => endpointOf(text)).toThrow(expect.objectContaining({ kind: 'invalid_request' }));
  });

  it('takes two addresses that differ in query, fragment, case of host or default port for one resource', () => {
    const first = resourceOf(endpointOf('https://api.example.com/weather'));
    expect(resourceOf(endpointOf('https://API.example.com:443/weather?city=Bern#now'))).toBe(first);
    expect(resourceOf(endpointOf('https://api.example.com/Weather'))).not.toBe(first);
  });
});
