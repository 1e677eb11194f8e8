import { numberBounds } from '@agentpay/primitives';
import * as z from 'zod';
import type { Definition } from '../Endpoint.js';
import { wholeNumber } from './values.js';

/** Where a page begins. Empty: at the beginning. */
export const cursor = z
  .string()
  .regex(/^[\w-]{0,200}$/, 'must be the next_cursor of a page, or empty')
  .optional();

/**
 * The part of a list that is wanted: the first 20 unless told. By position, or by cursor: an empty one starts at the beginning, each page
 * names the next one in `next_cursor`. What is added meanwhile moves nothing between pages by cursor.
 */
export const pageQuery = z.object({
  limit: wholeNumber(1, numberBounds.pageLimit).default(numberBounds.pageSize),
  offset: wholeNumber(0, numberBounds.pageOffset).default(0),
  cursor,
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

/** The field of a response that holds the items of a page; undefined where no pages are turned. */
export function itemsField({ query, response }: Pick<Definition, 'query' | 'response'>): string | undefined {
  const lists = Object.entries(response.shape).filter(([, field]) => field instanceof z.ZodArray);
  const [field, ...others] = lists.map(([name]) => name);
  const turned = 'cursor' in query.shape && 'next_cursor' in response.shape;
  return turned && others.length === 0 ? field : undefined;
}
