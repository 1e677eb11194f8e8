import { createHash } from 'node:crypto';
import { AgentPayError } from '@agentpay/primitives';

/** Letters that no normalization takes apart, as they are written in ASCII. */
const latin: Readonly<Record<string, string>> = {
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ß: 'ss',
  ı: 'i',
  ħ: 'h',
  ŧ: 't',
  ŋ: 'ng',
  ĸ: 'k',
};

const SUFFIX_LENGTH = 6;
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * What two names share that people would take for one: case, blanks and punctuation do not count; letters of every alphabet and signs
 * with a meaning of their own (`C++`, `C#`) do.
 */
export function nameKeyOf(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFKC')
    .replace(/[^\p{L}\p{N}\p{M}\p{S}#@&%*]/gu, '');
}

/**
 * The name's letters and digits in lower case: "Market Data-Feed" -> "marketdatafeed". Accents are dropped, letters of other Latin
 * alphabets written in ASCII: "Łódź" -> "lodz". A name of which something is lost gets six characters that stand for the whole of it.
 * @throws AgentPayError `invalid_request` for a name without a single letter or digit that can be written in ASCII
 */
export function slugOf(name: string): string {
  const key = nameKeyOf(name);
  const written = [...key.normalize('NFKD').replace(/\p{M}/gu, '')]
    .map((letter) => latin[letter] ?? letter)
    .join('');
  const slug = written.replace(/[^a-z0-9]/g, '');
  if (slug === '')
    throw new AgentPayError('invalid_request', 'The name has no letter or digit of the ASCII alphabet.', {
      param: 'name',
    });
  return slug === written ? slug : slug + suffixOf(key);
}

function suffixOf(key: string): string {
  const digest = createHash('sha256').update(key).digest();
  return [...digest.subarray(0, SUFFIX_LENGTH)].map((byte) => DIGITS[byte & 31]).join('');
}
