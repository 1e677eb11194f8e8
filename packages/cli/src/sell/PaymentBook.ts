import { appendFileSync, createReadStream, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { formatDecimal, parseDecimal, type Clock } from '@agentpay/primitives';
import { fromBase64, fromBase64url, mpp, x402v1, x402v2 } from '@agentpay/protocol';
import * as z from 'zod';

/** A payment that was settled, as a line of the book. */
export interface BookedPayment {
  readonly at: string;
  readonly route: string;
  readonly target: string;
  /** Dollars. */
  readonly amount: string;
  readonly payer: string;
  readonly transaction?: string | undefined;
  readonly request_id: string;
}

/** What hooks of the paywall tell of a settled payment. */
export interface SettledEvent {
  readonly route: string;
  readonly method: string;
  readonly target: string;
  readonly requestId: string;
  readonly amount: string;
  readonly payer: string;
  readonly receipt: Readonly<Record<string, string>>;
}

export const bookFile = (folder: string) => join(folder, 'payments.jsonl');

/** Writes down what was paid, a line each, in a file that only grows. */
export function paymentBook(folder: string, clock: Clock) {
  const file = bookFile(folder);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  return {
    add({ route, target, amount, payer, requestId, receipt }: SettledEvent): BookedPayment {
      const transaction = transactionIn(receipt);
      const at = new Date(clock.now()).toISOString();
      const booked = { at, route, target, amount, payer, transaction, request_id: requestId };
      appendFileSync(file, `${JSON.stringify(booked)}\n`, { mode: 0o600 });
      return booked;
    },
  };
}

/** One line for people. */
export function paymentLine({ at, route, amount, payer, transaction }: BookedPayment): string {
  const proof = transaction === undefined ? '' : ` in ${transaction}`;
  return `${at.slice(11, 19)} paid $${amount} for ${route} by ${payer.split(':').at(-1)}${proof}`;
}

function transactionIn(receipt: Readonly<Record<string, string>>): string | undefined {
  const value = (name: string) =>
    Object.entries(receipt).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
  const settled = value(x402v2.PAYMENT_RESPONSE) ?? value(x402v1.X_PAYMENT_RESPONSE);
  const read = (decode: () => unknown, member: string): string | undefined => {
    const found = (decode() as Record<string, unknown>)[member];
    return typeof found === 'string' && found !== '' ? found : undefined;
  };
  if (settled !== undefined) return read(() => fromBase64(settled), 'transaction');
  const receiptOfMpp = value(mpp.PAYMENT_RECEIPT);
  return receiptOfMpp === undefined ? undefined : read(() => fromBase64url(receiptOfMpp), 'reference');
}

/** What was earned, in base units of six decimals. */
export interface Earned {
  readonly payments: number;
  readonly amount: bigint;
  readonly byRoute: ReadonlyMap<string, { readonly payments: number; readonly amount: bigint }>;
}

const lineSchema = z.object({ route: z.string(), amount: z.string() });
/** More routes than a seller has: what is beyond is added up under one name. */
const MOST_ROUTES = 5_000;

/** Adds the book up. A line that a crash cut short is left out. */
export async function addUp(folder: string): Promise<Earned> {
  const file = bookFile(folder);
  const byRoute = new Map<string, { payments: number; amount: bigint }>();
  let [payments, amount] = [0, 0n];
  if (existsSync(file)) {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      const booked = read(line);
      if (!booked) continue;
      const route = byRoute.size < MOST_ROUTES || byRoute.has(booked.route) ? booked.route : 'others';
      const before = byRoute.get(route) ?? { payments: 0, amount: 0n };
      byRoute.set(route, { payments: before.payments + 1, amount: before.amount + booked.amount });
      payments++;
      amount += booked.amount;
    }
  }
  return { payments, amount, byRoute };
}

function read(line: string): { route: string; amount: bigint } | undefined {
  try {
    const { route, amount } = lineSchema.parse(JSON.parse(line));
    return { route, amount: parseDecimal(amount) };
  } catch {
    return undefined;
  }
}

/** "3 payments, $0.03". */
export function earnedText({ payments, amount }: Pick<Earned, 'payments' | 'amount'>): string {
  return `${payments} ${payments === 1 ? 'payment' : 'payments'}, $${formatDecimal(amount)}`;
}
