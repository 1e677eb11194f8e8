import { idPrefixes, type IdKind } from './Id.js';

/** What one kind of error is, everywhere: the API families add their codes, and their own statuses and hints. */
interface ErrorKind {
  /** HTTP status, unless a family documents another. */
  readonly status: number;
  /** What the caller can do about it, in words an agent can act on. */
  readonly hint: string;
}

/**
 * Every error AgentPay responds with, by its stable name; beside them each kind of id has its own `*_not_found`.
 * What an API family calls it stands in that family; x402 reason codes, which belong to the wire, are in `@agentpay/protocol`.
 */
export const errorKinds = {
  // requests
  invalid_request: { status: 400, hint: 'Correct the named field and send the request again.' },
  invalid_amount: { status: 400, hint: 'Send a plain decimal number with at most six fraction digits.' },
  invalid_json: { status: 400, hint: 'Send a JSON object with Content-Type: application/json.' },
  not_found: { status: 404, hint: 'Check the path against the API reference.' },
  method_not_allowed: { status: 405, hint: 'Use one of the methods named in the Allow header.' },
  conflict: { status: 409, hint: 'Read the resource again and decide anew.' },
  payload_too_large: { status: 413, hint: 'Send a smaller body.' },
  request_timeout: { status: 408, hint: 'Send the whole request again, without pauses.' },
  unsupported_media_type: { status: 415, hint: 'Send Content-Type: application/json.' },
  headers_too_large: { status: 431, hint: 'Send smaller headers.' },
  rate_limited: { status: 429, hint: 'Back off and retry after the time in Retry-After.' },
  internal_error: {
    status: 500,
    hint: 'Retry with the same idempotency key or payment proof; report the request id if it persists.',
  },
  outcome_unknown: {
    status: 504,
    hint: 'The request may have taken effect: read the resource, or send it again with the same idempotency key.',
  },
  unavailable: { status: 503, hint: 'Retry after the time in Retry-After; nothing was charged.' },

  // identity, wallets, balance
  unauthorized: {
    status: 401,
    hint: 'Send a valid credential in the header that the endpoint names.',
  },
  demo_read_only: { status: 403, hint: 'Ask the host of the session to do this.' },
  forbidden: { status: 403, hint: 'Use the credential of the owner.' },
  insufficient_funds: {
    status: 402,
    hint: 'Use a different wallet, a smaller amount, or fund the wallet.',
  },
  funding_source_unknown: { status: 400, hint: 'Use a source that can fund this wallet.' },
  funding_refused: {
    status: 403,
    hint: 'Use a smaller amount, or a sandbox.',
  },
  policy_denied: { status: 403, hint: 'Tell the operator the reason and stop this payment.' },

  approval_wrong_state: { status: 409, hint: 'Read the approval and follow its status.' },
  settlement_not_configured: {
    status: 422,
    hint: 'Use the rail internal, or ask the operator of the platform to configure this one.',
  },
  payment_wrong_state: { status: 409, hint: 'Read the payment and follow its status.' },

  // marketplace and tokens
  service_name_taken: { status: 409, hint: 'Register the service under another name.' },
  service_not_active: { status: 409, hint: 'Choose an active service.' },
  price_above_limit: { status: 402, hint: 'Raise the limit or choose a cheaper service.' },
  currency_mismatch: {
    status: 409,
    hint: 'Pay from a wallet that holds the currency of the service.',
  },
  token_invalid: {
    status: 401,
    hint: 'Authorize the service call again and send the new token.',
  },
  token_expired: {
    status: 410,
    hint: 'Authorize the service call again and send the new token.',
  },
  token_already_redeemed: {
    status: 409,
    hint: 'A token buys one call; authorize again for another.',
  },
  token_wrong_state: { status: 409, hint: 'Read the token and follow its state.' },

  payment_not_found: { status: 404, hint: 'Use the id of a payment you made or received.' },

  // payouts
  payout_wrong_state: { status: 409, hint: 'Read the payout and follow its state.' },

  // disputes
  duplicate_dispute: { status: 409, hint: 'Read the dispute there is instead of opening another.' },
  dispute_wrong_state: { status: 409, hint: 'Read the dispute and follow its state.' },
  dispute_window_closed: { status: 409, hint: 'The payment is too old; ask its payee for a refund.' },

  // organizations and billing
  invoice_wrong_state: { status: 409, hint: 'Read the invoice and follow its status.' },
  subscription_wrong_state: { status: 409, hint: 'Read the subscription and follow its status.' },
  authorization_wrong_state: { status: 409, hint: 'Let the payer authorize again.' },
  purchase_order_exhausted: { status: 409, hint: 'Use another purchase order, or a smaller amount.' },

  // agreements
  agreement_wrong_state: { status: 409, hint: 'Read the agreement and follow its status.' },
  seller_unavailable: { status: 502, hint: 'Nothing was charged: try again later, or tell the seller.' },
  usage_exhausted: { status: 409, hint: 'The cap is used up: complete the agreement and propose another.' },

  // gateways
  listing_not_callable: { status: 409, hint: 'Choose an agent that is active, priced and has an address.' },
  quota_exceeded: { status: 403, hint: 'Provision the agent with a larger quota.' },

  // paywall
  payment_required: {
    status: 402,
    hint: 'Pay by one of the offers in this response and send the request again with the proof.',
  },
  payment_malformed: { status: 400, hint: 'Build the payment proof as the protocol of its header says.' },
  payment_ambiguous: { status: 400, hint: 'Send exactly one payment proof.' },
  payment_in_progress: {
    status: 409,
    hint: 'The same payment is being served; send the same proof again after Retry-After. Do not sign a new one.',
  },
  payment_already_used: {
    status: 409,
    hint: 'This payment bought a response already; ask without a proof for a new offer.',
  },
  payment_bound_elsewhere: {
    status: 409,
    hint: 'This payment belongs to another request; ask without a proof for a new offer.',
  },
  settlement_unknown: {
    status: 503,
    hint: 'The payment may have been made: send the same proof again after Retry-After. Do not sign a new one.',
  },
  facilitator_overloaded: {
    status: 503,
    hint: 'Send the same proof again after Retry-After. This request was not taken.',
  },
  facilitator_unavailable: {
    status: 503,
    hint: 'Send the same proof again after Retry-After. Nothing was charged.',
  },
  method_not_priced: { status: 405, hint: 'The seller offers this path under other methods.' },
  response_too_large: {
    status: 500,
    hint: 'Nothing was charged. The seller must serve this route with settle: "before".',
  },
  handler_timeout: { status: 504, hint: 'Nothing was charged; ask again later.' },

  // buyer
  budget_exceeded: {
    status: 402,
    hint: 'Nothing was signed. Raise the budget of the client, or tell the operator.',
  },
  offer_not_acceptable: {
    status: 402,
    hint: 'Nothing was signed. Allow what the reason names, or choose another seller.',
  },
  seller_not_402: {
    status: 502,
    hint: 'Nothing was paid. Check the address: this seller asked for no payment.',
  },
  no_payment_header: {
    status: 502,
    hint: 'Nothing was paid. The seller asks for payment in no way that is known here (x402, MPP).',
  },
  payment_refused: {
    status: 402,
    hint: 'The seller refused the proof. Read the reason before you buy again.',
  },
  payment_unresolved: {
    status: 504,
    hint: 'Fetch the same URL again with the same client: it sends the same proof and signs no other.',
  },
} as const satisfies Record<string, ErrorKind>;

