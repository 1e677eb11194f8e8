import { idPrefixes, isId, isPlainText, textBounds, type IdKind } from '@agentpay/primitives';
import * as z from 'zod';

/** Text for people: none of its characters hidden. */
export function line(maxLength: number) {
  return plainText(maxLength, isPlainText);
}

/** {@link line} of any number of lines. */
export function lines(maxLength: number) {
  return plainText(maxLength, (text) => isPlainText(text.replace(/[\r\n\t]/g, ' ')));
}

function plainText(maxLength: number, isPlain: (text: string) => boolean) {
  return z
    .string({ error: 'must be text' })
    .min(1, 'must not be empty')
    .max(maxLength, `must have at most ${maxLength} characters`)
    .refine(isPlain, 'must not have control or invisible characters');
}

/** What a search form sends: text for people, or nothing of a field that was left empty. */
export function searchText(maxLength: number) {
  return z
    .string({ error: 'must be text' })
    .max(maxLength, `must have at most ${maxLength} characters`)
    .refine(isPlainText, 'must not have control or invisible characters');
}

/** The name of a page of the documentation, in its path. */
export const pageName = z
  .string()
  .regex(/^[A-Za-z][\w.-]{0,63}$/, 'must be the name of a page')
  .meta({ pattern: '^[A-Za-z][A-Za-z0-9_.-]{0,63}$', pageName: true });

/** An id of one kind, checked for its shape. */
export function id(kind: IdKind) {
  return z
    .string({ error: `must be an id that starts with ${idPrefixes[kind]}` })
    .refine((value) => isId(kind, value), `must be an id that starts with ${idPrefixes[kind]}`)
    .meta({ idKind: kind });
}

/** An id of one of several kinds, the first of which names it. */
export function idOf(first: IdKind, ...others: IdKind[]) {
  const kinds = [first, ...others];
  const error = `must be an id that starts with ${kinds.map((kind) => idPrefixes[kind]).join(' or ')}`;
  return z
    .string({ error })
    .refine((value) => kinds.some((kind) => isId(kind, value)), error)
    .meta({ idKind: first });
}

/** A moment as RFC 3339 UTC in whole seconds, rounded down. */
export const timestamp = z
  .codec(z.iso.datetime(), z.date(), {
    decode: (wire) => new Date(wire),
    encode: (date) => `${date.toISOString().slice(0, 19)}Z`,
  })
  .meta({ wire: { type: 'string', format: 'date-time' } });

/** A whole number within bounds, as JSON has it. */
export function whole(min: number, max: number, unit = '') {
  const error = `must be a whole number${unit && ` of ${unit}`} from ${min} to ${max}`;
  return z.int({ error }).min(min, error).max(max, error);
}

/** A whole number in a query string, within bounds. */
export function wholeNumber(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z
    .codec(z.string({ error }).regex(/^\d{1,10}$/, error), z.number().min(min, error).max(max, error), {
      decode: (wire) => Number(wire),
      encode: (value) => String(value),
    })
    .meta({ wire: { type: 'integer', minimum: min, maximum: max } });
}

/** A calendar month in UTC: "2026-02". */
export const month = z
  .string({ error: 'must be a month such as 2026-02' })
  .regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'must be a month such as 2026-02')
  .meta({ pattern: '^\\d{4}-(0[1-9]|1[0-2])$' });

/** `true` or `false` in a query string. */
export const flag = z
  .codec(z.enum(['true', 'false'], { error: 'must be true or false' }), z.boolean(), {
    decode: (wire) => wire === 'true',
    encode: (value) => (value ? ('true' as const) : ('false' as const)),
  })
  .meta({ wire: { type: 'boolean' } });

/** An absolute http or https URL without credentials. */
export const httpUrl = z
  .string({ error: 'must be a URL' })
  .max(textBounds.url, `must have at most ${textBounds.url} characters`)
  .refine(isHttpUrl, 'must be an absolute http or https URL without credentials')
  .meta({ format: 'uri' });

function isHttpUrl(value: string): boolean {
  if (!/^[\x21-\x7e]+$/.test(value) || !URL.canParse(value)) return false;
  const url = new URL(value);
  return (
    (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '' && url.password === ''
  );
}

/** An e-mail address, checked for its shape. */
export const email = z
  .string({ error: 'must be an e-mail address' })
  .max(textBounds.email, `must have at most ${textBounds.email} characters`)
  .regex(/^[^\s@,;<>"()]+@[^\s@,;<>"()]+\.[^\s@,;<>"().]+$/, 'must be an e-mail address')
  .refine(isPlainText, 'must not have control or invisible characters')
  .meta({ format: 'email' });

/** A currency code, as `USD`. */
export const currency = z
  .string({ error: 'must be a currency code' })
  .regex(/^[A-Z]{3,5}$/, 'must be a currency code such as USD')
  .meta({ pattern: '^[A-Z]{3,5}$' });
