import { journalSteps } from '../ledger/index.js';
import type { Amount } from '@agentpay/primitives';

/** A buyer and a seller agree on what a service costs and how much of it is bought; the money waits until it was used. */
export interface Agreement {
  /** `ua_...` */
  readonly id: string;
  readonly buyerId: string;
  /** The user whose agent the buyer is; null: nobody's. */
  readonly buyerOwnerId: string | null;
  readonly sellerId: string;
  readonly sellerOwnerId: string | null;
  readonly serviceId: string;
  /** Of the service, when it was proposed. */
  readonly category: string | null;
  /** Where the money waits. */
  readonly funding: AgreementFunding;
  /** The wallets on the platform. */
  readonly buyerWalletId: string;
  readonly sellerWalletId: string;
  /** The wallet that the buyer named in the proposal; on a chain the one that pays. */
  readonly buyerAddress: string | null;
  /** Who is paid on a chain; null: it is not accepted yet, or funded in the sandbox. */
  readonly sellerAddress: string | null;
  /** CAIP-2 id of the chain on which the money waits; null: on the books of the platform. */
  readonly network: string | null;
  readonly currency: string;
  /** The most that can be charged. */
  readonly cap: Amount;
  /** What is counted: "call". */
  readonly unit: string;
  readonly unitPrice: Amount;
  /** When usage ends, whether or not the cap is reached. */
  readonly endsAt: Date;
  /** How long the buyer can object after that. */
  readonly challengeSeconds: number;
  /** What a call may take, as the seller promises; null: nothing is promised. */
  readonly slaSeconds: number | null;
  readonly description: string | null;
  readonly status: AgreementStatus;
  /** Why it was rejected or has failed. */
  readonly reason: string | null;
  readonly approvalId: string | null;
  /** Charged so far, never above the cap together with what is reserved. */
  readonly used: Amount;
  readonly units: bigint;
  /** Set aside for calls under way. */
  readonly reserved: Amount;
  /** What the seller was paid in the end. */
  readonly paid: Amount | null;
  readonly createdAt: Date;
  /** Since when the seller knows of it; null: its owner has not approved it. */
  readonly proposedAt: Date | null;
  /** When the limits of the buyer last counted it. */
  readonly spentAt: Date;
  readonly acceptedAt: Date | null;
  /** When the buyer's signature was taken. */
  readonly submittedAt: Date | null;
  readonly activatedAt: Date | null;
  readonly challengeEndsAt: Date | null;
  readonly endedAt: Date | null;
  /** When the clock moves it; null: the clock does not. */
  readonly dueAt: Date | null;
  /** How often the present step was tried on the chain. */
  readonly attempts: number;
  /** The transaction that locked the cap. */
  readonly activationTx: string | null;
  /** The transaction that paid the seller, or gave all of it back. */
  readonly settlementTx: string | null;
}

/** `direct`: nowhere, it goes from wallet to wallet on the chain. */
export type AgreementFunding = (typeof agreementFundings)[number] | 'direct';

/** Where money waits: `sandbox`, on the books of the platform; `onchain`, in the escrow on a chain. */
export const agreementFundings = ['sandbox', 'onchain'] as const;

const table = {
  pending_approval: { approve: 'proposed', reject: 'rejected', expire: 'expired' },
  proposed: { accept: 'accepted', collect: 'collecting_fee', reject: 'rejected', expire: 'expired' },
  accepted: { submit: 'submitting', expire: 'expired' },
  submitting: { activate: 'active', fail: 'activation_failed' },
  activation_failed: { submit: 'submitting', expire: 'expired' },
  active: { complete: 'challenge_window' },
  challenge_window: { challenge: 'challenged', settle: 'settling' },
  challenged: { settle: 'settling' },
  settling: { pay: 'settled' },
  collecting_fee: { charge: 'executing_payment', abort: 'failed' },
  executing_payment: { deliver: 'completed', giveBack: 'returning_fee' },
  returning_fee: { abort: 'failed' },
  completed: {},
  failed: {},
  settled: {},
  rejected: {},
  expired: {},
} as const;

export type AgreementStatus = keyof typeof table;
export type AgreementEvent =
  | 'approve'
  | 'reject'
  | 'expire'
  | 'accept'
  | 'submit'
  | 'activate'
  | 'fail'
  | 'complete'
  | 'challenge'
  | 'settle'
  | 'pay'
  | 'collect'
  | 'charge'
  | 'deliver'
  | 'giveBack'
  | 'abort';

export const agreementStatuses = Object.keys(table) as readonly AgreementStatus[];

/** Where an event leads; undefined when it has no place there. */
export function stepOf(status: AgreementStatus, event: AgreementEvent): AgreementStatus | undefined {
  return (table[status] as Partial<Record<AgreementEvent, AgreementStatus>>)[event];
}

/** Whether nothing more can happen to it. */
export function isEnded(status: AgreementStatus): boolean {
  return Object.keys(table[status]).length === 0;
}

/** What is left of the cap. */
export function remainingOf({ cap, used, reserved }: Pick<Agreement, 'cap' | 'used' | 'reserved'>): Amount {
  return cap - used - reserved;
}

/** Whether its activation has waited for a transaction for longer than it should. */
export function isStuck(
  { status, activationTx, submittedAt }: Agreement,
  { nowMs, stuckMs }: { readonly nowMs: number; readonly stuckMs: number },
): boolean {
  return (
    status === 'submitting' &&
    activationTx === null &&
    submittedAt !== null &&
    nowMs - submittedAt.getTime() > stuckMs
  );
}

/** Usage as it is counted: units of the agreement, once for each event. */
export interface AgreementUsage {
  /** `use_...` */
  readonly id: string;
  readonly agreementId: string;
  /** Under which it is counted once. */
  readonly eventId: string;
  readonly units: bigint;
  readonly amount: Amount;
  /** `reserved`: of a call under way; `released`: of a call that was not served. */
  readonly status: 'reserved' | 'recorded' | 'released';
  readonly createdAt: Date;
  /** A call that is under way then has been left by its process. */
  readonly deadline: Date | null;
}

const books = journalSteps('lock', 'settle', 'fee', 'fee-return', 'return');

/** Under which the books have one step of its money. */
export const journalKey = books.key;

/** Under which the books have its money. */
export const journalKeys = ({ id }: Pick<Agreement, 'id'>): string[] => books.keys(id);
