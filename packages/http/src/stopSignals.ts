/** SIGTERM and SIGINT of this process. */
export interface StopSignals {
  /** Resolves at the first one. */
  readonly first: Promise<void>;
  /** Called at each further one: nothing may be broken off by it, but the wait may be shortened. */
  onAgain(fn: () => void): void;
}

/** From now on the signals end the process no more; whoever asked for them does. */
export function stopSignals(): StopSignals {
  let again = (): void => undefined;
  const first = new Promise<void>((resolve) => {
    let told = false;
    const hear = (): void => {
      if (told) again();
      told = true;
      resolve();
    };
    process.on('SIGTERM', hear).on('SIGINT', hear);
  });
  return { first, onAgain: (fn) => void (again = fn) };
}
