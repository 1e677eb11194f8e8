import { AgentPayError, unixSeconds } from '@agentpay/primitives';
import {
  authorizationFor,
  authorizationTypedData,
  bytesToHex,
  fromAuthorization,
  signatureSchema,
  tokenDomainOf,
  type ExactPayload,
  type Hex,
  type TransferOffer,
} from '@agentpay/protocol';
import { MAX_LIFETIME, signWith, type Account } from './Account.js';
import type { ClientSettings } from './options.js';

/** Signs the transfer that an offer asks for, to the token's own EIP-712 domain. */
export async function signTransfer(
  { clock, random }: ClientSettings,
  account: Account,
  offer: TransferOffer,
): Promise<ExactPayload> {
  const nonce = bytesToHex(random.bytes(32));
  const authorization = authorizationFor(offer, { now: unixSeconds(clock), nonce, longest: MAX_LIFETIME });
  const typedData = authorizationTypedData(tokenDomainOf(offer.network), authorization);
  const signature = await signWith(account, typedData);
  return { signature: readSignature(signature), authorization: fromAuthorization(authorization) };
}

// Some signers leave out what stands in front of hex.
export function readSignature(signed: string): Hex {
  const hex = /^[0-9a-fA-F]{128,}$/.test(signed) ? `0x${signed}` : signed;
  const read = signatureSchema.safeParse(hex);
  if (read.success) return read.data;
  const message = 'The account gave no signature in hex with 0x in front; nothing was sent.';
  throw new AgentPayError('invalid_request', message, { param: 'account', reason: 'signature_malformed' });
}

/** When the authorization ends, in ms since the Unix epoch. */
export function endOf({ authorization }: ExactPayload): number {
  return Number(authorization.validBefore) * 1000;
}
