import type { Tracker } from '@agentpay/primitives';

/**
 * The tracker of a single process, with the behaviour of the one on Redis. What it holds is lost when the process ends.
 * @param maxTokens upper bound of the tokens held; a new one above it is not tracked and stays `unknown`.
 */
export function memoryTracker({ maxTokens = 1_000_000 } = {}): Tracker {
  interface Tracked {
    state: string;
    /** Deadline, or end of the lease. */
    dueMs: number;
  }
  const tokens = new Map<string, Tracked>();
  return {
    async track({ tokenId, state, deadlineMs }) {
      const known = tokens.has(tokenId);
      if (known ? state === 'reserved' : tokens.size >= maxTokens) return;
      tokens.set(tokenId, { state, dueMs: deadlineMs });
    },
    async redeem(tokenId) {
      const token = tokens.get(tokenId);
      if (!token) return 'unknown';
      if (token.state !== 'reserved') return 'replayed';
      token.state = 'redeemed';
      return 'first';
    },
    async forget(tokenId) {
      tokens.delete(tokenId);
    },
    async due({ nowMs, limit, leaseMs }) {
      const due = [...tokens].filter(([, token]) => token.dueMs <= nowMs);
      due.sort(([idA, a], [idB, b]) => a.dueMs - b.dueMs || (idA < idB ? -1 : 1));
      const handed = due.slice(0, limit);
      for (const [, token] of handed) token.dueMs = nowMs + leaseMs;
      return handed.map(([tokenId]) => tokenId);
    },
    async close() {
      tokens.clear();
    },
  };
}
