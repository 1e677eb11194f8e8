import type { CallResult, Chain } from '@agentpay/evm';
import type { Examination, ExaminationContext, TransferProof, PaymentRefusal } from './Scheme.js';

/** What the checks of a scheme look at. */
export interface CheckSubject<P, Findings> {
  readonly payment: P;
  readonly nowSeconds: bigint;
  readonly settling: boolean;
  /** Whether the payer's own key signed. */
  isSignedByKey(): boolean;
  /** What the chain says. */
  findings(): Promise<Findings>;
}

/** A check of the terms. It may ask the chain, but most need not. */
export type TermCheck<P, Findings> = (
  subject: CheckSubject<P, Findings>,
) => PaymentRefusal | undefined | Promise<PaymentRefusal | undefined>;

/** A check of what the chain says. */
export type ChainCheck<P, Findings> = (
  findings: Findings,
  subject: CheckSubject<P, Findings>,
) => PaymentRefusal | undefined;

/** What every scheme asks the token. */
interface Balanced {
  readonly balance: CallResult;
}

/** How the payments of a scheme are examined. */
export interface Examiner<P, Findings extends Balanced> {
  readonly termChecks: readonly TermCheck<P, Findings>[];
  readonly chainChecks: readonly ChainCheck<P, Findings>[];
  isSignedByKey(payment: P): boolean;
  readFindings(chain: Chain, payment: P, byKey: boolean, nowSeconds: bigint): Promise<Findings>;
  proof(payment: P, byKey: boolean, findings: Findings): TransferProof;
}

export function examine<P, Findings extends Balanced>(
  examiner: Examiner<P, Findings>,
  payment: P,
  { chain, nowSeconds, settling }: ExaminationContext,
): Examination {
  let signed: boolean | undefined;
  let findings: Promise<Findings> | undefined;
  const subject: CheckSubject<P, Findings> = {
    payment,
    nowSeconds,
    settling,
    isSignedByKey: () => (signed ??= examiner.isSignedByKey(payment)),
    findings: () => (findings ??= examiner.readFindings(chain, payment, subject.isSignedByKey(), nowSeconds)),
  };
  return {
    termRefusal: () => firstRefusal(examiner.termChecks, subject),
    async chainRefusal() {
      const found = await subject.findings();
      for (const check of examiner.chainChecks) {
        const refusal = check(found, subject);
        if (refusal) return refusal;
      }
      return undefined;
    },
    balance: async () => numberIn((await subject.findings()).balance),
    proof: async () => examiner.proof(payment, subject.isSignedByKey(), await subject.findings()),
  };
}

/** The number in a response; undefined when it is none. */
export function numberIn({ success, data }: CallResult): bigint | undefined {
  return success && data !== '0x' ? BigInt(data) : undefined;
}

async function firstRefusal<P, Findings>(
  checks: readonly TermCheck<P, Findings>[],
  subject: CheckSubject<P, Findings>,
): Promise<PaymentRefusal | undefined> {
  for (const check of checks) {
    const found = check(subject);
    // Waiting for what is known already would cost a turn of the loop for every check.
    const refusal = found instanceof Promise ? await found : found;
    if (refusal) return refusal;
  }
  return undefined;
}
