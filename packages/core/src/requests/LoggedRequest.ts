/** A request to the API that changed something or was refused, as it is kept for who sent it. Bodies, queries and headers are not. */
export interface LoggedRequest {
  /** `req_...`; what the caller was told in `X-Request-Id`, unless they named the request themselves. */
  readonly id: string;
  /** What was echoed in `X-Request-Id`. */
  readonly requestId: string;
  /** When it came. */
  readonly at: Date;
  /** Who sent it. */
  readonly partyId: string;
  /** The credential that was used; null: none. */
  readonly credentialId: string | null;
  readonly method: string;
  /** With ids in it, and the names of other parameters. */
  readonly path: string;
  /** Id of the endpoint. */
  readonly endpoint: string;
  readonly status: number;
  /** Code of the error that was answered. */
  readonly error: string | null;
  readonly durationMs: number;
  /** Ids of what it made, as far as its response names them. */
  readonly made: readonly string[];
  /** Ids in its path. */
  readonly named: readonly string[];
}
