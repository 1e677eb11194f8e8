import type { SqlValue } from '@agentpay/primitives';

/** What the thread needs to begin. */
export interface ThreadData {
  readonly dir: string | undefined;
}

/** From the process to the thread of PGlite. */
export type PgliteCommand =
  | {
      readonly id: number;
      readonly kind: 'query';
      readonly sql: string;
      readonly params: readonly SqlValue[];
    }
  | { readonly id: number; readonly kind: 'exec'; readonly sql: string }
  | { readonly id: number; readonly kind: 'close' };

/** An order without its number. */
export type Work = PgliteCommand extends infer One
  ? One extends PgliteCommand
    ? Omit<One, 'id'>
    : never
  : never;

/** Back again. Of an error what PostgreSQL said of it, since threads do not share classes. */
export type PgliteReply =
  | { readonly id: number; readonly rows: readonly unknown[] }
  | { readonly id: number; readonly error: { readonly message: string; readonly code?: string } };
