import { mpp, PAYMENT_RECEIPT_JWS, SIGN_IN_HEADER } from '@agentpay/protocol';

/** The HTTP headers of one dialect. */
export interface RailHeaders {
  /** Request headers in which its proofs come. */
  readonly proofs: readonly string[];
  /** Authentication scheme of its proofs in `Authorization`, if they may come there. */
  readonly scheme?: string;
  /** Request headers by which clients say which of its offers they would pay. */
  readonly choices?: readonly string[];
  /** Response headers in which its offers and receipts go out. */
  readonly responses: readonly string[];
  /** Receipts that stand for a delivery: they go out with a success only. */
  readonly deliveryReceipts?: readonly string[];
}

/** Names of headers, as items and as the value of a header that lists them. */
export interface HeaderList {
  readonly items: readonly string[];
  readonly text: string;
}

/** The headers of all dialects together. */
export interface HeaderLists {
  /** Request headers that pages of other origins may send. */
  readonly allowed: readonly string[];
  /** Request headers in which proofs are looked for, as Node names them. */
  readonly searched: readonly string[];
  /** Request headers by which clients choose among offers, as Node names them. */
  readonly choices: readonly string[];
  /** What responses depend on. */
  readonly vary: HeaderList;
  /** What offers depend on. */
  readonly varyOffer: HeaderList;
  /** What pages of other origins may read. */
  readonly exposed: HeaderList;
  readonly deliveryReceipts: readonly string[];
  /** Matches a credential of `Authorization` that is a payment. */
  readonly paymentScheme: RegExp;
}

/** Response headers of every paid or refused response, whatever the dialect. */
const RESPONSES = [PAYMENT_RECEIPT_JWS, 'X-Payment-Replayed', 'Retry-After'];

/** @param authorizationHeader the one of the two headers of credentials that is read */
export function headerLists(rails: readonly RailHeaders[], authorizationHeader: string): HeaderLists {
  const proofs = distinct([...rails.flatMap((rail) => rail.proofs), SIGN_IN_HEADER]);
  const choices = distinct(rails.flatMap((rail) => rail.choices ?? []));
  const [own, others] = [proofs.filter(isPaymentOnly), proofs.filter((name) => !isPaymentOnly(name))];
  const allowed = [...others, ...own];
  // Whatever is read, the application may vary by `Authorization`; `Payment-Authorization` is nobody else's.
  const vary = authorizationHeader === mpp.AUTHORIZATION ? others : allowed;
  const unread = authorizationHeader === mpp.AUTHORIZATION ? mpp.PAYMENT_AUTHORIZATION : mpp.AUTHORIZATION;
  const schemes = distinct(rails.flatMap(({ scheme }) => scheme ?? []));
  return {
    allowed,
    searched: proofs.filter((name) => name !== unread).map((name) => name.toLowerCase()),
    choices: choices.map((name) => name.toLowerCase()),
    vary: headerList(vary),
    varyOffer: headerList([...vary, ...choices]),
    exposed: headerList(
      distinct([mpp.WWW_AUTHENTICATE, ...rails.flatMap((rail) => rail.responses), ...RESPONSES]),
    ),
    deliveryReceipts: rails.flatMap((rail) => rail.deliveryReceipts ?? []),
    paymentScheme: new RegExp(`^(?:${schemes.join('|')})(?:\\s|$)`, 'i'),
  };
}

function isPaymentOnly(name: string): boolean {
  return name === mpp.PAYMENT_AUTHORIZATION;
}

export function headerList(items: readonly string[]): HeaderList {
  return { items, text: items.join(', ') };
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)];
}
