import fc from 'fast-check';
import { nameKeyOf, slugOf } from './Name.js';
import { endpointOf, resourceOf } from './Service.js';

describe('slugOf', () => {
  it.each([
    ['MarketDataFeed', 'marketdatafeed'],
    ['Weather API 2', 'weatherapi2'],
    ['Café-Prices', 'cafeprices'],
  ])('%s -> %s', (name, slug) => {
    expect(slugOf(name)).toBe(slug);
  });

  it.each([
    ['Łódź', 'lodz'],
    ['æther', 'aether'],
    ['Straße', 'strasse'],
    ['Þór Ørsted', 'thororsted'],
    ['ＦＵＬＬ width', 'fullwidth'],
  ])('writes %s as %s', (name, slug) => {
    expect(slugOf(name)).toBe(slug);
  });

  it.each([
    ['天気 API', '株価 API', 'api'],
    ['C++ API', 'C# API', 'capi'],
    ['C++ API', 'C API', 'capi'],
    ['Погода 7', 'Курсы 7', '7'],
    ['100% API', '100 API', '100api'],
  ])('tells %s from %s', (one, other, start) => {
    expect(slugOf(one)).not.toBe(slugOf(other));
    expect(slugOf(one)).toMatch(new RegExp(`^${start}[0-9a-z]*$`));
    expect(nameKeyOf(one)).not.toBe(nameKeyOf(other));
  });

  it('takes names that look alike for one', () => {
    for (const name of ['Weather API', 'weather-api', 'WEATHER_API!', 'Ｗeather api'])
      expect([nameKeyOf(name), slugOf(name)]).toEqual(['weatherapi', 'weatherapi']);
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
