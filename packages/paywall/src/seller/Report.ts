/** Tells the operator of a fault that is not the caller's. It must not throw; if it does, that is ignored. */
export type Report = (fault: {
  readonly what: string;
  readonly error?: unknown;
  readonly requestId?: string;
}) => void;

export interface Logger {
  error(fields: object, message: string): void;
}

/** The one that the options ask for, so that a fault in telling of faults harms nobody. */
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
      // A fault in telling of faults has nobody left to be told to.
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
