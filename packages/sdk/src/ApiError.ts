import type { ErrorBody } from '@agentpay/api';

/** A refusal of the AgentPay API. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status. */
  readonly status: number;
  /** Stable code, such as `AP-1001` or `TOKEN_EXPIRED`. */
  readonly code: string;
  /** Finer cause for programs. */
  readonly reason: string;
  /** What the caller can do about it. */
  readonly hint: string;
  readonly requestId: string;
  /** The field at fault, as a dotted path. */
  readonly param: string | undefined;
  /** Facts of a refusal, as they came: of a policy `rule_id`, `limit`, `spent`, `remaining`, `resets_at`; `approval_id`. */
  readonly details: ErrorBody['error']['details'];
  /** Seconds after which a retry makes sense. */
  readonly retryAfter: number | undefined;

  constructor(status: number, { error }: ErrorBody, retryAfter: number | undefined) {
    super(error.message);
    this.status = status;
    this.code = error.code;
    this.reason = error.reason;
    this.hint = error.hint;
    this.requestId = error.request_id;
    this.param = error.param;
    this.details = error.details;
    this.retryAfter = retryAfter;
  }
}
