/** A request to a server that somebody else named. */
export interface OutgoingRequest {
  /** GET when absent. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** For everything together, from the look-up of the name to the last byte of the body. */
  readonly timeoutMs?: number;
  /** Longest body, after decompression. */
  readonly maxBytes?: number;
  /** What happens to a longer body: it is an error, or cut off there. */
  readonly longer?: 'refuse' | 'cut';
  /** How many redirects are followed; 0 gives the redirect itself. */
  readonly maxRedirects?: number;
  readonly signal?: AbortSignal;
}

export interface IncomingResponse {
  readonly status: number;
  /** Names in lower case; several of one name joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** Decompressed. */
  readonly body: Uint8Array;
  /** Where it came from, after redirects. */
  readonly url: string;
}

/**
 * Sends a request to a server that is not ours and may be hostile. Every call to an address that a user named goes through one of
 * these. Implementation: `outbound` of `@agentpay/http`.
 * @throws OutboundError
 */
export type FetchOut = (url: string, request?: OutgoingRequest) => Promise<IncomingResponse>;

export type OutboundFault =
  /** Not an http(s) URL, or written so as to hide where it leads. */
  | 'url_refused'
  /** The host is, or leads to, an address that is not public. */
  | 'address_refused'
  | 'name_not_found'
  | 'connection_failed'
  | 'timeout'
  | 'too_large'
  /** Too many, to nowhere, or in a way that would carry the request's body elsewhere. */
  | 'redirect_refused'
  /** The response is not HTTP, or not compressed as it says. */
  | 'malformed'
  | 'aborted';

/** Why a request got no response. */
export class OutboundError extends Error {
  override readonly name = 'OutboundError';
  constructor(
    readonly fault: OutboundFault,
    message: string,
    /** Whether the request may have reached the server. */
    readonly sent: boolean,
    options: { cause?: unknown } = {},
  ) {
    super(message, options);
  }
}
