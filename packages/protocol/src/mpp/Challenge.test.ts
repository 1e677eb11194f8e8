import fc from 'fast-check';
import { base64url, jcs } from '../encoding/Json.js';
import { formatChallenge, parseChallenges } from './AuthParams.js';
import {
  challengeTemplate,
  challengeId,
  createChallenge,
  expiresAtMs,
  isOwnChallenge,
  readChallenges,
  readOpaque,
  serializeChallenge,
  type Bound,
  type Challenge,
} from './Challenge.js';

const SECRET = 'test-vector-secret-minimum-32-byte-secret';

describe('challenge ids', () => {
  const slot = fc.string({ minLength: 1 }).filter((text) => !text.includes('|'));
  const anyBound = fc.record(
    {
      realm: slot,
      method: slot,
      intent: slot,
      request: slot,
      expires: slot,
      digest: slot,
      header: slot,
      opaque: slot,
    },
    { requiredKeys: ['realm', 'method', 'intent', 'request'] },
  );

  it('are equal only when every bound part is equal: no part can be changed, dropped or moved', () => {
    fc.assert(
      fc.property(anyBound, anyBound, (first, second) => {
        expect(challengeId(first, SECRET) === challengeId(second, SECRET)).toBe(jcs(first) === jcs(second));
      }),
      { numRuns: 200 },
    );
  });

  it('change when any single part is changed or dropped', () => {
    fc.assert(
      fc.property(anyBound, slot, (value, other) => {
        const id = challengeId(value, SECRET);
        for (const key of Object.keys(value) as (keyof Bound)[]) {
          if (value[key] !== other) expect(challengeId({ ...value, [key]: other }, SECRET)).not.toBe(id);
          const { [key]: _, ...rest } = value;
          if (!['realm', 'method', 'intent', 'request'].includes(key))
            expect(challengeId(rest as Bound, SECRET)).not.toBe(id);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('are not taken from a challenge in which a part poses as two', () => {
    const own = createChallenge(
      { realm: 'r', method: 'evm', intent: 'charge', request: {}, header: 'Payment-Authorization' },
      SECRET,
    );
    const { header, ...rest } = own;
    const forged: Challenge = { ...rest, digest: `|${header}` };
    expect(challengeId(forged, SECRET)).toBe(own.id);
    expect(isOwnChallenge(own, [SECRET])).toBe(true);
    expect(isOwnChallenge(forged, [SECRET])).toBe(false);
  });

  it('are not made for a challenge in which a part poses as two', () => {
    expect(() =>
      createChallenge({ realm: 'a|b', method: 'evm', intent: 'charge', request: {} }, SECRET),
    ).toThrow(RangeError);
  });

  it('are recognised under the current and the former secret, and under no other', () => {
    const own = createChallenge(
      { realm: 'r', method: 'evm', intent: 'charge', request: { amount: '1' } },
      SECRET,
    );
    expect(isOwnChallenge(own, ['a new secret, thirty-two characters', SECRET])).toBe(true);
    expect(isOwnChallenge(own, ['a new secret, thirty-two characters'])).toBe(false);
    expect(isOwnChallenge({ ...own, id: own.id.slice(1) }, [SECRET])).toBe(false);
    expect(isOwnChallenge({ ...own, realm: 'other' }, [SECRET])).toBe(false);
  });
});

describe('challenges in WWW-Authenticate', () => {
  const own = createChallenge(
    {
      realm: 'api.example.com',
      method: 'evm',
      intent: 'charge',
      request: { amount: '10000' },
      opaque: { n: 'abc' },
      expires: '2026-11-20T07:26:33.165Z',
      digest: 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:',
      description: 'One "forecast", fünf Grad ☀ \\o/',
      header: 'Payment-Authorization',
    },
    SECRET,
  );
  const value = serializeChallenge(own);

  it('come back as they went, whatever their texts are', () => {
    const text = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 60 })
      .filter((raw) => !/[^\t\P{Cc}]/u.test(raw));
    fc.assert(
      fc.property(fc.record({ realm: text, description: text }), (texts) => {
        const challenge = { ...own, ...texts };
        const header = serializeChallenge(challenge);
        expect(header).toMatch(/^[\t\x20-\x7e]*$/);
        expect(readChallenges(header)).toEqual([challenge]);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['alone', value, 1],
    ['two joined by a comma', `${value}, ${value}`, 2],
    ['behind a Bearer challenge', `Bearer realm="x, y", error="invalid_token", ${value}`, 1],
    ['between Basic with a token68 and Negotiate without parameters', `Basic abc==, ${value}, Negotiate`, 1],
    ['with the scheme in another case', value.replace('Payment', 'pAyMeNt'), 1],
    ['with parameter names in another case', value.replace('realm=', 'REALM='), 1],
    [
      'with spaces around equal signs and empty list members',
      value.replace('realm=', 'realm \t= ').replace(', ', ' ,, '),
      1,
    ],
    ['with an unknown parameter', `${value}, future="1"`, 1],
    ['with a value as a bare token', value.replace('method="evm"', 'method=evm'), 1],
    ['with a parameter twice', `${value}, realm="other"`, 0],
    ['without an id', value.replace(/id="[^"]*", /, ''), 0],
    ['with an open quotation', value.slice(0, -1), 1],
    ['with a foreign scheme only', 'Bearer realm="x"', 0],
    ['empty', '', 0],
  ])('are read when they stand %s', (_, header, count) => {
    const found = readChallenges(header);
    expect(found).toHaveLength(count);
    for (const challenge of found) expect(challenge.id).toBe(own.id);
  });

  it('are read from any text without throwing', () => {
    const noise = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom('"', '\\', ',', '=', ' ', 'a', 'Payment ', 'id=') }),
    );
    fc.assert(
      fc.property(
        noise,
        (header) => Array.isArray(readChallenges(header)) && Array.isArray(parseChallenges(value + header)),
      ),
      { numRuns: 200 },
    );
  });

  it('take linear time on text made to be slow', () => {
    const hostile = [
      'a '.repeat(40_000),
      'a="'.repeat(30_000),
      `a${' '.repeat(80_000)}b`,
      '\\'.repeat(80_000),
      'a='.repeat(40_000),
    ];
    const start = performance.now();
    for (const header of hostile) readChallenges(`Payment ${header}`);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it('never carry a line break into a header', () => {
    expect(() => formatChallenge('Payment', { realm: 'x\r\nSet-Cookie: a=b' })).toThrow(RangeError);
  });
});

describe('a challenge template', () => {
  const secret = 's'.repeat(32);
  const fixed = { realm: 'api', method: 'evm', intent: 'charge', request: base64url(jcs({ amount: '1' })) };
  const described = { ...fixed, description: 'x', header: 'Payment-Authorization' };
  const fresh = { expires: '2026-01-01T00:00:00.000Z', opaque: base64url(jcs({ n: 'x' })) };

  it.each([
    ['of the least', fixed, fresh],
    [
      'with description and header',
      { ...fixed, description: 'Say "hi"', header: 'Payment-Authorization' },
      fresh,
    ],
    ['with a digest', fixed, { ...fresh, digest: 'sha-256=:AAAA:' }],
    ['with all of it', described, { ...fresh, digest: 'sha-256=:AAAA:' }],
  ])('%s issues what is written and bound part by part', (_, parts, changing) => {
    const { id, header } = challengeTemplate(parts).one(changing, secret);
    expect(readChallenges(header)).toEqual([{ id, ...parts, ...changing }]);
    expect(isOwnChallenge({ id, ...parts, ...changing }, [secret])).toBe(true);
  });

  it.each([fixed, described])('issues many, one by one the same as alone', (parts) => {
    const template = challengeTemplate(parts);
    const next = template.many(
      { expires: fresh.expires, opaque: { before: 'ab', length: 3, after: 'xyz' } },
      secret,
    );
    for (const changed of ['111', '222', '111']) {
      expect(next(changed)).toEqual(
        template.one({ expires: fresh.expires, opaque: `ab${changed}xyz` }, secret),
      );
    }
  });

  it('takes no part that could pose as two', () => {
    expect(() => challengeTemplate({ ...fixed, realm: 'a|b' })).toThrow(RangeError);
  });
});

describe('parts of a challenge', () => {
  const challenge = { id: 'x', realm: 'r', method: 'evm', intent: 'charge', request: 'e30' };

  it.each([
    ['2026-11-20T07:26:33.165Z', Date.UTC(2026, 10, 20, 7, 26, 33, 165)],
    ['2026-11-20T08:26:33+01:00', Date.UTC(2026, 10, 20, 7, 26, 33)],
    ['2026-11-20t07:26:33z', Date.UTC(2026, 10, 20, 7, 26, 33)],
  ])('reads the expiry %s', (expires, ms) => {
    expect(expiresAtMs({ ...challenge, expires })).toBe(ms);
  });

  it.each([
    undefined,
    '',
    'soon',
    '2026-11-20',
    '2026-11-20T07:26:33',
    '2026-13-20T07:26:33Z',
    '2026-11-20T07:26:33Z or later',
  ])('refuses the expiry %j', (expires) => {
    expect(() => expiresAtMs({ ...challenge, ...(expires !== undefined && { expires }) })).toThrow(
      expect.objectContaining({ kind: 'payment_malformed' }),
    );
  });

  it('reads an opaque of texts and refuses any other', () => {
    expect(readOpaque(challenge)).toEqual({});
    expect(readOpaque({ ...challenge, opaque: base64url('{"n":"1"}') })).toEqual({ n: '1' });
    for (const opaque of ['', 'trace-123', base64url('{"n":1}'), base64url('["n"]')]) {
      expect(() => readOpaque({ ...challenge, opaque })).toThrow(
        expect.objectContaining({ kind: 'payment_malformed' }),
      );
    }
  });
});
