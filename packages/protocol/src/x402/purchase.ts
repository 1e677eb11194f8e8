import { jcs } from '../encoding/Json.js';

/**
 * Member of `extensions` in what a seller asks a facilitator: what the payment buys, so that a settled one is granted for that alone. A
 * facilitator that does not know it ignores it.
 */
export const PURCHASE = 'purchase';

/**
 * Member of `extensions` in what somebody else than the seller asks a facilitator to settle: the payment is to buy one response of the
 * seller who is shown it afterwards. A facilitator that does not know it settles all the same.
 */
export const PREPAID = 'prepaid';

export interface PurchaseExtension {
  /** Digest of the request that is paid for: method, host, target, body and credentials. It tells nothing of them. */
  readonly request: string;
  /** MPP: the challenge that is answered. */
  readonly challengeId?: string;
}

/** Whether a request has a payment settled before its seller has seen it. */
export function isPrepaid(extensions: Readonly<Record<string, unknown>> | undefined): boolean {
  return extensions?.[PREPAID] !== undefined;
}

/** The purchase that a request names, as one text for comparison; "" for none. */
export function purchaseText(extensions: Readonly<Record<string, unknown>> | undefined): string {
  const purchase = extensions?.[PURCHASE];
  return purchase === undefined || purchase === null ? '' : jcs(purchase);
}
