import { AgentPayError, errorKinds, type ErrorName } from '@agentpay/primitives';
import { z } from 'zod';

/** The one error body of the API. */
export const ErrorBody = z.object({
  error: z.object({
    /** Stable code: the documented one of the runtime API, or the name of the kind. */
    code: z.string(),
    /** Finer cause for programs, snake_case. */
    reason: z.string(),
    /** A sentence for people. */
    message: z.string(),
    /** What the caller can do about it. */
    hint: z.string(),
    request_id: z.string(),
    /** The field at fault, as a dotted path. */
    param: z.string().optional(),
  }),
  /** The same as `error.code`. */
  code: z.string(),
});
export type ErrorBody = z.output<typeof ErrorBody>;

/** The code that the runtime API gives an error: AP-1001, TOKEN_EXPIRED, ... or the name of its kind. */
export function errorCode(kind: ErrorName): string {
  const entry = errorKinds[kind];
  return 'v1' in entry ? entry.v1 : kind;
}

/** Renders an error for the wire. */
export function errorBody(error: AgentPayError, requestId: string): ErrorBody {
  const code = errorCode(error.kind);
  return {
    error: {
      code,
      reason: error.reason ?? error.kind,
      message: error.message,
      hint: error.hint,
      request_id: requestId,
      ...(error.param === undefined ? {} : { param: error.param }),
    },
    code,
  };
}
