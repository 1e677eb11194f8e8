import type { CallResult, Chain } from '@agentpay/evm';
import type { Examination, ExaminationContext, Proof, Refusal } from './Scheme.js';

/** What the checks of a scheme look at. */
export interface Subject<P, Facts> {
  readonly payment: P;
  readonly nowSeconds: bigint;
  readonly settling: boolean;
  /** Whether the payer's own key signed. */
  isSignedByKey(): boolean;
  /** What the chain says. */
  facts(): Promise<Facts>;
}

/** A check of the terms. It may ask the chain, but most need not. */
export type TermCheck<P, Facts> = (
  subject: Subject<P, Facts>,
) => Refusal | undefined | Promise<Refusal | undefined>;

/** A check of what the chain says. */
export type ChainCheck<P, Facts> = (facts: Facts, subject: Subject<P, Facts>) => Refusal | undefined;

/** What every scheme asks the token. */
interface Balanced {
  readonly balance: CallResult;
}

/** How the payments of a scheme are examined. */
export interface Examiner<P, Facts extends Balanced> {
  readonly termChecks: readonly TermCheck<P, Facts>[];
  readonly chainChecks: readonly ChainCheck<P, Facts>[];
  isSignedByKey(payment: P): boolean;
  readFacts(chain: Chain, payment: P, byKey: boolean, nowSeconds: bigint): Promise<Facts>;
  proof(payment: P, byKey: boolean, facts: Facts): Proof;
}

export function examine<P, Facts extends Balanced>(
  examiner: Examiner<P, Facts>,
  payment: P,
  { chain, nowSeconds, settling }: ExaminationContext,
): Examination {
  let signed: boolean | undefined;
  let facts: Promise<Facts> | undefined;
  const subject: Subject<P, Facts> = {
    payment,
    nowSeconds,
    settling,
    isSignedByKey: () => (signed ??= examiner.isSignedByKey(payment)),
    facts: () => (facts ??= examiner.readFacts(chain, payment, subject.isSignedByKey(), nowSeconds)),
  };
  return {
    termRefusal: () => firstRefusal(examiner.termChecks, subject),
    async chainRefusal() {
      const found = await subject.facts();
      for (const check of examiner.chainChecks) {
        const refusal = check(found, subject);
        if (refusal) return refusal;
      }
      return undefined;
    },
    balance: async () => balanceIn((await subject.facts()).balance),
    proof: async () => examiner.proof(payment, subject.isSignedByKey(), await subject.facts()),
  };
}

function balanceIn({ success, data }: CallResult): bigint | undefined {
  return success && data !== '0x' ? BigInt(data) : undefined;
}

async function firstRefusal<P, Facts>(
  checks: readonly TermCheck<P, Facts>[],
  subject: Subject<P, Facts>,
): Promise<Refusal | undefined> {
  for (const check of checks) {
    const found = check(subject);
    // Waiting for what is known already would cost a turn of the loop for every check.
    const refusal = found instanceof Promise ? await found : found;
    if (refusal) return refusal;
  }
  return undefined;
}
