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

/** The lanes and who waits for them. */
interface Batching<T> {
  readonly options: BatcherOptions<T>;
  readonly free: number[];
  readonly working: Set<Promise<void>>;
  readonly resting: Set<Cancel>;
  queue: T[];
  timer: { readonly due: number; readonly cancel: Cancel } | undefined;
  closed: boolean;
}

export function createBatcher<T>(options: BatcherOptions<T>): Batcher<T> {
  const { clock, maxBatch, windowMs } = options;
  const free = Array.from({ length: options.lanes }, (_, lane) => lane);
  const [working, resting] = [new Set<Promise<void>>(), new Set<Cancel>()];
  const own: Batching<T> = { options, free, working, resting, queue: [], timer: undefined, closed: false };
  return {
    add(item) {
      own.queue.push(item);
      const isFull = own.queue.length >= maxBatch;
      const gathered = clock.now() + windowMs;
      schedule(own, isFull ? clock.now() : Math.min(gathered, pressesAt(own, item)));
    },
    remove(item) {
      const before = own.queue.length;
      own.queue = own.queue.filter((other) => other !== item);
      return own.queue.length < before;
    },
    wake: () => schedule(own, clock.now() + windowMs),
    async close() {
      own.closed = true;
      own.timer?.cancel();
      for (const cancel of resting) cancel();
      await Promise.all(working);
    },
  };
}

function pressesAt<T>({ options }: Batching<T>, item: T): number {
  return options.pressesAt?.(item) ?? Infinity;
}

function isUsable<T>({ options }: Batching<T>, lane: number): boolean {
  return options.isUsable?.(lane) ?? true;
}

/** Gives the others until `due`, and no longer than somebody gave them before. */
function schedule<T>(own: Batching<T>, due: number): void {
  const { free, timer, closed } = own;
  const { clock } = own.options;
  if (closed || !free.some((lane) => isUsable(own, lane)) || (timer && timer.due <= due)) return;
  timer?.cancel();
  const cancel = clock.timer(Math.max(0, due - clock.now()), () => {
    own.timer = undefined;
    pump(own);
  });
  own.timer = { due, cancel };
}

function pump<T>(own: Batching<T>): void {
  if (own.closed) return;
  for (let lane = nextLane(own); lane !== undefined; lane = nextLane(own)) {
    own.free.splice(own.free.indexOf(lane), 1);
    start(own, take(own, lane), lane);
  }
}

/** A free lane that has something to do. */
function nextLane<T>(own: Batching<T>): number | undefined {
  return own.free.find((lane) => isUsable(own, lane) && own.queue.some((item) => mayGo(own, item, lane)));
}

function mayGo<T>({ options }: Batching<T>, item: T, lane: number): boolean {
  return (options.laneOf?.(item) ?? lane) === lane;
}

function take<T>(own: Batching<T>, lane: number): T[] {
  const { alone, maxBatch } = own.options;
  const waiting = own.queue.filter((item) => mayGo(own, item, lane));
  const mine = inOrder(own, waiting);
  const first = mine[0] as T;
  const batch = alone(first) ? [first] : mine.filter((item) => !alone(item)).slice(0, maxBatch);
  own.queue = own.queue.filter((item) => !batch.includes(item));
  return batch;
}

function inOrder<T>(own: Batching<T>, items: readonly T[]): readonly T[] {
  const at = (item: T) => pressesAt(own, item);
  const presses = (item: T) => at(item) <= own.options.clock.now();
  const pressing = items.filter(presses).sort((a, b) => at(a) - at(b));
  return pressing.length > 0 ? [...pressing, ...items.filter((item) => !presses(item))] : items;
}

function start<T>(own: Batching<T>, batch: T[], lane: number): void {
  const { flush, alone, maxBatch, restMs, retryMs, onError } = own.options;
  const work = flush(batch, lane)
    // Behind one that goes alone, or where enough wait already, nobody has to gather.
    .then(() => (batch.some(alone) || own.queue.length >= maxBatch ? 0 : restMs))
    .catch((error: unknown) => {
      onError(error);
      own.queue = [...batch, ...own.queue];
      return retryMs;
    })
    .then((pause) => {
      own.working.delete(work);
      rest(own, lane, pause);
    });
  own.working.add(work);
}

function rest<T>(own: Batching<T>, lane: number, ms: number): void {
  if (own.closed) return;
  const cancel = own.options.clock.timer(ms, () => {
    own.resting.delete(cancel);
    own.free.push(lane);
    pump(own);
  });
  own.resting.add(cancel);
}
