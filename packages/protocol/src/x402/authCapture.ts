import * as z from 'zod';
import { boundSalt, ERC3009_COLLECTOR, PERMIT2_COLLECTOR, type PaymentInfo } from '../evm/AuthCapture.js';
import {
  addressSchema,
  bytes32Schema,
  sameHex,
  signatureSchema,
  uint256Schema,
  type Address,
} from '../evm/Hex.js';
import { authorizationSchema } from './exact.js';
import type { PaymentRequirements } from './v2.js';

const unixSeconds = z
  .number()
  .int()
  .positive()
  .max(2 ** 48 - 1);
const basisPoints = z.number().int().min(0).max(10_000);

/** The `extra` of an offer of scheme `auth-capture` v1.1 on EVM (x402 v2 only). Further members are kept. */
export const authCaptureExtraSchema = z
  .looseObject({
    name: z.string().min(1).max(64),
    version: z.string().min(1).max(16),
    /** `PaymentInfo.operator`. */
    captureAuthorizer: addressSchema,
    feeRecipient: addressSchema,
    /** Unix seconds: `authorizationExpiry`. */
    captureDeadline: unixSeconds,
    /** Unix seconds: `refundExpiry`. */
    refundDeadline: unixSeconds,
    minFeeBps: basisPoints,
    maxFeeBps: basisPoints,
    authCaptureEscrow: addressSchema.optional(),
    assetTransferMethod: z.enum(['eip3009', 'permit2']).optional(),
    /** When the money moves: `escrow` (the default) holds it first. */
    paymentFlow: z.string().max(64).optional(),
    /** When a hold is paid out: `sync` (the default) within the request, `deferred` later. */
    captureMode: z.enum(['sync', 'deferred']).optional(),
    operatorType: z.string().max(64).optional(),
    receiverAuthorizer: addressSchema.optional(),
    policy: addressSchema.optional(),
  })
  .refine((extra) => extra.minFeeBps <= extra.maxFeeBps, 'minFeeBps must not be above maxFeeBps')
  .refine(
    (extra) => extra.captureDeadline <= extra.refundDeadline,
    'captureDeadline must not be after refundDeadline',
  );

const salts = { signature: signatureSchema, salt: bytes32Schema, saltNonce: bytes32Schema.optional() };

/** The `payload` of scheme `auth-capture`: by EIP-3009, or by Permit2 without a witness. Numbers are decimal text. */
export const authCapturePayloadSchema = z.union([
  z.object({ ...salts, authorization: authorizationSchema }),
  z.object({
    ...salts,
    permit2Authorization: z.object({
      from: addressSchema,
      permitted: z.object({ token: addressSchema, amount: uint256Schema }),
      spender: addressSchema,
      nonce: uint256Schema,
      deadline: uint256Schema,
    }),
  }),
]);

export type AuthCaptureExtra = z.infer<typeof authCaptureExtraSchema>;
export type AuthCapturePayload = z.infer<typeof authCapturePayloadSchema>;

const ZERO_ADDRESS: Address = `0x${'0'.repeat(40)}`;

/** Who pays by this payload, and until when (Unix seconds) the hold may be made. */
export function authCapturePayer(payload: AuthCapturePayload): { payer: Address; preApprovalExpiry: bigint } {
  if ('authorization' in payload) {
    return {
      payer: payload.authorization.from,
      preApprovalExpiry: BigInt(payload.authorization.validBefore),
    };
  }
  const { from, deadline } = payload.permit2Authorization;
  return { payer: from, preApprovalExpiry: BigInt(deadline) };
}

/** The collector that brings what this payload signed for. */
export function authCaptureCollector(payload: AuthCapturePayload): Address {
  return 'authorization' in payload ? ERC3009_COLLECTOR : PERMIT2_COLLECTOR;
}

/**
 * The payment that an offer and a payload make up. Everything but payer, salt and `preApprovalExpiry` is the offer's: what the
 * payload says otherwise makes its signature void.
 */
export function authCapturePaymentInfo(
  offer: Pick<PaymentRequirements, 'amount' | 'asset' | 'payTo'>,
  extra: AuthCaptureExtra,
  payload: AuthCapturePayload,
): PaymentInfo {
  const { payer, preApprovalExpiry } = authCapturePayer(payload);
  return {
    operator: extra.captureAuthorizer,
    payer,
    receiver: offer.payTo as Address,
    token: offer.asset as Address,
    maxAmount: BigInt(offer.amount),
    preApprovalExpiry: Number(preApprovalExpiry),
    authorizationExpiry: extra.captureDeadline,
    refundExpiry: extra.refundDeadline,
    minFeeBps: extra.minFeeBps,
    maxFeeBps: extra.maxFeeBps,
    feeReceiver: extra.feeRecipient,
    salt: payload.salt,
  };
}

/** Whether the offer names whom the salt must commit to, and whether the payload's does. */
export function saltIsBound(extra: AuthCaptureExtra, payload: AuthCapturePayload): boolean {
  const receiverAuthorizer = extra.receiverAuthorizer ?? ZERO_ADDRESS;
  const policy = extra.policy ?? ZERO_ADDRESS;
  if (sameHex(receiverAuthorizer, ZERO_ADDRESS) && sameHex(policy, ZERO_ADDRESS)) return true;
  if (payload.saltNonce === undefined) return false;
  return sameHex(boundSalt(receiverAuthorizer, policy, payload.saltNonce), payload.salt);
}
