import { inTime } from '@agentpay/primitives';
import type { Clock } from '@agentpay/primitives';

/** Proofs beyond these are waited for before the caller is answered. */
const MOST = 1_000;
/** How long somebody who asks next waits for them: the books stand without them, with the money still held. */
const WAIT_MS = 1_000;

/** Proofs of purchases whose callers have their response already, in this process. */
export interface ProofsUnderWay {
  /** Whether one more may be. */
  readonly hasRoom: boolean;
  /** @param parties who may ask for what is being proved. A proof that fails is left to `work`. */
  add(parties: readonly string[], proof: Promise<unknown>): void;
  /** Waits, not long, for those that a party may ask for, or for all; undefined when there are none. */
  of(party?: string): Promise<void> | undefined;
}

export function proofsUnderWay(clock: Clock): ProofsUnderWay {
  const underWay = new Map<Promise<unknown>, readonly string[]>();
  return {
    get hasRoom() {
      return underWay.size < MOST;
    },
    add(parties, proof) {
      const ended = proof.then(
        () => void underWay.delete(ended),
        () => void underWay.delete(ended),
      );
      underWay.set(ended, parties);
    },
    of(party) {
      const wanted = [...underWay].filter(([, parties]) => party === undefined || parties.includes(party));
      if (wanted.length === 0) return undefined;
      const all = Promise.all(wanted.map(([ended]) => ended));
      return inTime(clock, WAIT_MS, all, () => new Error('The proofs take longer.')).then(
        () => undefined,
        () => undefined,
      );
    },
  };
}
