import { AgentPayError, unixSeconds } from '@agentpay/primitives';
import {
  authorizationTypedData,
  bytesToHex,
  fromAuthorization,
  signatureSchema,
  type ExactPayload,
  type Hex,
} from '@agentpay/protocol';
import { MAX_LIFETIME } from './Account.js';
import type { ClientSettings } from './options.js';
import type { TransferTerms } from './Terms.js';

/** How far the clock of the chain may be behind, in seconds. */
const CLOCK_SKEW = 300;

/**
 * Signs the transfer that the terms ask for, to the token's own EIP-712 domain.
 * @param options.lifetime seconds that the seller asks for; `nonce` is random unless given
 */
export async function signTransfer(
  { clock, random }: ClientSettings,
  { account, network, amount, payTo }: TransferTerms,
  { lifetime, nonce = bytesToHex(random.bytes(32)) }: { lifetime: number; nonce?: Hex },
): Promise<ExactPayload> {
  const now = unixSeconds(clock);
  const authorization = {
    from: account.address,
    to: payTo,
    value: amount,
    validAfter: BigInt(now - CLOCK_SKEW),
    validBefore: BigInt(now + Math.min(lifetime, MAX_LIFETIME)),
    nonce,
  };
  const { chainId, usdc } = network;
  const domain = { ...usdc.eip712, chainId, verifyingContract: usdc.address };
  const signature = await account.signTypedData(authorizationTypedData(domain, authorization));
  return { signature: readSignature(signature), authorization: fromAuthorization(authorization) };
}

// Some signers leave out what stands in front of hex.
function readSignature(signed: string): Hex {
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
