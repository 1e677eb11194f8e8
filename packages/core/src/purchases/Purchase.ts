import type { Amount } from '@agentpay/primitives';
import type { ExactPayload, ExactPermit2Payload, TransferDialect } from '@agentpay/protocol';

/** One thing bought from a seller that answers 402: one authorization, whatever happens. */
export interface Purchase {
  /** `pur_...` */
  readonly id: string;
  /** The party that pays: its limits count. */
  readonly partyId: string;
  /** Whose wallets pay: see `custody`. */
  readonly holder: string;
  readonly idempotencyKey: string | null;
  /**
   * `seller`: the platform asks the seller and sends the proof. `facilitator`: it settles, and the caller sends the proof. `withdrawal`:
   * it settles, and nothing is bought.
   */
  readonly way: 'seller' | 'facilitator' | 'withdrawal';
  readonly method: string;
  readonly url: string;
  /** Of everything that was asked for: the same key with another one is a conflict. */
  readonly digest: string;
  /** The request, sealed; null once it is over and done with. */
  readonly sealedRequest: string | null;
  readonly state: PurchaseState;
  /** What the seller asked for and the gate judged; null before. From then on nothing of it changes. */
  readonly terms: PurchaseTerms | null;
  /** `tx_...` of the transaction that the payment is; null before money was reserved. */
  readonly transactionId: string | null;
  readonly holdId: string | null;
  /** The approval that it waits for or was made with; null: it needed none. */
  readonly approvalId: string | null;
  /** What is signed, before it is; null before money was reserved. */
  readonly authorized: Authorized | null;
  /** The header and its value that pay, sealed; null before they were signed. */
  readonly sealedProof: string | null;
  /** When the authorization ends. */
  readonly validBefore: Date | null;
  /** The transaction that moved the money, proved. */
  readonly reference: string | null;
  /** The transaction that the seller named. */
  readonly claim: string | null;
  /** Why it was refused or ended without payment, snake_case. */
  readonly failure: string | null;
  /** What the seller answered to the proof; kept for whoever asks again under the key. */
  readonly sellerStatus: number | null;
  readonly contentType: string | null;
  readonly response: Uint8Array | null;
  /** Grows each time that somebody takes it on: whoever had it before changes nothing more. */
  readonly attempts: number;
  /** When somebody else may take it on; null when nothing is left to do by itself. */
  readonly nextAttemptAt: Date | null;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
}

/** What moves the money: an authorization by EIP-3009, or a permit by Permit2. */
export type Authorized = ExactPayload['authorization'] | ExactPermit2Payload['permit2Authorization'];

/** What is paid, to whom, and how it was asked for. */
export interface PurchaseTerms {
  readonly dialect: TransferDialect;
  /** CAIP-2 id. */
  readonly network: string;
  /** Contract of the asset. */
  readonly asset: string;
  /** Base units of the asset, digits. */
  readonly amount: string;
  /** Address of the recipient, in lower case: the name by which limits and allow lists know it. */
  readonly payTo: string;
  readonly walletId: string;
  /** Address that pays. */
  readonly payer: string;
  /** Where the 402 came from: the proof goes there and nowhere else. */
  readonly url: string;
}

const table = {
  /** In the memory of this process alone: the first step writes it down. */
  draft: { quote: 'quoted', sign: 'signed', reject: 'rejected' },
  requested: { quote: 'quoted', sign: 'signed', reject: 'rejected' },
  /** Waits for its owner's approval. */
  quoted: { sign: 'signed', reject: 'rejected' },
  /** From here on the money may move, until the chain proves that it cannot. */
  signed: {
    deliver: 'delivered',
    refuse: 'refused',
    lose: 'unknown',
    confirm: 'confirmed',
    release: 'released',
  },
  unknown: {
    deliver: 'delivered',
    refuse: 'refused',
    lose: 'unknown',
    confirm: 'confirmed',
    release: 'released',
  },
  delivered: { deliver: 'delivered', confirm: 'confirmed', release: 'released' },
  refused: { deliver: 'delivered', refuse: 'refused', confirm: 'confirmed', release: 'released' },
  confirmed: {},
  released: {},
  rejected: {},
} as const;

export type PurchaseState = keyof typeof table;
export type PurchaseStep =
  | 'quote'
  | 'reject'
  | 'sign'
  | 'deliver'
  | 'refuse'
  | 'lose'
  | 'confirm'
  | 'release';

/** The state a step leads to; undefined when it has no place there. */
export function transition(state: PurchaseState, step: PurchaseStep): PurchaseState | undefined {
  return (table[state] as Partial<Record<PurchaseStep, PurchaseState>>)[step];
}

/** Whether nothing moves its money any more. */
export function isSettled(state: PurchaseState): boolean {
  return state === 'confirmed' || state === 'released' || state === 'rejected';
}

/** Whether its money may be moved by whoever has the proof. */
export function isOpen(state: PurchaseState): boolean {
  return state === 'signed' || state === 'unknown' || state === 'delivered' || state === 'refused';
}

/** The rail of a dialect, as rules know it. */
export function railOf(dialect: TransferDialect): 'x402' | 'mpp' {
  return dialect === 'mpp' ? 'mpp' : 'x402';
}

/** What is paid, in base units. */
export function amountOf({ amount }: Pick<PurchaseTerms, 'amount'>): Amount {
  return BigInt(amount);
}

/** Whether two offers ask for the same payment. */
export function sameTerms(a: PurchaseTerms, b: PurchaseTerms): boolean {
  const fields = ['network', 'asset', 'amount', 'payTo', 'walletId', 'url'] as const;
  return fields.every((field) => a[field] === b[field]);
}
