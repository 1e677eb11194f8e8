import { purchases } from '@agentpay/core';
import type { policies } from '@agentpay/core';
import {
  askV2,
  PRICE,
  proofIn,
  purchaseBed,
  SELLER,
  type Buyer,
  type Handle,
  type PurchaseBed,
} from '../flows/purchaseBed.js';

/** The bed of the suite that runs; between tests everything ends, and the books are looked through. */
export let bed: PurchaseBed;

/** A new bed for a suite: suites of one worker share this module. */
export async function openBed(): Promise<void> {
  bed = await purchaseBed();
}

export async function endAndExpectSettled(): Promise<void> {
  bed.clock.shift(120_000);
  await bed.settleAll();
  await bed.expectSettled();
}

export type Proof = NonNullable<ReturnType<typeof proofIn>>;

/** A seller that keeps every proof that it gets. */
export function keeping(handle: Handle): { handle: Handle; proofs: Proof[] } {
  const proofs: Proof[] = [];
  return {
    proofs,
    handle(request, response) {
      const proof = proofIn(request);
      if (proof) proofs.push(proof);
      return handle(request, response);
    },
  };
}

/** What a purchase at this seller comes to, and every proof that the seller got. */
export async function attempt(
  handle: Handle,
  {
    buyer,
    rules = [{ kind: 'per_tx', amount: PRICE }],
    ...asked
  }: { buyer?: Buyer; rules?: policies.RuleTerms[] } & Partial<purchases.BuyRequest> = {},
) {
  const seller = keeping(handle);
  const { principal } = buyer ?? (await bed.buyer(1_000_000n, rules));
  const url = await bed.serve(seller.handle);
  const outcome = await purchases.buy(bed.core, { principal, url, ...asked }).then(
    (bought) => ({ bought, refusal: undefined }),
    (refusal: { kind: string; reason?: string }) => ({ bought: undefined, refusal }),
  );
  return { ...outcome, proofs: seller.proofs };
}

/** Nothing was signed. */
export async function refused(handle: Handle, reason: string, options: Parameters<typeof attempt>[1] = {}) {
  const { refusal, proofs } = await attempt(handle, options);
  expect([refusal?.reason ?? refusal?.kind, proofs]).toEqual([reason, []]);
}

export const asksV2 =
  (...accepts: object[]): Handle =>
  (_, response) =>
    askV2(response, accepts);
export const onlySeller: policies.RuleTerms = { kind: 'allowlist', sellers: [SELLER.toLowerCase()] };
