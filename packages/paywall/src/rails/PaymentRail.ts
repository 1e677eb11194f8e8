import type { Quote } from '../offer/Quote.js';
import type { ProvenPayment, Refusal } from '../paid/Payment.js';
import type { RequestBody } from '../paid/RequestBody.js';
import type { PricedContext, RequestContext } from '../paid/RequestContext.js';
import type { PaywallParts } from '../PaywallState.js';
import type { RailHeaders } from './RailHeaders.js';

/**
 * A dialect in which requests are offered and paid for. A further one is a folder beside this file and a line in `rails.ts`: the 402, the
 * search for proofs, `Vary`, CORS and discovery go by that list.
 */
export interface PaymentRail {
  /** As discovery names it; versions of one protocol share the name. */
  readonly protocol: string;
  readonly headers: RailHeaders;
  /** Whether a price can be paid in this dialect. */
  sells(paywall: PaywallParts, quote: Quote): boolean;
  /** What the 402 for a price that it sells says in this dialect. */
  offer(paywall: PaywallParts, quote: Quote, target: OfferTarget): RailOffer;
  /** What discovery lists of a price beside the offers of x402. Default: nothing. */
  listed?(paywall: PaywallParts, quote: Quote): readonly ListedOffer[];
  /** The proofs of this dialect in a request; empty texts are none. @throws AgentPayError `payment_ambiguous` */
  find(context: RequestContext): ProofTexts | Promise<ProofTexts>;
  /** Holds a proof against the price of the request. @throws Refusal, AgentPayError */
  read(context: PricedContext, proof: string): ProvenPayment | Promise<ProvenPayment>;
  /**
   * The price that a proof was made for, where it was worked out for this very request.
   * @param scope names the request
   */
  quoted(context: RequestContext, proof: string, scope: string): Quote | undefined;
}

/** An offer of a dialect as `x-payment-info` has it. */
export interface ListedOffer {
  readonly intent: string;
  readonly method: string;
  /** Base units of `currency`. */
  readonly amount: string;
  readonly currency: string;
  readonly recipient: string;
  readonly chainId: number;
}

export type ProofTexts = readonly (string | undefined)[];

/** For what a 402 is rendered: every request for a target that has no body, or one request. */
export interface OfferTarget {
  /** Method and target. */
  readonly line: string;
  readonly url: string;
  readonly request?: OfferRequest;
}

/** What makes one request's offer another one than that of its target. */
export interface OfferRequest {
  readonly context: PricedContext;
  readonly body: RequestBody;
  /** Why the proof that it brought was refused. */
  readonly refusal: Refusal | undefined;
}

/** A part of a 402. Members of its body are JSON in ASCII without the braces around them. */
export interface RailOffer {
  /** Members that are the same in every 402 for this target. */
  readonly members?: string;
  /** Gives what is new in each 402. */
  readonly next?: () => NextOffer;
  /** The client may choose by a header whether it is made this offer. */
  readonly isChosen?: boolean;
}

export interface NextOffer {
  readonly header?: string;
  readonly values?: string | string[];
  readonly members?: string;
}
