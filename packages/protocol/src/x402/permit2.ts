import * as z from 'zod';
import { addressSchema, signatureSchema, uint256Schema } from '../evm/Hex.js';
import type { Permit2Authorization, UptoWitness } from '../evm/Permit2.js';

const exactWitnessSchema = z.object({ to: addressSchema, validAfter: uint256Schema });
const uptoWitnessSchema = exactWitnessSchema.extend({ facilitator: addressSchema });

/** The `payload` of scheme `exact` on EVM by Permit2 (x402 v2). Numbers are decimal text. */
export const exactPermit2PayloadSchema = payloadSchema(exactWitnessSchema);

/** The `payload` of scheme `upto` on EVM (x402 v2). Numbers are decimal text. */
export const uptoPayloadSchema = payloadSchema(uptoWitnessSchema);

/** The `extra` of an offer of scheme `upto` on EVM. The payer signs who may settle; further members are kept. */
export const uptoExtraSchema = z.looseObject({
  assetTransferMethod: z.literal('permit2').optional(),
  facilitatorAddress: addressSchema,
});

export type ExactPermit2Payload = z.infer<typeof exactPermit2PayloadSchema>;
export type UptoPayload = z.infer<typeof uptoPayloadSchema>;
export type UptoExtra = z.infer<typeof uptoExtraSchema>;

type WireExact = ExactPermit2Payload['permit2Authorization'];
type WireUpto = UptoPayload['permit2Authorization'];

/** The wire authorization with its numbers as bigint. */
export function toPermit2Authorization(wire: WireUpto): Permit2Authorization<UptoWitness>;
export function toPermit2Authorization(wire: WireExact): Permit2Authorization;
export function toPermit2Authorization(wire: WireExact): Permit2Authorization {
  const { permitted, nonce, deadline, witness } = wire;
  return {
    ...wire,
    permitted: { ...permitted, amount: BigInt(permitted.amount) },
    nonce: BigInt(nonce),
    deadline: BigInt(deadline),
    witness: { ...witness, validAfter: BigInt(witness.validAfter) },
  };
}

/** The authorization as it travels: numbers as decimal text. */
export function fromPermit2Authorization(authorization: Permit2Authorization<UptoWitness>): WireUpto;
export function fromPermit2Authorization(authorization: Permit2Authorization): WireExact;
export function fromPermit2Authorization(authorization: Permit2Authorization): WireExact {
  const { permitted, nonce, deadline, witness } = authorization;
  return {
    ...authorization,
    permitted: { ...permitted, amount: permitted.amount.toString() },
    nonce: nonce.toString(),
    deadline: deadline.toString(),
    witness: { ...witness, validAfter: witness.validAfter.toString() },
  };
}

function payloadSchema<Witness extends z.ZodType>(witness: Witness) {
  return z.object({
    signature: signatureSchema,
    permit2Authorization: z.object({
      from: addressSchema,
      permitted: z.object({ token: addressSchema, amount: uint256Schema }),
      spender: addressSchema,
      nonce: uint256Schema,
      deadline: uint256Schema,
      witness,
    }),
  });
}
