import type { Cancel, Clock } from '@agentpay/primitives';

/** Groups what is waiting into batches, and keeps every lane (a signing account) at one batch at a time. */
export interface Batcher<T> {
  add(item: T): void;
  /** Takes a waiting item back; false when it is in a batch already. */
  remove(item: T): boolean;
  waiting(): number;
  /** No more batches; resolves when those at work are done. */
  close(): Promise<void>;
}

export interface BatcherOptions<T> {
  readonly clock: Clock;
  readonly lanes: number;
  readonly maxBatch: number;
  /** Milliseconds in which others may join the first. */
  readonly windowMs: number;
  /** Milliseconds until a batch that `flush` rejected is tried again. */
  readonly retryMs: number;
  /** Whether the item must have a batch to itself. */
  readonly alone: (item: T) => boolean;
  readonly flush: (items: readonly T[], lane: number) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

export function createBatcher<T>(options: BatcherOptions<T>): Batcher<T> {
  const { clock, maxBatch, windowMs, retryMs, alone, flush, onError } = options;
  const free = Array.from({ length: options.lanes }, (_, lane) => lane);
  const working = new Set<Promise<void>>();
  let queue: T[] = [];
  let cancelTimer: Cancel | undefined;
  let closed = false;

  function schedule(ms: number): void {
    if (closed || cancelTimer || queue.length === 0) return;
    cancelTimer = clock.timer(ms, () => {
      cancelTimer = undefined;
      pump();
    });
  }

  function pump(): void {
    while (!closed && queue.length > 0 && free.length > 0) start(take(), free.shift() as number);
  }

  function take(): T[] {
    const first = queue[0] as T;
    const batch = alone(first) ? [first] : queue.filter((item) => !alone(item)).slice(0, maxBatch);
    queue = queue.filter((item) => !batch.includes(item));
    return batch;
  }

  function start(batch: T[], lane: number): void {
    const work = flush(batch, lane)
      .then(() => 0)
      .catch((error: unknown) => {
        onError(error);
        queue = [...batch, ...queue];
        return retryMs;
      })
      .then((pause) => {
        working.delete(work);
        free.push(lane);
        // What gathered during the work goes at once.
        if (pause === 0) pump();
        else schedule(pause);
      });
    working.add(work);
  }

  return {
    add(item) {
      queue.push(item);
      schedule(windowMs);
    },
    remove(item) {
      const before = queue.length;
      queue = queue.filter((other) => other !== item);
      return queue.length < before;
    },
    waiting: () => queue.length,
    async close() {
      closed = true;
      cancelTimer?.();
      await Promise.all(working);
    },
  };
}
