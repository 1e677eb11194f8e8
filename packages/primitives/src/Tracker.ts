/** What a tracker remembers of a payment token while it can still change. */
export interface TrackedToken {
  readonly tokenId: string;
  /** State of the token, as the token state table names it. */
  readonly state: string;
  /** When the token's present state runs out, in ms since the Unix epoch. */
  readonly deadlineMs: number;
}

/** What a tracker says of an attempt to redeem. `unknown`: it has never seen the token, or has lost it. */
export type RedeemHint = 'first' | 'replayed' | 'unknown';

/**
 * Hot index of payment tokens: refuses replays early and finds deadlines that fell due.
 * It is never the truth: that is the token's row in PostgreSQL. Losing it costs speed, not money.
 * Implementations: Redis with Lua (`@agentpay/tracker`) and its memory twin. Methods reject when the tracker is out of reach.
 */
export interface Tracker {
  /** Remembers the token's state and next deadline. A late `reserved` never makes a token it knows redeemable again. */
  track(token: TrackedToken): Promise<void>;
  /** Marks a `reserved` token redeemed; exactly one caller gets `first`. */
  redeem(tokenId: string): Promise<RedeemHint>;
  /** Drops a token that can no longer change. */
  forget(tokenId: string): Promise<void>;
  /**
   * Up to `limit` tokens whose deadline has come, each handed to one caller for `leaseMs`, after which it is due again unless it
   * was tracked anew or forgotten. Longest waiting first: since its deadline, or since its last lease ended.
   */
  due(options: { nowMs: number; limit: number; leaseMs: number }): Promise<string[]>;
  /** Frees what the tracker holds itself; a connection given to it stays its owner's. */
  close(): Promise<void>;
}
