import type { Cancel, Clock } from '@agentpay/primitives';

/**
 * Groups what is waiting into batches, and keeps every lane (a signing account) at one batch at a time. First come, first served, but for
 * what would come too late.
 */
export interface Batcher<T> {
  add(item: T): void;
  /** Takes a waiting item back; false when it is in a batch already. */
  remove(item: T): boolean;
  /** Looks again for lanes that can be used. */
  wake(): void;
  /** No more batches; resolves when those at work are done. */
  close(): Promise<void>;
}

export interface BatcherOptions<T> {
  readonly clock: Clock;
  readonly lanes: number;
  readonly maxBatch: number;
  /** Milliseconds in which others may join the first, unless a batch is full before, or somebody presses. */
  readonly windowMs: number;
  /** Milliseconds that a lane rests after a batch, so that the next one has time to gather. */
  readonly restMs: number;
  /** Milliseconds until a batch that `flush` rejected is tried again. */
  readonly retryMs: number;
  /** The only lane that may take the item; undefined: any. */
  readonly laneOf?: (item: T) => number | undefined;
  /** From when on, in ms, the item waits for nobody and goes before those that have more time; undefined: never. */
  readonly pressesAt?: (item: T) => number;
  /** Whether the item must have a batch to itself. */
  readonly alone: (item: T) => boolean;
  /** Whether the lane may be given work now; undefined: always. */
  readonly isUsable?: (lane: number) => boolean;
  readonly flush: (items: readonly T[], lane: number) => Promise<unknown>;
  readonly onError: (error: unknown) => void;
}

export function createBatcher<T>(options: BatcherOptions<T>): Batcher<T> {
  const { clock, maxBatch, windowMs, restMs, retryMs, alone, flush, onError } = options;
  const { laneOf = () => undefined, isUsable = () => true, pressesAt = () => Infinity } = options;
  const free = Array.from({ length: options.lanes }, (_, lane) => lane);
  const working = new Set<Promise<void>>();
  const resting = new Set<Cancel>();
  let queue: T[] = [];
  let timer: { readonly due: number; readonly cancel: Cancel } | undefined;
  let closed = false;

  /** Gives the others until `due`, and no longer than somebody gave them before. */
  function schedule(due = clock.now() + windowMs): void {
    if (closed || !free.some(isUsable) || (timer && timer.due <= due)) return;
    timer?.cancel();
    const cancel = clock.timer(Math.max(0, due - clock.now()), () => {
      timer = undefined;
      pump();
    });
    timer = { due, cancel };
  }

  function pump(): void {
    if (closed) return;
    for (let lane = nextLane(); lane !== undefined; lane = nextLane()) {
      free.splice(free.indexOf(lane), 1);
      start(take(lane), lane);
    }
  }

  /** A free lane that has something to do. */
  function nextLane(): number | undefined {
    return free.find((lane) => isUsable(lane) && queue.some((item) => mayGo(item, lane)));
  }

  function mayGo(item: T, lane: number): boolean {
    return (laneOf(item) ?? lane) === lane;
  }

  function take(lane: number): T[] {
    const mine = inOrder(queue.filter((item) => mayGo(item, lane)));
    const first = mine[0] as T;
    const batch = alone(first) ? [first] : mine.filter((item) => !alone(item)).slice(0, maxBatch);
    queue = queue.filter((item) => !batch.includes(item));
    return batch;
  }

  function inOrder(items: readonly T[]): readonly T[] {
    const presses = (item: T) => pressesAt(item) <= clock.now();
    const pressing = items.filter(presses).sort((a, b) => pressesAt(a) - pressesAt(b));
    return pressing.length > 0 ? [...pressing, ...items.filter((item) => !presses(item))] : items;
  }

  function start(batch: T[], lane: number): void {
    const work = flush(batch, lane)
      // Behind one that goes alone, or where enough wait already, nobody has to gather.
      .then(() => (batch.some(alone) || queue.length >= maxBatch ? 0 : restMs))
      .catch((error: unknown) => {
        onError(error);
        queue = [...batch, ...queue];
        return retryMs;
      })
      .then((pause) => {
        working.delete(work);
        rest(lane, pause);
      });
    working.add(work);
  }

  function rest(lane: number, ms: number): void {
    if (closed) return;
    const cancel = clock.timer(ms, () => {
      resting.delete(cancel);
      free.push(lane);
      pump();
    });
    resting.add(cancel);
  }

  return {
    add(item) {
      queue.push(item);
      const isFull = queue.length >= maxBatch;
      schedule(isFull ? clock.now() : Math.min(clock.now() + windowMs, pressesAt(item)));
    },
    remove(item) {
      const before = queue.length;
      queue = queue.filter((other) => other !== item);
      return queue.length < before;
    },
    wake: () => schedule(),
    async close() {
      closed = true;
      timer?.cancel();
      for (const cancel of resting) cancel();
      await Promise.all(working);
    },
  };
}
