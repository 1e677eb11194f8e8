import type { Network } from '@agentpay/primitives';
import type { Address, FacilitatorRequest, Hex, Reason } from '@agentpay/protocol';
import type { AggregateCall, Block, Call, CallResult, Chain, Log, TransactionReceipt } from '@agentpay/evm';

export type SchemeName =
  | 'exact-eip3009'
  | 'exact-permit2'
  | 'upto'
  | 'escrow-authorize'
  | 'escrow-capture'
  | 'escrow-void'
  | 'escrow-refund';

/** A token with EIP-3009, and its EIP-712 name and version. */
export interface ServedToken {
  readonly address: Address;
  readonly eip712: { readonly name: string; readonly version: string };
}

/** What a facilitator serves. */
export interface SchemeSettings {
  readonly network: Network;
  /** Tokens to move. */
  readonly assets: readonly ServedToken[];
  /** Payees to serve; undefined: all. */
  readonly payTo?: readonly Address[] | undefined;
  /** Factories that may deploy a payer's account (ERC-6492); undefined: none. */
  readonly factories?: readonly Address[] | undefined;
  /** Longest time from now to the end of an authorization, in seconds. */
  readonly maxValidBeforeSeconds: number;
  /** Whether Permit2 and the x402 proxies are on the chain. */
  readonly permit2: boolean;
  /** The operator contract of scheme `auth-capture`; undefined: that scheme is not served. */
  readonly escrow: EscrowSettings | undefined;
  /** The account that payers of scheme `upto` name as their facilitator. Payments are simulated as sent by it. */
  readonly facilitatorAddress: Address;
  readonly gas: GasLimits;
}

/** Who acts for holds in the escrow. */
export interface EscrowSettings {
  /** Our operator contract, which payers name as `captureAuthorizer`. */
  readonly operator: Address;
  /** The account by which this facilitator signs for sellers that name it as their `receiverAuthorizer`. */
  readonly authorizer?: Address | undefined;
}

/** Why a payment is refused: the reason, and a sentence for people. */
export interface PaymentRefusal {
  readonly reason: Reason;
  readonly message: string;
}

/** A way to pay. The rest of the facilitator knows none of them. */
export interface Scheme {
  readonly name: SchemeName;
  /** Whether the request pays this way. */
  takes(request: FacilitatorRequest): boolean;
  /**
   * Reads the scheme's part of a request.
   * @throws AgentPayError `payment_malformed`, with the x402 reason `invalid_payload` or `invalid_payment_requirements`
   */
  read(request: FacilitatorRequest, settings: SchemeSettings): RequestedPayment | PaymentRefusal;
  /** @param since seconds since the Unix epoch before which the payment was not claimed */
  transfer(order: Order, gas: GasLimits, since?: bigint): SettlementTransfer;
}

/** Gas limits of transactions in which code of the payer's choice runs; what is not used is not paid. */
export interface GasLimits {
  /** A payment by EIP-3009 of an account with code. */
  readonly account: bigint;
  /** The same by Permit2. */
  readonly permit2Account: bigint;
  /** A payment with the deployment of its account. */
  readonly deployment: bigint;
}

export const defaultGasLimits: GasLimits = {
  account: 500_000n,
  permit2Account: 600_000n,
  deployment: 1_500_000n,
};

/** A payment as its request states it. */
export interface RequestedPayment {
  readonly scheme: SchemeName;
  readonly payer: Address;
  /** The contract in which the payer's nonces are used up. */
  readonly asset: Address;
  readonly nonce: Hex;
  /** What moves, in base units of the token. */
  readonly amount: bigint;
  /** Second since the Unix epoch before which no block takes it. */
  readonly validAfter: bigint;
  /** The only account that may send it; undefined: any. */
  readonly sender?: Address | undefined;
  /** What the payer signed, as it travels. */
  readonly authorization: Readonly<Record<string, unknown>>;
  /** Names one payment for one purchase: equal only when payload, amount, recipient and resource are. Worked out when first read. */
  readonly fingerprint: string;
  /** What the seller says that it buys; "" where it says nothing. */
  readonly purchase: string;
  /** The response names the amount, because the payer does not know it. */
  readonly tellsAmount: boolean;
  examine(context: ExaminationContext): Examination;
}

