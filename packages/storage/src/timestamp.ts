/** Types of PostgreSQL. */
export const TIMESTAMP = 1114;
export const TIMESTAMPTZ = 1184;

// DateStyle ISO: "2026-05-08 13:05:00.123+00", with minutes in the offset where a zone has them.
const ISO = /^(\d{4,6})-(\d\d)-(\d\d) (\d\d:\d\d:\d\d)(\.\d{1,6})?([+-]\d\d(?::\d\d(?::\d\d)?)?)?$/;

/**
 * A timestamp in the ISO style, without a zone taken as UTC.
 * @throws RangeError for anything else: a deadline that cannot be read must never count as "no deadline"
 */
export function parseTimestamp(text: string): Date {
  const [, year = '', month, day, time, fraction = '', zone = '+00'] = ISO.exec(text) ?? [];
  const offset = /^[+-]\d\d$/.test(zone) ? `${zone}:00` : zone;
  const years = year.length > 4 ? `+${year.padStart(6, '0')}` : year;
  const date = new Date(`${years}-${month}-${day}T${time}${fraction.slice(0, 4)}${offset}`);
  if (Number.isNaN(date.getTime()))
    throw new RangeError(`The database gave an unreadable timestamp: ${text}`);
  return date;
}
