import * as z from 'zod';
import {
  hashCapture,
  hashRefund,
  hashVoid,
  paymentInfoHash,
  saltOf,
  type CaptureOrder,
  type PaymentInfo,
  type RefundOrder,
  type SaltBinding,
} from '../evm/AuthCapture.js';
import { addressSchema, bytes32Schema, signatureSchema, uint256Schema, type Address } from '../evm/Hex.js';

const MOST_SECONDS = 2 ** 48 - 1;
const seconds = z.number().int().nonnegative().max(MOST_SECONDS);
const basisPoints = z.number().int().min(0).max(65_535);
const uint120 = uint256Schema.refine((text) => BigInt(text) < 2n ** 120n, 'must fit into 120 bits');

/** `PaymentInfo` as it travels: the struct that the escrow takes, its amount as decimal text. */
export const paymentInfoSchema = z.object({
  operator: addressSchema,
  payer: addressSchema,
  receiver: addressSchema,
  token: addressSchema,
  maxAmount: uint120,
  preApprovalExpiry: seconds,
  authorizationExpiry: seconds,
  refundExpiry: seconds,
  minFeeBps: basisPoints,
  maxFeeBps: basisPoints,
  feeReceiver: addressSchema,
  salt: bytes32Schema,
});

const bound = {
  paymentInfo: paymentInfoSchema,
  /** What the salt commits to beside authorizer and policy; of an agreement the hash of its document. */
  saltNonce: bytes32Schema,
  /** Of an agreement: Unix seconds before which a capture needs the payer's signature. Not part of the x402 spec. */
  captureNotBefore: seconds.optional(),
  /** By the receiver authorizer; left out where the facilitator is that. */
  authorizerSignature: signatureSchema.optional(),
};
const expected = {
  expectedCapturableAmount: uint120,
  expectedRefundableAmount: uint120,
};

/** Pays out of a hold; with `voidAuthorizerSignature` the rest goes back to the payer with it. */
const captureSchema = z.object({
  type: z.literal('capture'),
  ...bound,
  ...expected,
  amount: uint120,
  feeAmount: uint120,
  feeReceiver: addressSchema,
  /** Where the facilitator signs: `true` asks for the void. */
  voidAuthorizerSignature: z.union([signatureSchema, z.literal(true)]).optional(),
  /** The payer's consent to a capture of an agreement within its challenge window. Not part of the x402 spec. */
  payerSignature: signatureSchema.optional(),
});

/** Gives what is held back to the payer. */
const voidSchema = z.object({ type: z.literal('void'), ...bound });

/** Gives captured money back to the payer, out of what the collector brings. */
const refundSchema = z.object({
  type: z.literal('refund'),
  ...bound,
  ...expected,
  amount: uint120,
  /** `RECEIVER_REFUND_COLLECTOR`, with the receiver's signature as its data. Not part of the x402 spec. */
  tokenCollector: addressSchema.optional(),
  collectorData: signatureSchema.optional(),
});

/** The `payload` by which a seller moves a hold on (x402 `auth-capture` v1.1), in `POST /settle`. Numbers are decimal text. */
export const authCaptureOrderSchema = z.discriminatedUnion('type', [captureSchema, voidSchema, refundSchema]);

export type AuthCaptureOrder = z.infer<typeof authCaptureOrderSchema>;
export type WirePaymentInfo = z.infer<typeof paymentInfoSchema>;

/** Whether a payload orders what becomes of a hold, instead of paying. */
export function isAuthCaptureOrder(payload: Readonly<Record<string, unknown>>): boolean {
  return 'type' in payload || 'paymentInfo' in payload;
}

export function fromPaymentInfo(info: PaymentInfo): WirePaymentInfo {
  return { ...info, maxAmount: info.maxAmount.toString() };
}

export function toPaymentInfo(wire: WirePaymentInfo): PaymentInfo {
  return { ...wire, maxAmount: BigInt(wire.maxAmount) };
}

/** What the salt of an order's payment must commit to. */
export function orderBinding(order: AuthCaptureOrder, receiverAuthorizer: Address): SaltBinding {
  const { saltNonce, captureNotBefore = 0 } = order;
  return { receiverAuthorizer, saltNonce, captureNotBefore };
}

/** Whether the payment's salt is the one that the operator asks for. */
export function isOrderBound(order: AuthCaptureOrder, receiverAuthorizer: Address): boolean {
  const { operator, salt } = order.paymentInfo;
  return saltOf(operator, orderBinding(order, receiverAuthorizer)).toLowerCase() === salt.toLowerCase();
}

export function captureOrderOf(
  chainId: number,
  order: Extract<AuthCaptureOrder, { type: 'capture' }>,
): CaptureOrder {
  return {
    paymentInfoHash: paymentInfoHash(chainId, toPaymentInfo(order.paymentInfo)),
    amount: BigInt(order.amount),
    feeAmount: BigInt(order.feeAmount),
    feeReceiver: order.feeReceiver,
    expectedCapturableAmount: BigInt(order.expectedCapturableAmount),
    expectedRefundableAmount: BigInt(order.expectedRefundableAmount),
  };
}

/** @param tokenCollector who brings the money */
export function refundOrderOf(
  chainId: number,
  order: Extract<AuthCaptureOrder, { type: 'refund' }>,
  tokenCollector: Address,
): RefundOrder {
  return {
    paymentInfoHash: paymentInfoHash(chainId, toPaymentInfo(order.paymentInfo)),
    amount: BigInt(order.amount),
    tokenCollector,
    expectedCapturableAmount: BigInt(order.expectedCapturableAmount),
    expectedRefundableAmount: BigInt(order.expectedRefundableAmount),
  };
}

/** The digest of an order that the receiver authorizer signs. */
export function hashAuthCaptureOrder(chainId: number, order: AuthCaptureOrder): Uint8Array {
  const { operator } = order.paymentInfo;
  switch (order.type) {
    case 'capture':
      return hashCapture(chainId, operator, captureOrderOf(chainId, order));
    case 'void':
      return hashOrderVoid(chainId, order);
    case 'refund':
      return hashRefund(
        chainId,
        operator,
        refundOrderOf(chainId, order, order.tokenCollector ?? `0x${'0'.repeat(40)}`),
      );
  }
}

/** The digest by which the authorizer gives the rest of an order's hold back. */
export function hashOrderVoid(chainId: number, { paymentInfo }: AuthCaptureOrder): Uint8Array {
  const info = toPaymentInfo(paymentInfo);
  return hashVoid(chainId, info.operator, paymentInfoHash(chainId, info));
}
