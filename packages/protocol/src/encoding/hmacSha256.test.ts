import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { hmacSha256 } from './hmacSha256.js';
import { hmacSha256 as hmacSha256Web } from './hmacSha256Web.js';

const expected = (secret: string, text: string) =>
  createHmac('sha256', secret).update(text).digest('base64url');

test('is the HMAC that Node computes, for secrets and texts of any length', () => {
  const text = fc.string({ unit: 'binary', maxLength: 300 });
  fc.assert(
    fc.property(text, fc.array(text, { minLength: 1, maxLength: 4 }), (secret, texts) => {
      const own = hmacSha256(secret).of;
      expect(texts.map((each) => own(each))).toEqual(texts.map((each) => expected(secret, each)));
    }),
    { numRuns: 200 },
  );
});

test.each(['base64url', 'base64', 'hex'] as const)('gives %s where it is asked for', (encoding) => {
  const wanted = createHmac('sha256', 'secret').update('text').digest(encoding);
  expect(hmacSha256('secret').of('text', encoding)).toBe(wanted);
  expect(hmacSha256Web('secret').of('text', encoding)).toBe(wanted);
});

test('is the same for a text of which some changes', () => {
  const around = fc.string({ unit: 'binary', maxLength: 200 });
  const changed = fc.string({ unit: 'binary-ascii', minLength: 7, maxLength: 7 });
  fc.assert(
    fc.property(
      around,
      around,
      around,
      fc.array(changed, { minLength: 1, maxLength: 4 }),
      (secret, before, after, changes) => {
        const own = hmacSha256(secret).ofChanging({ before, length: 7, after });
        expect(changes.map(own)).toEqual(changes.map((each) => expected(secret, `${before}${each}${after}`)));
      },
    ),
  );
});

test.each([63, 64, 65, 200])('takes a secret of %i bytes for what RFC 2104 says', (length) => {
  const secret = 'k'.repeat(length);
  expect(hmacSha256(secret).of('x'.repeat(5000))).toBe(expected(secret, 'x'.repeat(5000)));
});
