import { isAgentPayError } from '@agentpay/primitives';
import fc from 'fast-check';
import {
  MAX_ENCODED,
  asciiJson,
  base64url,
  fromBase64,
  fromBase64url,
  isPlain,
  jcs,
  toBase64,
} from './Json.js';

const json = fc.jsonValue({ maxDepth: 5 }).filter((value) => isPlain(value));

/** Whether `decode` gives a value or refuses with `payment_malformed`, and nothing else. */
function refusesCleanly(decode: () => unknown): boolean {
  try {
    decode();
    return true;
  } catch (error) {
    return isAgentPayError(error, 'payment_malformed');
  }
}

test('JSON is the same value in ASCII', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const ascii = asciiJson(JSON.stringify({ [text]: text }));
      expect(Buffer.byteLength(ascii)).toBe(ascii.length);
      expect(JSON.parse(ascii)).toEqual({ [text]: text });
    }),
    { numRuns: 200 },
  );
});

describe('JSON in headers', () => {
  it('comes back as it went, in both alphabets, padded or not', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = JSON.stringify(value);
        const expected = JSON.parse(text) as unknown;
        expect(fromBase64(toBase64(value))).toEqual(expected);
        expect(fromBase64(toBase64(value).replace(/=+$/, ''))).toEqual(expected);
        expect(fromBase64url(base64url(text))).toEqual(expected);
        expect(
          fromBase64url(Buffer.from(text).toString('base64').replaceAll('+', '-').replaceAll('/', '_')),
        ).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  it('is refused as payment_malformed, whatever the text', () => {
    const text = fc.oneof(
      fc.string(),
      fc.base64String(),
      fc.string({ unit: 'binary' }),
      fc.string().map((raw) => base64url(raw)),
    );
    fc.assert(
      fc.property(
        text,
        (raw) => refusesCleanly(() => fromBase64(raw)) && refusesCleanly(() => fromBase64url(raw)),
      ),
      { numRuns: 200 },
    );
  });

  it.each([
    ['the URL alphabet where the standard one is due', () => fromBase64('eyJhIjoi_-8ifQ')],
    ['the standard alphabet where the URL one is due', () => fromBase64url('eyJhIjoi/+8ifQ')],
    ['text above the limit', () => fromBase64('A'.repeat(MAX_ENCODED + 4))],
    ['empty text', () => fromBase64('')],
    [
      'nesting of 1000',
      () => fromBase64(Buffer.from('['.repeat(1000) + ']'.repeat(1000)).toString('base64')),
    ],
    ['an own __proto__', () => fromBase64(Buffer.from('{"__proto__":1}').toString('base64'))],
    [
      'an own __proto__, escaped',
      () => fromBase64(Buffer.from('{"a":{"\\u005f_proto__":{"x":1}}}').toString('base64')),
    ],
    ['a number that overflows', () => fromBase64(Buffer.from('{"a":1e999}').toString('base64'))],
    ['a lone surrogate', () => fromBase64(Buffer.from('{"a":"\\ud800"}').toString('base64'))],
  ])('refuses %s', (_, decode) => {
    expect(decode).toThrow(expect.objectContaining({ kind: 'payment_malformed' }));
  });
});

describe('canonical JSON', () => {
  it('sorts keys and writes numbers as RFC 8785 has them', () => {
    expect(jcs({ b: [1e21, 0.000001, -0], a: { é: 'ü"\n', Z: null } })).toBe(
      '{"a":{"Z":null,"é":"ü\\"\\n"},"b":[1e+21,0.000001,0]}',
    );
  });

  it('is the same for equal values, whatever the order of keys', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), json).filter((value) => isPlain(value)),
        (value) => {
          const reversed = Object.fromEntries(Object.entries(value).reverse());
          expect(jcs(reversed)).toBe(jcs(value));
        },
      ),
      { numRuns: 200 },
    );
  });
});
