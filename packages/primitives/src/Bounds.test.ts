import { isPlainText } from './Bounds.js';

test.each(['Weather API', '天気 API', 'Łódź', 'C++', 'مرحبا', '🌦️ weather', 'na\u0308ive'])(
  '%j shows all of itself',
  (text) => expect(isPlainText(text)).toBe(true),
);

test.each([
  ['a NUL', 'a\0b'],
  ['a line break', 'a\nb'],
  ['half of a surrogate pair', 'a\ud800b'],
  ['a right-to-left override', 'a\u202eb'],
  ['an isolate', 'a\u2066b'],
  ['an Arabic letter mark', 'a\u061cb'],
  ['a zero-width space', 'a\u200bb'],
  ['a zero-width joiner', 'a\u200db'],
  ['a word joiner', 'a\u2060b'],
  ['a byte order mark', '\ufeffab'],
  ['a soft hyphen', 'a\u00adb'],
  ['a line separator', 'a\u2028b'],
  ['a Hangul filler', 'a\u3164b'],
  ['a tag character', 'a\u{e0041}b'],
])('a text with %s hides something', (_what, text) => expect(isPlainText(text)).toBe(false));
