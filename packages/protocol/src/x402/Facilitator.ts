import * as z from 'zod';
import { isPlain, nullable } from '../encoding/Json.js';
import { uint256Schema } from '../evm/Hex.js';
import type { SettlementStatus } from './settlementStatus.js';
import * as v1 from './v1.js';
import * as v2 from './v2.js';

const requestV1 = z.object({
  x402Version: z.literal(1),
  paymentPayload: v1.paymentPayloadSchema,
  paymentRequirements: v1.paymentRequirementsSchema,
});
const requestV2 = z.object({
  x402Version: z.literal(2),
  paymentPayload: v2.paymentPayloadSchema,
  paymentRequirements: v2.paymentRequirementsSchema,
});

/** Body of `/verify` and `/settle`. */
export const facilitatorRequestSchema = z.preprocess(
  (body) => (isPlain(body) ? body : undefined),
  z.discriminatedUnion('x402Version', [requestV1, requestV2]),
);

/** Response of `/verify`; HTTP 200 also when the payment is not valid. */
export const verifyResponseSchema = nullable({
  isValid: z.boolean(),
  invalidReason: z.string().max(256).optional(),
  invalidMessage: z.string().max(4096).optional(),
  payer: z.string().max(128).optional(),
  /** What the payer has of the token, in base units, as the facilitator has seen it. */
  balance: uint256Schema.optional().catch(undefined),
});

/** Response of `/supported`. */
export const supportedResponseSchema = nullable({
  kinds: z.array(
    nullable({
      x402Version: z.number().int(),
      scheme: z.string(),
      network: z.string(),
      extra: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
  extensions: z.array(z.string()).default([]),
  signers: z.record(z.string(), z.array(z.string())).default({}),
});

export type FacilitatorRequest = z.infer<typeof facilitatorRequestSchema>;
export type VerifyResponse = z.infer<typeof verifyResponseSchema>;
export type SupportedResponse = z.infer<typeof supportedResponseSchema>;

/** Verifies payments and moves the money. In-process and HTTP implementations are interchangeable. */
export interface Facilitator {
  /**
   * Whether the payment could be settled now. Changes nothing.
   * @throws AgentPayError `facilitator_unavailable`
   */
  verify(request: FacilitatorRequest): Promise<VerifyResponse>;
  /**
   * Moves the money once per (network, asset, payer, nonce), however often it is called with the same request.
   * `errorReason: "settlement_pending"` with a transaction hash is not a failure: call again with the same request.
   * @throws AgentPayError `facilitator_unavailable` when the request was certainly not taken, `settlement_unknown` when it may have been
   */
  settle(request: FacilitatorRequest): Promise<v2.SettleResponse>;
  /**
   * What became of a payment, without moving anything; undefined when it was never settled here. Absent where a facilitator does not tell.
   * @throws AgentPayError as {@link settlementStatus}
   */
  readonly settlement?: (request: FacilitatorRequest) => Promise<SettlementStatus | undefined>;
  /** What can be settled. @throws AgentPayError `facilitator_unavailable` */
  supported(): Promise<SupportedResponse>;
}
