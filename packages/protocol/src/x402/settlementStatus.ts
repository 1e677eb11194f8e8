import { AgentPayError, findNetwork, isAgentPayError } from '@agentpay/primitives';
import * as z from 'zod';
import { readBytes } from '../encoding/readBytes.js';
import { bytesOfText, sha256, writeHex } from '#platform';
import { PERMIT2 } from '../evm/Permit2.js';
import * as v1 from './v1.js';
import * as v2 from './v2.js';

/** What a payment is known by: the contract in which its nonce is used up (the token, or Permit2), and whose nonce it is. */
export interface PaymentKey {
  /** CAIP-2 id. */
  readonly network: string;
  readonly asset: string;
  readonly payer: string;
  /** 32 bytes of hex. */
  readonly nonce: string;
}

const signedBy = z.object({ from: z.string(), nonce: z.string() });
const signedSchema = z.union([
  z.object({ authorization: signedBy }),
  z.object({ permit2Authorization: signedBy }),
]);

/**
 * What the payment in a header is known by.
 * @param payment value of `PAYMENT-SIGNATURE` (x402 v2) or `X-PAYMENT` (v1)
 * @throws AgentPayError `payment_malformed` where it cannot be read, or is made in another way than by a signed transfer
 */
export function paymentKeyIn(payment: string): PaymentKey {
  const { scheme, network, asset, payload } = readEither(payment);
  const signed = signedSchema.safeParse(payload);
  if (!signed.success || !['exact', 'upto'].includes(scheme))
    throw new AgentPayError('payment_malformed', 'The payment is not made by a signed transfer.');
  if ('authorization' in signed.data) {
    const { from, nonce } = signed.data.authorization;
    return { network, asset, payer: from, nonce };
  }
  const { from, nonce } = signed.data.permit2Authorization;
  return { network, asset: PERMIT2, payer: from, nonce: hex32(nonce) };
}

function readEither(
  payment: string,
): Pick<PaymentKey, 'network' | 'asset'> & { scheme: string; payload: unknown } {
  const malformed = (cause: unknown) =>
    new AgentPayError('payment_malformed', 'The payment cannot be read.', { cause });
  try {
    const { accepted, payload } = v2.decodePaymentPayload(payment);
    return { ...accepted, payload };
  } catch (cause) {
    try {
      const { scheme, network, payload } = v1.decodePaymentPayload(payment);
      const known = findNetwork(network);
      // x402 v1 names no token in the payment: it is USDC.
      if (known) return { scheme, network: known.id, asset: known.usdc.address, payload };
    } catch {
      throw malformed(cause);
    }
    throw malformed(cause);
  }
}

/** Permit2 writes nonces as decimal digits. @throws AgentPayError `payment_malformed` */
function hex32(digits: string): string {
  if (!/^\d{1,78}$/.test(digits)) throw new AgentPayError('payment_malformed', 'The nonce cannot be read.');
  return `0x${BigInt(digits).toString(16).padStart(64, '0')}`;
}

/** The hash by which a payment is asked for: SHA-256, in hex, of network, asset, payer and nonce in lower case with `|` between them. */
export function paymentHash({ network, asset, payer, nonce }: PaymentKey): string {
  const text = [network, asset, payer, nonce].join('|').toLowerCase();
  return writeHex(sha256(bytesOfText(text)));
}

/** What became of a payment at a facilitator. `pending`: it is claimed or sent, and may still go either way. */
export const settlementStatusSchema = z.object({
  state: z.enum(['pending', 'settled', 'failed']),
  transaction: z.string().nullable(),
  network: z.string(),
  payer: z.string(),
  pay_to: z.string().nullable(),
  /** Base units. */
  amount: z.string(),
  explorer: z.string().nullable(),
  reason: z.string().nullable(),
  updated_at: z.string(),
});

export type SettlementStatus = z.infer<typeof settlementStatusSchema>;

const MAX_BYTES = 64 * 1024;
/** Statuses of a facilitator that has no such resource, which is not asked again. */
const NOT_TOLD = [404, 405, 501];
/** Reason of `facilitator_unavailable` for such a facilitator. */
export const STATUS_NOT_TOLD = 'settlement_status_not_told';

/**
 * Asks a facilitator of AgentPay what became of a payment; nothing is moved by it. The payment itself is the proof that the caller may
 * know.
 * @param payment value of `PAYMENT-SIGNATURE` or `X-PAYMENT`
 * @example
 * const status = await settlementStatus({ facilitator: 'http://127.0.0.1:3102', payment: req.headers['payment-signature'] });
 * status?.state; // 'settled'
 * @returns undefined when the facilitator has never settled it
 * @throws AgentPayError `payment_malformed`; `facilitator_unavailable` when there is no usable response, with the reason
 *   `settlement_status_not_told` by a facilitator that has no such resource
 */
export async function settlementStatus({
  facilitator,
  payment,
  fetch = globalThis.fetch,
  timeoutMs = 10_000,
}: {
  readonly facilitator: string;
  readonly payment: string;
  readonly fetch?: typeof globalThis.fetch;
  readonly timeoutMs?: number;
}): Promise<SettlementStatus | undefined> {
  const signal = AbortSignal.timeout(timeoutMs);
  const { url, headers } = statusRequest(facilitator, payment);
  try {
    const response = await fetch(url, { headers, signal });
    const text = new TextDecoder().decode(await readBytes(response.body, MAX_BYTES, signal));
    return readStatus(response.status, text);
  } catch (cause) {
    throw isAgentPayError(cause) ? cause : noStatus(cause);
  }
}

/** How a facilitator of AgentPay is asked what became of a payment. @throws AgentPayError `payment_malformed` */
export function statusRequest(facilitator: string, payment: string) {
  const hash = paymentHash(paymentKeyIn(payment));
  return {
    url: `${facilitator.replace(/\/+$/, '')}/settlements/by-payment/${hash}`,
    headers: { accept: 'application/json', [v2.PAYMENT_SIGNATURE]: payment },
  };
}

/** What a facilitator responds to it, as {@link settlementStatus} gives it. @throws AgentPayError `facilitator_unavailable` */
export function readStatus(code: number, text: string): SettlementStatus | undefined {
  const body = parsed(text);
  if (code === 404 && (body as { code?: unknown } | undefined)?.code === 'settlement_not_known')
    return undefined;
  const read = settlementStatusSchema.safeParse(body);
  if (code === 200 && read.success) return read.data;
  throw noStatus(new Error(`Status ${code}.`), NOT_TOLD.includes(code) ? STATUS_NOT_TOLD : undefined);
}

function noStatus(cause: unknown, reason?: string): AgentPayError {
  const message = 'The facilitator does not say what became of the payment.';
  return new AgentPayError('facilitator_unavailable', message, { cause, ...(reason && { reason }) });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
