import type { Amount } from '@agentpay/primitives';
import { refuseOffer, type Hex } from '@agentpay/protocol';
import type { BufferedRequest } from './BufferedRequest.js';
import type { PaymentOrder } from './PaymentOrder.js';

/** The protocols in which sellers may ask for payment, the preferred one first. */
export const dialects = ['token', 'x402v2', 'mpp', 'x402v1'] as const;
export type Dialect = (typeof dialects)[number];

/** A 402 as it came, with its request. */
export interface Demand {
  readonly request: BufferedRequest;
  readonly headers: Headers;
  /** The body as JSON; undefined when it is none, or too long. */
  readonly body: unknown;
}

/** One way to pay that is acceptable but for its price. */
export interface Offer {
  readonly dialect: Dialect;
  /** CAIP-2 id, or `agentpay` for the ledger behind payment tokens. */
  readonly network: string;
  /** Address of the token contract, or a currency code of the ledger. */
  readonly asset: string;
  /** Base units of the asset. */
  readonly amount: Amount;
  /** Address of the recipient, or id of the service. */
  readonly payTo: string;
  /** Nonce of the authorization where the offer fixes it. */
  readonly nonce?: Hex;
  /** Makes the proof: signs, or has a token issued. */
  prove(): Promise<Proof>;
}

/** What is sent to the seller. Whoever has it can use it: a secret. */
export interface Proof {
  readonly header: string;
  readonly value: string;
  /** When it ends, in ms since the Unix epoch. */
  readonly validUntil: number;
  readonly tokenId?: string;
  /** Where AgentPay makes the proof: then the value is empty until it has. */
  readonly order?: PaymentOrder;
}

/** Reads one entry of a demand. @throws AgentPayError `offer_not_acceptable`, `payment_malformed` */
export type ReadOffer = () => Offer;

/** An offer that is not taken. */
export const refuse = refuseOffer;
