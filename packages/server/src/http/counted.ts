import type { Counted } from '@agentpay/core';

/** What the response of a list says beside its items. */
export function counted({ total, nextCursor }: Counted) {
  return nextCursor === undefined ? { total } : { total, next_cursor: nextCursor };
}
