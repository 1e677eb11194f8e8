import { AgentPayError } from '@agentpay/primitives';
import * as z from 'zod';
import { fromBase64url, parseShape } from '../encoding/Json.js';
import {
  addressSchema,
  bytes32Schema,
  bytesToHex,
  checksumAddress,
  keccak256,
  signatureSchema,
  uint256Schema,
  type Address,
  type Hex,
} from '../evm/Hex.js';
import { authorizationSchema } from '../x402/exact.js';
import type { Challenge } from './Challenge.js';

/** Method and intent of an ERC-20 charge on an EVM chain (draft-evm-charge). */
export const EVM_METHOD = 'evm';
export const CHARGE_INTENT = 'charge';

/** How a charge may be paid: by what the seller sends, by a transaction the seller broadcasts, or by the hash of one that is made. */
export type CredentialType = 'authorization' | 'transaction' | 'hash';

const requestSchema = z.object({
  amount: uint256Schema,
  currency: addressSchema,
  recipient: addressSchema,
  description: z.string().max(4096).optional(),
  externalId: z.string().max(512).optional(),
  methodDetails: z.object({
    chainId: z.number().int().positive(),
    credentialTypes: z.array(z.string()).optional(),
    decimals: z.number().int().min(0).max(36).optional(),
  }),
});

/** The decoded `request` of an evm charge; amounts in base units of the ERC-20 token `currency`. */
export type EvmChargeRequest = z.infer<typeof requestSchema>;

const authorizationPayloadSchema = authorizationSchema.extend({
  type: z.literal('authorization'),
  signature: signatureSchema,
});

/** Credential payload of type `authorization`: an EIP-3009 TransferWithAuthorization. */
export type AuthorizationPayload = z.infer<typeof authorizationPayloadSchema>;

const transactionPayloadSchema = z.object({ type: z.literal('transaction'), signature: signatureSchema });
const hashPayloadSchema = z.object({ type: z.literal('hash'), hash: bytes32Schema });

const payloadSchema = z.discriminatedUnion('type', [
  authorizationPayloadSchema,
  transactionPayloadSchema,
  hashPayloadSchema,
]);

/**
 * Credential payload of an evm charge. `transaction`: `signature` is a signed EIP-1559 transaction that calls `transfer` of the token;
 * `hash`: the hash of such a transaction that stands in a block.
 */
export type EvmPayload = z.infer<typeof payloadSchema>;

/** The request of a charge; payable by EIP-3009 authorization, if nothing else is said. */
export function evmChargeRequest(charge: {
  amount: bigint;
  currency: Address;
  recipient: Address;
  chainId: number;
  decimals: number;
  credentialTypes?: readonly CredentialType[];
}): EvmChargeRequest {
  const { chainId, decimals, credentialTypes = ['authorization'] } = charge;
  return {
    amount: charge.amount.toString(),
    currency: checksumAddress(charge.currency),
    recipient: checksumAddress(charge.recipient),
    methodDetails: { chainId, credentialTypes: [...credentialTypes], decimals },
  };
}

/** Reads the request of an evm charge challenge. @throws AgentPayError `payment_malformed` */
export function readEvmChargeRequest(challenge: Pick<Challenge, 'request'>): EvmChargeRequest {
  return parseShape(requestSchema, fromBase64url(challenge.request), 'request of the challenge');
}

/** Reads the payload of a credential of type `authorization`. @throws AgentPayError `payment_malformed` */
export function readAuthorizationPayload(payload: unknown): AuthorizationPayload {
  return parseShape(authorizationPayloadSchema, payload, 'authorization payload');
}

/** Reads the payload of an evm charge credential. @throws AgentPayError `payment_malformed`, also for a type that is not accepted */
export function readEvmPayload(payload: unknown, accepted: readonly CredentialType[]): EvmPayload {
  const read = parseShape(payloadSchema, payload, 'payload of the credential');
  if (accepted.includes(read.type)) return read;
  throw new AgentPayError('payment_malformed', `Credentials of type ${read.type} are not accepted here.`);
}

/** The EIP-3009 nonce that binds an authorization to its challenge: keccak256(utf8(id) ++ utf8(realm)). */
export function challengeNonce(challenge: Pick<Challenge, 'id' | 'realm'>): Hex {
  return bytesToHex(keccak256(challenge.id + challenge.realm));
}

/** The payer as a DID: did:pkh:eip155:<chain id>:<checksummed address>. */
export function evmSource(chainId: number, payer: Address): string {
  return `did:pkh:eip155:${chainId}:${checksumAddress(payer)}`;
}
