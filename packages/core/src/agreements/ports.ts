import type { Amount } from '@agentpay/primitives';
import type { Address, Hex, WirePaymentInfo } from '@agentpay/protocol';
import type { DirectPorts } from './directPorts.js';

/** A payment into the escrow that the buyer of an agreement can consent to with one signature, as it is kept. */
export interface AgreementOffer {
  readonly paymentInfo: WirePaymentInfo;
  /** Hash of the agreement's document: the salt commits to it. */
  readonly document: Hex;
  /** Unix seconds before which nothing is captured without the buyer; 0: there is no challenge window. */
  readonly captureNotBefore: number;
  readonly receiverAuthorizer: Address;
}

/** What is signed, integers as decimal text. */
export interface TypedData {
  readonly domain: Readonly<Record<string, unknown>>;
  readonly types: Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>>;
  readonly primaryType: string;
  readonly message: Readonly<Record<string, unknown>>;
}

/** Why a signature cannot be used. `collected`: the money is in the escrow already. */
export interface OfferRefusal {
  readonly why: 'signature' | 'funds' | 'collected' | 'other';
  readonly message: string;
}

/** How a step on the chain stands. `unknown`: it may have happened, or may yet; the same is asked for again. */
export type EscrowStep =
  | { readonly status: 'done'; readonly transaction: string | null; readonly captured: Amount }
  | { readonly status: 'pending'; readonly transaction: string | null }
  | { readonly status: 'failed'; readonly reason: string };

/** What the escrow itself says of an offer. */
export interface HoldSight {
  readonly collected: boolean;
  /** What is still held. */
  readonly capturable: Amount;
  /** What was paid out to the seller. */
  readonly captured: Amount;
  /** The last transaction that moved it; null: none is found. */
  readonly transaction: string | null;
  /** Unix seconds of the block that says so. */
  readonly at: number;
}

/** The escrow on a chain (Commerce Payments 1.1, x402 `auth-capture`) in which the money of agreements waits. */
export interface AgreementEscrow {
  /** CAIP-2 id. */
  readonly network: string;
  /** Currency of the books for what is in it. */
  readonly asset: string;
  /** Currencies of services that its token pays for, one to one. */
  readonly currencies: readonly string[];
  readonly token: Address;
  readonly operator: Address;
  /** Signs what is paid out and given back. */
  readonly authorizer: Address;
  /** Who is paid the platform's share. */
  readonly feeReceiver: Address;
  /** The data whose signature by the buyer is consent and funding at once. */
  typedData(offer: AgreementOffer): TypedData;
  /** Why the signature cannot fund the offer now; undefined: it can. @throws AgentPayError `facilitator_unavailable` */
  check(offer: AgreementOffer, signature: Hex): Promise<OfferRefusal | undefined>;
  /** Moves the whole amount into the escrow, once however often it is called. */
  lock(offer: AgreementOffer, signature: Hex): Promise<EscrowStep>;
  /** Pays out `amount`, `fee` of it to the platform, and gives the rest back; once however often it is called. */
  release(
    offer: AgreementOffer,
    paid: { readonly amount: Amount; readonly fee: Amount },
  ): Promise<EscrowStep>;
  /** Rejects when the chain cannot be asked. */
  look(offer: AgreementOffer): Promise<HoldSight>;
}

export interface AgreementPorts extends DirectPorts {
  /** Absent: agreements are funded from wallets of the platform alone. */
  readonly escrow?: AgreementEscrow | undefined;
}
