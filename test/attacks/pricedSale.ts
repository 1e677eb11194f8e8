import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { paywall, type PaywallOptions } from '@agentpay/paywall';
import { bytesToHex, mpp, x402v1, x402v2, type Facilitator } from '@agentpay/protocol';
import { newAccount } from './payment.js';
import { sendRaw } from './paywallSeller.js';

const payer = newAccount().address;
const SIGNATURE = `0x${'ab'.repeat(65)}`;
const payTo = newAccount().address;
const facilitator: Facilitator = {
  verify: async () => ({ isValid: true, payer: payer }),
  settle: async ({ paymentRequirements }) => ({
    success: true,
    transaction: `0x${'cd'.repeat(32)}`,
    network: paymentRequirements.network,
    payer: payer,
  }),
  supported: async () => ({ kinds: [], extensions: [], signers: {} }),
};
export const [CHEAP, DEAR] = ['10000', '5000000'];

/** Handlers refuse many requests of the one payer here, which is not what is tested. */
export const wallOf = (options: Partial<PaywallOptions>) =>
  paywall({ payTo, facilitator, logger: false, maxUnpaidRuns: 1_000, ...options });

/** Says what it has seen in the request. */
export type See = (req: IncomingMessage & { body?: unknown; params?: unknown; query?: unknown }) => unknown;
export const answer = (see: See) => async (req: Parameters<See>[0], res: ServerResponse) => {
  res.setHeader('content-type', 'application/json');
  res.end(JSON.stringify({ seen: (await see(req)) ?? null }));
};

/** A request with what it is asked to pay, and what the handler saw of it once that was paid. */
export interface Sale {
  readonly status: number;
  readonly amount?: string | undefined;
  readonly seen?: unknown;
}

/** The facilitator believes every signature. */
export function proofOf(accepted: x402v2.PaymentRequirements): string {
  const payload = { signature: SIGNATURE, authorization: authorizationOf(accepted.payTo, accepted.amount) };
  return x402v2.encodePaymentPayload({ x402Version: 2, accepted, payload });
}

export async function buy(send: (headers: Record<string, string>) => Promise<Response>): Promise<Sale> {
  const offer = await send({});
  if (offer.status !== 402) return { status: offer.status };
  const { accepts } = x402v2.decodePaymentRequired(offer.headers.get('payment-required') as string);
  const accepted = accepts[0] as x402v2.PaymentRequirements;
  const paid = await send({ [x402v2.PAYMENT_SIGNATURE]: proofOf(accepted) });
  const seen = paid.status === 200 ? ((await paid.json()) as { seen: unknown }).seen : undefined;
  return { status: paid.status, amount: accepted.amount, seen };
}

const authorizationOf = (to: string, value: string) => ({
  from: payer,
  to,
  value,
  validAfter: '0',
  validBefore: String(Math.floor(Date.now() / 1000) + 300),
  nonce: bytesToHex(randomBytes(32)),
});

export function v1ProofOf({ network, payTo: to, maxAmountRequired }: x402v1.PaymentRequirements): string {
  const payload = { signature: SIGNATURE, authorization: authorizationOf(to, maxAmountRequired) };
  return x402v1.encodePaymentPayload({ x402Version: 1, scheme: 'exact', network, payload });
}

export function mppProofOf(challenge: mpp.Challenge): string {
  const { amount, recipient } = mpp.readEvmChargeRequest(challenge);
  const authorization = { ...authorizationOf(recipient, amount), nonce: mpp.challengeNonce(challenge) };
  return mpp.serializeCredential({
    challenge,
    payload: { type: 'authorization', signature: SIGNATURE, ...authorization },
  });
}

/** Sends exactly this target. */
export const raw = (url: string, target: string) => async (headers: Record<string, string>) => {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const { status, head, body } = await sendRaw(url, Buffer.from(`GET ${target} HTTP/1.1`), lines);
  const required = /^payment-required: (.*)$/im.exec(head)?.[1];
  return new Response(unchunked(head, body), {
    status: status >= 200 ? status : 400,
    headers: required === undefined ? {} : { 'payment-required': required },
  });
};

function unchunked(head: string, body: string): string {
  return /^transfer-encoding: chunked/im.test(head)
    ? body.replace(/^[0-9a-f]+\r\n|\r\n[0-9a-f]+\r\n/gi, '').trim()
    : body;
}
