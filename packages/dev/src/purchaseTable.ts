import { formatDecimal } from '@agentpay/primitives';

/** One purchase that the stack made of its own seller. */
export interface PurchaseRow {
  readonly dialect: 'x402 v2' | 'x402 v1' | 'MPP' | 'token';
  /** Micro-units. */
  readonly price: bigint;
  /** HTTP status, or 0 when there was no response. */
  readonly status: number;
  /** Transaction hash where the chain was used. */
  readonly transaction: string | undefined;
  readonly ms: number;
  /** Why the purchase does not count, undefined when it is all right. */
  readonly fault: string | undefined;
}

/** The purchases as an aligned table. */
export function purchaseTable(purchases: readonly PurchaseRow[]): string {
  const rows = purchases.map((purchase) => [
    purchase.dialect,
    `$${formatDecimal(purchase.price)}`,
    String(purchase.status || '-'),
    purchase.transaction ?? (purchase.fault === undefined ? 'off chain' : '-'),
    String(purchase.ms),
  ]);
  const lines = [['dialect', 'price', 'status', 'transaction', 'ms'], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const text = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [
    ...text,
    ...purchases.flatMap(({ dialect, fault }) => (fault === undefined ? [] : [`${dialect}: ${fault}`])),
  ].join('\n');
}

/** The purchases as JSON values; amounts as decimal text. */
export function purchaseJson(purchases: readonly PurchaseRow[]): unknown[] {
  return purchases.map(({ price, transaction, fault, ...rest }) => ({
    ...rest,
    price: `$${formatDecimal(price)}`,
    ...(transaction !== undefined && { transaction }),
    ...(fault !== undefined && { fault }),
  }));
}
