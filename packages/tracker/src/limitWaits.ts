import { afterThisTurn, systemClock, type Cancel } from '@agentpay/primitives';
import type { Redis } from 'ioredis';

/**
 * Gives up a command that gets no response within `ms`, and the connection when nothing at all has come for as long again. Whatever has
 * arrived is read before: a process that itself stood still for longer than `ms` must not take Redis for away, as it would by timers alone.
 */
export function limitWaits(redis: Redis, ms: number): void {
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, stream) => {
    const sent = send(command, stream);
    if (command.isSettled) return sent;
    const socket = redis.stream;
    const cancel = afterReading(ms, () => {
      if (command.isSettled) return;
      command.reject(new Error(`Redis did not respond within ${ms} ms`));
      const heard = socket.bytesRead;
      afterReading(ms, () => {
        if (socket.bytesRead === heard) socket.destroy(new Error(`Redis sent nothing for ${2 * ms} ms`));
      });
    });
    command.promise.then(cancel, cancel);
    return sent;
  };
}

/** The timers of a turn of the event loop run before what has arrived is read: this runs behind both. */
function afterReading(ms: number, fn: () => void): Cancel {
  return systemClock.timer(ms, () => afterThisTurn(fn), { background: true });
}
