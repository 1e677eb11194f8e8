import { AgentPayError, findNetwork } from '@agentpay/primitives';
import { fromBase64 } from '../encoding/Json.js';
import { sameHex } from '../evm/Hex.js';
import { decodePaymentPayload as decodeV1 } from './v1.js';
import { decodePaymentPayload as decodeV2 } from './v2.js';

/**
 * `Authorization: x402 usdc <signed-intent>`: a payment in USDC among the credentials of a request. The signed intent is the payment
 * payload, as `PAYMENT-SIGNATURE` (x402 v2) or `X-PAYMENT` (v1) would carry it: base64 of its JSON.
 */
export interface SignedIntent {
  readonly x402Version: 1 | 2;
  readonly payload: string;
}

const SCHEME = /^x402(?:\s|$)/i;

/** Whether the header holds a credential of the scheme `x402`, readable or not. */
export function hasSignedIntent(authorization: string): boolean {
  return credentials(authorization).length > 0;
}

/**
 * Reads the one signed intent of an `Authorization` value; other schemes may stand beside it.
 * @throws AgentPayError `payment_malformed`, `payment_ambiguous` when there are several
 */
export function readSignedIntent(authorization: string): SignedIntent {
  const [credential = '', ...more] = credentials(authorization);
  if (more.length > 0)
    throw new AgentPayError('payment_ambiguous', 'The request carries several signed intents.');
  const [, asset = '', payload = '', ...rest] = credential.split(/\s+/);
  if (asset.toLowerCase() !== 'usdc' || payload === '' || rest.length > 0)
    throw malformed('it must read: x402 usdc <signed-intent>');
  if ((fromBase64(payload) as { x402Version?: unknown } | null)?.x402Version === 1) {
    decodeV1(payload);
    return { x402Version: 1, payload };
  }
  const { network, asset: token } = decodeV2(payload).accepted;
  const usdc = findNetwork(network)?.usdc.address;
  if (usdc !== undefined && !sameHex(usdc, token)) throw malformed('it pays another token than USDC');
  return { x402Version: 2, payload };
}

export function writeSignedIntent({ payload }: Pick<SignedIntent, 'payload'>): string {
  return `x402 usdc ${payload}`;
}

function credentials(authorization: string): string[] {
  return authorization
    .split(',')
    .map((item) => item.trim())
    .filter((item) => SCHEME.test(item));
}

function malformed(why: string): AgentPayError {
  return new AgentPayError('payment_malformed', `The signed intent cannot be read: ${why}.`);
}
