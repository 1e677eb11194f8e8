import { AgentPayError, type Clock } from '@agentpay/primitives';

export interface LaneLimits {
  readonly clock: Clock;
  /** How many of one lane run at once. */
  readonly width: number;
  /** How many of one lane wait; one more is refused. */
  readonly waiting: number;
  /** Longest wait for a turn, in ms. */
  readonly waitMs: number;
}

interface Lane {
  running: number;
  readonly queue: (() => void)[];
}

/** Runs `work` when its lane has room. @throws AgentPayError `unavailable` when it has none in time; nothing was begun then */
export type Lanes = <T>(lane: string, work: () => Promise<T>) => Promise<T>;

/** Bounds the share of a resource that work of one kind holds, so that a blocked wallet does not starve the others. */
export function lanes({ clock, width, waiting, waitMs }: LaneLimits): Lanes {
  const open = new Map<string, Lane>();

  function turn(lane: Lane): Promise<void> {
    if (lane.queue.length >= waiting) return Promise.reject(busy());
    return new Promise((resolve, reject) => {
      const start = () => {
        cancel();
        resolve();
      };
      const cancel = clock.timer(waitMs, () => {
        lane.queue.splice(lane.queue.indexOf(start), 1);
        reject(busy());
      });
      lane.queue.push(start);
    });
  }

  return async (name, work) => {
    const lane = open.get(name) ?? { running: 0, queue: [] };
    open.set(name, lane);
    if (lane.running < width) lane.running += 1;
    else await turn(lane);
    try {
      return await work();
    } finally {
      // The place goes to the next in the queue; it is given up when there is none.
      const next = lane.queue.shift();
      if (next) next();
      else if (--lane.running === 0) open.delete(name);
    }
  };
}

function busy(): AgentPayError {
  return new AgentPayError('unavailable', 'Too many requests wait for the same wallet or row.', {
    reason: 'busy',
    retryAfter: 1,
  });
}
