import * as z from 'zod';
import { wholeNumber } from './values.js';

/** The part of a list that is wanted, by position: the first 20 unless told. */
export const pageQuery = z.object({
  limit: wholeNumber(1, 100).default(20),
  offset: wholeNumber(0, 1_000_000).default(0),
});

/** {@link pageQuery}, or by cursor: an empty one starts at the beginning, each page names the next one in `next_cursor`. */
export const cursorQuery = pageQuery.extend({
  cursor: z
    .string()
    .regex(/^[\w-]{0,200}$/, 'must be the next_cursor of a page, or empty')
    .optional(),
});

/** The response of every list: `{ agents: [...], total }`, and `next_cursor` where a cursor was sent; null on the last page. */
export function pageOf<Plural extends string, Item extends z.ZodType>(plural: Plural, item: Item) {
  return z.object({
    ...({ [plural]: z.array(item) } as Record<Plural, z.ZodArray<Item>>),
    /** How many there are in all. */
    total: z.number(),
    next_cursor: z.string().nullable().optional(),
  });
}