/** Nobody has this id, or not the caller. */
type NotFound = `${IdKind}_not_found`;

export type ErrorName = keyof typeof errorKinds | NotFound;

/** The `*_not_found` of every kind of id. */
export const notFoundNames: readonly ErrorName[] = Object.keys(idPrefixes).map(
  (kind) => `${kind as IdKind}_not_found` as const,
);

export const errorNames: readonly ErrorName[] = [
  ...(Object.keys(errorKinds) as (keyof typeof errorKinds)[]),
  ...notFoundNames,
];

/** What an error is. */
export function errorKind(name: ErrorName): ErrorKind {
  const listed: Readonly<Partial<Record<ErrorName, ErrorKind>>> = errorKinds;
  return (
    listed[name] ?? {
      status: 404,
      hint: `Use the id of ${withArticle(name.replace('_not_found', ''))} you own.`,
    }
  );
}

function withArticle(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;
}

/** Facts of an error: amounts in base units, times, ids. */
export type ErrorDetails = Readonly<Record<string, string | number | bigint | Date | null>>;

/** Further facts of one error. */
export interface ErrorOptions {
  /** A finer cause that programs may switch on, snake_case. */
  readonly reason?: string;
  /** The field of the request that is at fault, as a dotted path. */
  readonly param?: string;
  /** Seconds after which a retry makes sense. */
  readonly retryAfter?: number;
  /** Facts of the refusal for programs, named in camelCase. */
  readonly details?: ErrorDetails;
  readonly cause?: unknown;
}

/** The one error class of AgentPay: a name and a sentence for people. */
export class AgentPayError extends Error {
  override readonly name = 'AgentPayError';
  /** Name of the kind. */
  readonly kind: ErrorName;
  readonly reason: string | undefined;
  readonly param: string | undefined;
  readonly retryAfter: number | undefined;
  readonly details: ErrorDetails | undefined;

  constructor(kind: ErrorName, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.reason = options.reason;
    this.param = options.param;
    this.retryAfter = options.retryAfter;
    this.details = options.details;
  }
  get status(): number {
    return errorKind(this.kind).status;
  }
  get hint(): string {
    return errorKind(this.kind).hint;
  }
}

/** Whether the value is an {@link AgentPayError}, optionally of one kind. */
export function isAgentPayError(value: unknown, kind?: ErrorName): value is AgentPayError {
  return value instanceof AgentPayError && (kind === undefined || value.kind === kind);
}
