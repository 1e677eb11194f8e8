import type { CallOptions } from './ApiSettings.js';

type ListCall = (input: object, options: CallOptions) => Promise<unknown>;

/** How many items a page has unless the caller says so. */
const LIMIT = 100;

/** The items of a list, page after page as they are read. @param field that holds those of a page */
export async function* iterate(
  call: ListCall,
  field: string,
  input: object,
  options: CallOptions,
): AsyncGenerator<unknown, void, undefined> {
  for (let cursor: string | null | undefined = ''; typeof cursor === 'string';) {
    const page = (await call({ limit: LIMIT, ...input, cursor }, options)) as Page;
    yield* page[field] as readonly unknown[];
    cursor = page.next_cursor;
  }
}

interface Page {
  readonly [field: string]: unknown;
  readonly next_cursor?: string | null;
}
