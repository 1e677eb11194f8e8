import type { Pages } from '@agentpay/api';
import type { CallOptions } from './ApiSettings.js';

type ListCall = (input: object, options: CallOptions) => Promise<unknown>;

/** How many items a page has unless the caller says so. */
const LIMIT = 100;

/** The items of a list, page after page as they are read. */
export async function* iterate(
  call: ListCall,
  { field, byCursor }: Pages,
  input: object,
  options: CallOptions,
): AsyncGenerator<unknown, void, undefined> {
  let turn: object | undefined = byCursor ? { cursor: '' } : { offset: 0 };
  let read = 0;
  while (turn) {
    const page = (await call({ limit: LIMIT, ...input, ...turn }, options)) as Page;
    const items = page[field] as readonly unknown[];
    yield* items;
    read += items.length;
    turn = byCursor ? nextCursor(page) : nextOffset(page, items.length, read);
  }
}

interface Page {
  readonly [field: string]: unknown;
  readonly total: number;
  readonly next_cursor?: string | null;
}

function nextCursor({ next_cursor: cursor }: Page): object | undefined {
  return cursor === undefined || cursor === null ? undefined : { cursor };
}

function nextOffset({ total }: Page, items: number, read: number): object | undefined {
  return items === 0 || read >= total ? undefined : { offset: read };
}