export interface ExaminationContext {
  readonly chain: Chain;
  readonly nowSeconds: bigint;
  /** The money is to move now; else it is asked whether it could. */
  readonly settling: boolean;
}

/** A payment under examination. Checks come in a fixed order; what the node says is fetched once, when the first check needs it. */
export interface Examination {
  /** The first refusal that needs no look at the chain, but for the signature of an account with code. */
  termRefusal(): Promise<PaymentRefusal | undefined>;
  /** The first refusal by what the chain says. */
  chainRefusal(): Promise<PaymentRefusal | undefined>;
  /** For a payment that is not refused. */
  proof(): Promise<TransferProof>;
  /** What the payer has of the token, in base units; undefined when the token does not tell. */
  balance(): Promise<bigint | undefined>;
}

/** What makes an authorization good on the chain. */
export interface TransferProof {
  /** In the form in which the contracts take it. */
  readonly signature: Hex;
  /** Code of the payer's choice runs when the money moves. */
  readonly byAccount: boolean;
}

/** What is kept of a payment: enough to move its money later. */
export interface Order
  extends
    TransferProof,
    Pick<RequestedPayment, 'scheme' | 'payer' | 'asset' | 'nonce' | 'amount' | 'authorization'> {}

/** How the money of one payment moves, and what shows that it did. */
export interface SettlementTransfer {
  /** Contract calls, in this order and in one transaction. */
  calls(): readonly AggregateCall[];
  /** How several of a kind are one call, of which those that are refused are left out. */
  readonly bundle?: SharedCall | undefined;
  /** Goes in a transaction of its own, since it may burn the gas of others, or its trace cannot be told from theirs. */
  readonly alone: boolean;
  /** Gas limit of a transaction of its own; what is not used is not paid. */
  readonly gas: bigint;
  /** The only account that may send it; undefined: any. */
  readonly sender: Address | undefined;
  /** First second since the Unix epoch in which no block can take it. */
  readonly endsAt: bigint;
  /** Why it cannot move any more after its end. */
  readonly endReason: Reason;
  /** Why it cannot move when its nonce was used for something else. */
  readonly usedReason: Reason;
  /** Why it did not move when its transaction was reverted. Default `transactionFailed`. */
  readonly failReason?: Reason | undefined;
  /** Asks whether the nonce is used. */
  readonly useQuestion: Call;
  /** What its result says; undefined when the node gave none. */
  isUsed(result: CallResult): boolean | undefined;
  /**
   * What used the nonce, which is known to be used in the block `head`; undefined while nothing shows it.
   */
  findUse(chain: Chain, head: Block): Promise<Use | undefined>;
  /** Whether the logs of a transaction that carries it show that the money moved. */
  isProvedBy(logs: readonly Log[]): boolean;
  /** Whether these logs show that a transaction which carries it left it out. */
  isRefusedBy?(logs: readonly Log[]): boolean;
  /** Why it would fail now; undefined when it would not. */
  simulate(chain: Chain): Promise<PaymentRefusal | undefined>;
}

/** What several transfers of one kind have in common. */
export interface SharedCall {
  /** Only those of the same kind are bundled. */
  readonly kind: string;
  readonly item: unknown;
  /** Gas of one among others. */
  readonly gas: bigint;
  call(items: readonly unknown[]): AggregateCall;
}

/** What used a nonce: the very transfer, or (`paid` false) a cancellation or another transfer, which may be nowhere to be seen. */
export type Use =
  | { readonly receipt: TransactionReceipt; readonly paid: boolean }
  | { readonly receipt?: undefined; readonly paid: false };
