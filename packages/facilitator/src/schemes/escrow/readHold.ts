import {
  AUTH_CAPTURE_ESCROW,
  authCaptureExtraSchema,
  authCapturePayer,
  authCapturePayloadSchema,
  authCapturePaymentInfo,
  checksumAddress,
  isAuthCaptureOrder,
  paymentInfoHash,
  saltIsBound,
  sameHex,
  unwrapSignature,
  type Address,
  type AuthCaptureExtra,
  type FacilitatorRequest,
  type PaymentInfo,
  type Reason,
} from '@agentpay/protocol';
import type { PaymentRefusal, SchemeSettings } from '../Scheme.js';
import { readTerms } from '../terms.js';
import type { HoldPayment } from './HoldPayment.js';

const ZERO: Address = `0x${'0'.repeat(40)}`;
const MOST_AMOUNT = 2n ** 120n;

/** A sentence with a reason; every reading gives one of them or what it read. */
const no = (reason: Reason, message: string): PaymentRefusal => ({ reason, message });

/** The `extra` of an offer, with what this facilitator does not serve sorted out; `lifecycle`: an order about a hold. */
export function readExtra(
  request: FacilitatorRequest,
  { escrow }: SchemeSettings,
  lifecycle: boolean,
): AuthCaptureExtra | PaymentRefusal {
  if (!escrow)
    return no(
      'authCaptureScheme',
      'This facilitator does not serve auth-capture: it has no operator contract.',
    );
  const given = request.paymentRequirements.extra ?? {};
  if (given['autoCapture'] === true)
    return no('authCapturePaymentFlow', 'autoCapture is not served; the money is held first.');
  const parsed = authCaptureExtraSchema.safeParse(given);
  if (!parsed.success) {
    const { captureDeadline: capture, refundDeadline: refund } = given;
    if (typeof capture === 'number' && typeof refund === 'number' && capture > refund)
      return no('authCaptureDeadlineOrdering', 'captureDeadline must not be after refundDeadline.');
    const issue = parsed.error.issues[0];
    return no('authCaptureExtra', `extra.${issue?.path.join('.')}: ${issue?.message}.`);
  }
  return flowRefusal(parsed.data) ?? operatorRefusal(parsed.data, escrow.operator, lifecycle) ?? parsed.data;
}

function flowRefusal({ paymentFlow = 'escrow', authCaptureEscrow: at }: AuthCaptureExtra) {
  if (paymentFlow !== 'escrow')
    return no('authCapturePaymentFlow', 'Only paymentFlow "escrow" is served: the money is held first.');
  const other = at !== undefined && !sameHex(at, AUTH_CAPTURE_ESCROW);
  return other ? no('authCaptureExtra', `Only the escrow at ${AUTH_CAPTURE_ESCROW} is served.`) : undefined;
}

function operatorRefusal(extra: AuthCaptureExtra, operator: Address, lifecycle: boolean) {
  const { operatorType = 'delegated', captureAuthorizer, policy = ZERO, receiverAuthorizer = ZERO } = extra;
  if (operatorType !== 'delegated' && operatorType !== 'policy')
    return no('authCaptureOperatorType', `operatorType "${operatorType}" is not served.`);
  if (!sameHex(captureAuthorizer, operator))
    return no('authCaptureOperatorNotAdmitted', `captureAuthorizer must be ${operator}.`);
  if (!sameHex(policy, ZERO) && !sameHex(policy, operator))
    return no('authCapturePolicy', 'The only policy served is the operator itself, for agreements.');
  if (!sameHex(receiverAuthorizer, ZERO)) return undefined;
  if (lifecycle) return no('authCaptureMissingAuthorizer', 'extra.receiverAuthorizer is missing.');
  if (extra.captureMode !== 'deferred')
    return no('authCaptureExtra', 'Without a receiverAuthorizer captureMode must be "deferred".');
  const isFree = extra.maxFeeBps === 0 || !sameHex(extra.feeRecipient, ZERO);
  return isFree ? undefined : no('authCaptureExtra', 'Without a feeRecipient the fee must be nothing.');
}

/** A payment of a request; or why there is none. */
export function readHold(
  request: FacilitatorRequest,
  settings: SchemeSettings,
): HoldPayment | PaymentRefusal {
  const extra = readExtra(request, settings, false);
  if ('reason' in extra) return extra as PaymentRefusal;
  if (isAuthCaptureOrder(request.paymentPayload.payload))
    return no('authCapturePayloadType', 'payload.type must be "capture", "void" or "refund".');
  const parsed = authCapturePayloadSchema.safeParse(request.paymentPayload.payload);
  if (!parsed.success)
    return no(
      'authCapturePayload',
      'The payload is neither by EIP-3009 nor by Permit2, with signature and salt.',
    );
  const payload = parsed.data;
  const byPermit2 = 'permit2Authorization' in payload;
  if ((extra.assetTransferMethod === 'permit2') !== byPermit2)
    return no('authCaptureMethodMismatch', "The payload is not by the offer's assetTransferMethod.");
  const terms = readTerms(request, settings);
  if (authCapturePayer(payload).preApprovalExpiry > BigInt(extra.captureDeadline))
    return no('authCaptureDeadlineOrdering', 'The signature outlives captureDeadline.');
  if (terms.amount >= MOST_AMOUNT) return no('authCaptureAmountOverflow', 'The amount is too large.');
  if (isBoundOtherwise(extra, payload.saltNonce))
    return no(
      'authCapturePayload',
      'saltNonce belongs to offers with a receiverAuthorizer or a policy, and to no others.',
    );
  if (!saltIsBound(extra, payload))
    return no('authCaptureSaltBinding', 'The salt does not commit to receiverAuthorizer and policy.');
  const info = canonical(
    authCapturePaymentInfo(
      { amount: terms.amount.toString(), asset: terms.asset, payTo: terms.payTo },
      extra,
      payload,
    ),
  );
  const { signature, deployment } = unwrapSignature(payload.signature);
  return {
    ...terms,
    extra,
    payload,
    maxTimeoutSeconds: request.paymentRequirements.maxTimeoutSeconds,
    info,
    id: paymentInfoHash(settings.network.chainId, info),
    signature,
    isUndeployed: deployment !== undefined,
  };
}

function isBoundOtherwise(
  { receiverAuthorizer = ZERO, policy = ZERO }: AuthCaptureExtra,
  nonce: unknown,
): boolean {
  return (nonce !== undefined) === (sameHex(receiverAuthorizer, ZERO) && sameHex(policy, ZERO));
}

/** Addresses may come in any case, also with a checksum that is wrong; they leave in the one form that everybody takes. */
export function canonical(info: PaymentInfo): PaymentInfo {
  const { operator, payer, receiver, token, feeReceiver, salt } = info;
  const [op, from, to, asset, fee] = [operator, payer, receiver, token, feeReceiver].map(checksumAddress);
  return {
    ...info,
    operator: op as Address,
    payer: from as Address,
    receiver: to as Address,
    token: asset as Address,
    feeReceiver: fee as Address,
    salt: salt.toLowerCase() as typeof salt,
  };
}
