import * as z from 'zod';
import { addressSchema, bytes32Schema, signatureSchema, uint256Schema } from '../evm/Hex.js';
import type { Authorization } from '../evm/Eip3009.js';

/** An EIP-3009 authorization as it travels, in x402 and in MPP. Numbers are decimal text. */
export const authorizationSchema = z.object({
  from: addressSchema,
  to: addressSchema,
  value: uint256Schema,
  validAfter: uint256Schema,
  validBefore: uint256Schema,
  nonce: bytes32Schema,
});

/** The `payload` of scheme `exact` on EVM by EIP-3009, the same in x402 v1 and v2. */
export const exactPayloadSchema = z.object({
  signature: signatureSchema,
  authorization: authorizationSchema,
});

export type ExactPayload = z.infer<typeof exactPayloadSchema>;

/** The wire authorization with its numbers as bigint. */
export function toAuthorization(wire: ExactPayload['authorization']): Authorization {
  return {
    from: wire.from,
    to: wire.to,
    value: BigInt(wire.value),
    validAfter: BigInt(wire.validAfter),
    validBefore: BigInt(wire.validBefore),
    nonce: wire.nonce,
  };
}

/** The authorization as it travels: numbers as decimal text. */
export function fromAuthorization(authorization: Authorization): ExactPayload['authorization'] {
  return {
    from: authorization.from,
    to: authorization.to,
    value: authorization.value.toString(),
    validAfter: authorization.validAfter.toString(),
    validBefore: authorization.validBefore.toString(),
    nonce: authorization.nonce,
  };
}
