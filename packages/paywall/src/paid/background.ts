/** Work that goes on after the response to its request. */
export interface Background {
  /** `work` never rejects. */
  run(work: Promise<void>): void;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

export function backgroundWork(): Background {
  const underWay = new Set<Promise<void>>();
  return {
    run(work) {
      const kept = work.finally(() => underWay.delete(kept));
      underWay.add(kept);
    },
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}
