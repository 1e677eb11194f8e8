/** Reports a fault that is not the caller's to the operator. What it throws is ignored. */
export type Report = (fault: {
  readonly what: string;
  readonly error?: unknown;
  readonly requestId?: string;
}) => void;

export interface Logger {
  error(fields: object, message: string): void;
  /** Told of each payment that was settled, in one line. */
  info?(fields: object, message: string): void;
}

/** The reporter that the options ask for; what it throws is ignored. */
export function reportOf({
  onError,
  logger,
}: {
  readonly onError?: Report;
  readonly logger?: Logger;
}): Report {
  return guarded(onError ?? (logger ? to(logger) : onStderr));
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
  console.error(`paywall: ${what}${cause}${requestId ? ` (${requestId})` : ''}`);
};
