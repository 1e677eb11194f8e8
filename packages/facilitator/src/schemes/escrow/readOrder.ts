import {
  authCaptureOrderSchema,
  bytesToHex,
  checksumAddress,
  hashAuthCaptureOrder,
  isOrderBound,
  paymentInfoHash,
  RECEIVER_REFUND_COLLECTOR,
  sameHex,
  toPaymentInfo,
  type Address,
  type AuthCaptureExtra,
  type AuthCaptureOrder,
  type FacilitatorRequest,
  type Hex,
  type PaymentInfo,
  type Reason,
} from '@agentpay/protocol';
import type { PaymentRefusal, SchemeSettings } from '../Scheme.js';
import { readTerms, type PaymentTerms } from '../terms.js';
import { canonical, readExtra } from './readHold.js';

/** What the receiver authorizer orders to be done with a hold. */
export interface HoldOrder extends PaymentTerms {
  readonly order: AuthCaptureOrder;
  readonly authorizer: Address;
  readonly info: PaymentInfo;
  /** The escrow's name of the payment. */
  readonly id: Hex;
  /** What the authorizer signed: good once. */
  readonly digest: Hex;
  /** The authorizer's signature. */
  readonly signature: Hex;
}

const no = (reason: Reason, message: string): PaymentRefusal => ({ reason, message });

/** The order of a request; or why there is none. */
export function readOrder(request: FacilitatorRequest, settings: SchemeSettings): HoldOrder | PaymentRefusal {
  const extra = readExtra(request, settings, true);
  if ('reason' in extra) return extra as PaymentRefusal;
  const order = shapeOf(request.paymentPayload.payload);
  if ('reason' in order) return order;
  const terms = readTerms(request, settings);
  const authorizer = checksumAddress(extra.receiverAuthorizer as Address);
  const mismatch = mismatchIn(terms, extra, order) ?? collectorRefusal(order);
  if (mismatch) return mismatch;
  const signature = order.authorizerSignature;
  if (signature === undefined)
    return no('authCaptureUnauthenticated', 'The order lacks the signature of its receiver authorizer.');
  const { chainId } = settings.network;
  const info = canonical(toPaymentInfo(order.paymentInfo));
  const digest = bytesToHex(hashAuthCaptureOrder(chainId, order));
  return { ...terms, order, authorizer, info, id: paymentInfoHash(chainId, info), digest, signature };
}

function shapeOf(payload: Readonly<Record<string, unknown>>): AuthCaptureOrder | PaymentRefusal {
  const { type } = payload;
  if (type !== 'capture' && type !== 'void' && type !== 'refund')
    return no('authCapturePayloadType', 'payload.type must be "capture", "void" or "refund".');
  if (type !== 'capture' && payload['voidAuthorizerSignature'] !== undefined)
    return no('authCaptureVoidSignature', 'voidAuthorizerSignature belongs to captures only.');
  const parsed = authCaptureOrderSchema.safeParse(payload);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  return no('authCapturePayload', `payload.${issue?.path.join('.')}: ${issue?.message}.`);
}

/** What of the payment differs from the requirements: nobody else's signature binds it here. */
function mismatchIn(
  { asset, payTo, amount }: PaymentTerms,
  extra: AuthCaptureExtra,
  order: AuthCaptureOrder,
): PaymentRefusal | undefined {
  const { paymentInfo: info, captureNotBefore = 0 } = order;
  if (!sameHex(info.operator, extra.captureAuthorizer))
    return no('authCaptureOperatorMismatch', 'paymentInfo.operator is not captureAuthorizer.');
  const isAgreement = extra.policy !== undefined && sameHex(extra.policy, extra.captureAuthorizer);
  if (isAgreement !== captureNotBefore > 0 || !isOrderBound(order, extra.receiverAuthorizer as Address))
    return no('authCaptureSaltBinding', 'The salt does not commit to receiverAuthorizer and policy.');
  const same =
    sameHex(info.receiver, payTo) &&
    sameHex(info.token, asset) &&
    BigInt(info.maxAmount) === amount &&
    info.authorizationExpiry === extra.captureDeadline &&
    info.refundExpiry === extra.refundDeadline &&
    info.minFeeBps === extra.minFeeBps &&
    info.maxFeeBps === extra.maxFeeBps &&
    sameHex(info.feeReceiver, extra.feeRecipient);
  return same ? undefined : no('authCapturePayload', 'paymentInfo is not what the requirements make of it.');
}

/** Refunds come from the receiver: neither operator nor facilitator has money for them. */
function collectorRefusal(order: AuthCaptureOrder): PaymentRefusal | undefined {
  if (order.type !== 'refund') return undefined;
  const { tokenCollector, collectorData } = order;
  const funded =
    tokenCollector !== undefined &&
    collectorData !== undefined &&
    sameHex(tokenCollector, RECEIVER_REFUND_COLLECTOR);
  const message = `Refunds come from the receiver: tokenCollector ${RECEIVER_REFUND_COLLECTOR} with their signature.`;
  return funded ? undefined : no('authCaptureRefundFunding', message);
}
