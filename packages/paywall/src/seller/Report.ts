import { afterThisTurn } from '@agentpay/primitives';

/** Reports a fault that is not the caller's to the operator. What it throws is ignored. */
export type Report = (fault: {
  readonly what: string;
  readonly error?: unknown;
  readonly requestId?: string;
}) => void;

export interface Logger {
  error(fields: object, message: string): void;
  /** Told of what is sold, once, and of each payment that was settled: one line each. */
  info?(fields: object, message: string): void;
}

/** Writes one line of the seller's log. What it throws is reported. */
export type LogLine = (fields: object, message: string) => void;

/** The options that say who hears of what happens. */
interface Hearing {
  readonly onError?: Report;
  readonly logger?: Logger | false;
}

/** The reporter that the options ask for; what it throws is ignored. */
export function reportOf({ onError, logger }: Hearing): Report {
  return guarded(onError ?? (logger ? to(logger) : logger === false ? () => undefined : onStderr));
}

/** What writes the log that the options ask for; undefined where there is none. */
export function lineOf({ logger }: Hearing, report: Report): LogLine | undefined {
  if (logger === undefined) return (_, message) => writeSoon(`paywall: ${message}`);
  if (!logger || !logger.info) return undefined;
  return (fields, message) => safely(report, () => logger.info?.(fields, message));
}

/** Calls what the seller has given; nothing waits for it. */
export function safely(report: Report, call: () => unknown): void {
  const failed = (error: unknown) => report({ what: 'a hook failed', error });
  try {
    const returned = call();
    if (returned instanceof Promise) returned.catch(failed);
  } catch (error) {
    failed(error);
  }
}

function guarded(report: Report): Report {
  return (fault) => {
    try {
      report(fault);
    } catch {
      // There is nowhere left to report it.
    }
  };
}

function to(logger: Logger): Report {
  return ({ what, error, requestId }) => logger.error({ err: error, requestId }, what);
}

const onStderr: Report = ({ what, error, requestId }) => {
  const cause = error instanceof Error ? `: ${error.message}` : '';
  flush();
  console.error(`paywall: ${what}${cause}${requestId ? ` (${requestId})` : ''}`);
};

/** Lines of this turn of the event loop: a busy seller's payments share one write. */
let waiting: string[] = [];

function writeSoon(line: string): void {
  if (waiting.push(line) > 1) return;
  afterThisTurn(flush);
}

function flush(): void {
  if (waiting.length === 0) return;
  const lines = waiting.join('\n');
  waiting = [];
  console.error(lines);
}
