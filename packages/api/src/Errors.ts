import { toNumber } from '@agentpay/primitives';
import type { AgentPayError, ErrorDetails, ErrorName } from '@agentpay/primitives';
import * as z from 'zod';

/** The body of every error. A family may add to it. */
export const ErrorBody = z.object({
  error: z.object({
    /** Stable code: the documented one of the family, or the name of the kind. */
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
    /** Facts of a refusal: of a policy the rule, its limit, what is spent and left, and when that changes. */
    details: z.record(z.string(), z.union([z.string(), z.number(), z.null()])).optional(),
  }),
  /** The same as `error.code`. */
  code: z.string(),
});
export type ErrorBody = z.output<typeof ErrorBody>;

/** How a family words errors. What it leaves out is the name, the status and the hint of `primitives`. */
export interface FamilyErrors {
  readonly codes: Readonly<Partial<Record<ErrorName, string>>>;
  readonly statuses: Readonly<Partial<Record<ErrorName, number>>>;
  readonly hints: Readonly<Partial<Record<ErrorName, string>>>;
  /** Codes by the reason of an error, where one name has several. */
  readonly reasons?: Readonly<Partial<Record<ErrorName, Readonly<Record<string, string>>>>>;
  /** Name on the wire of a field that the core names in camelCase, as a dotted path. */
  field(name: string): string;
  /** The body on the wire. It holds at least the common one, so that every client can read it. */
  body(common: ErrorBody): ErrorBody & Readonly<Record<string, unknown>>;
}

/** Anything that words errors, such as a family. */
interface Speaker {
  readonly errors: FamilyErrors;
}

/** The code that a family gives an error: AP-1001, TOKEN_EXPIRED, ... or the name of its kind. */
export function errorCode({ errors }: Speaker, kind: ErrorName, reason = ''): string {
  return errors.reasons?.[kind]?.[reason] ?? errors.codes[kind] ?? kind;
}

/** Every code that an error can have in a family. */
export function errorCodes({ errors }: Speaker, kind: ErrorName): string[] {
  return [...new Set([errorCode({ errors }, kind), ...Object.values(errors.reasons?.[kind] ?? {})])];
}

/** An error as a family answers it. */
export function renderError(
  family: Speaker,
  error: AgentPayError,
  requestId: string,
): { readonly status: number; readonly body: ErrorBody } {
  const { errors } = family;
  const code = errorCode(family, error.kind, error.reason);
  const body = errors.body({
    error: {
      code,
      reason: error.reason ?? error.kind,
      message: error.message,
      hint: errors.hints[error.kind] ?? error.hint,
      request_id: requestId,
      ...(error.param === undefined ? {} : { param: errors.field(error.param) }),
      ...(error.details === undefined ? {} : { details: detailsOf(error.details) }),
    },
    code,
  });
  return { status: errors.statuses[error.kind] ?? error.status, body };
}

/** Facts on the wire: names in snake case, amounts as numbers, times as ISO 8601. */
function detailsOf(details: ErrorDetails): Record<string, string | number | null> {
  const shown = (value: ErrorDetails[string]) => {
    if (typeof value === 'bigint') return toNumber(value);
    return value instanceof Date ? value.toISOString() : value;
  };
  return Object.fromEntries(Object.entries(details).map(([name, value]) => [snakeCase(name), shown(value)]));
}

/** `maxAmount` as `max_amount`; names of the wire, headers among them, stay as they are. */
export function snakeCase(name: string): string {
  return name.replace(
    /([a-z0-9])([A-Z])/g,
    (_, before: string, after: string) => `${before}_${after.toLowerCase()}`,
  );
}
