import type { agreements } from '@agentpay/core';
import type { Network } from '@agentpay/primitives';
import {
  agreementSaltNonce,
  escrowTypedData,
  fromAuthorization,
  hashAuthCaptureOrder,
  hashOrderVoid,
  toPaymentInfo,
  type AuthCaptureOrder,
  type DigestSigner,
  type FacilitatorRequest,
  type Hex,
} from '@agentpay/protocol';

type Offer = agreements.AgreementOffer;

interface Authorized {
  readonly network: Network;
  readonly authorizer: DigestSigner;
}

/** The shortest that a facilitator takes; what was signed says itself how long it lives. */
const TIMEOUT_SECONDS = 60;

/** What the facilitator is told of an offer (x402 v2, scheme `auth-capture`). */
function termsOf(network: Network, { paymentInfo: info, captureNotBefore, receiverAuthorizer }: Offer) {
  return {
    scheme: 'auth-capture',
    network: network.id,
    amount: info.maxAmount,
    asset: info.token,
    payTo: info.receiver,
    maxTimeoutSeconds: TIMEOUT_SECONDS,
    extra: {
      ...network.usdc.eip712,
      captureAuthorizer: info.operator,
      feeRecipient: info.feeReceiver,
      captureDeadline: info.authorizationExpiry,
      refundDeadline: info.refundExpiry,
      minFeeBps: info.minFeeBps,
      maxFeeBps: info.maxFeeBps,
      captureMode: 'deferred',
      receiverAuthorizer,
      // The operator itself keeps to the challenge window.
      ...(captureNotBefore > 0 && { policy: info.operator }),
    },
  };
}

function requestOf(network: Network, offer: Offer, payload: Record<string, unknown>): FacilitatorRequest {
  const accepted = termsOf(network, offer);
  return {
    x402Version: 2,
    paymentPayload: { x402Version: 2, accepted, payload },
    paymentRequirements: accepted,
  };
}

/** Moves the amount into the escrow by what the buyer signed. */
export function holdRequest(network: Network, offer: Offer, signature: Hex): FacilitatorRequest {
  const { paymentInfo, document, captureNotBefore } = offer;
  const domain = {
    ...network.usdc.eip712,
    chainId: network.chainId,
    verifyingContract: network.usdc.address,
  };
  const { message } = escrowTypedData(domain, toPaymentInfo(paymentInfo));
  const saltNonce = captureNotBefore > 0 ? agreementSaltNonce(document, captureNotBefore) : document;
  const authorization = fromAuthorization(message);
  return requestOf(network, offer, { authorization, signature, salt: paymentInfo.salt, saltNonce });
}

/** Pays the seller, and gives the rest back. */
export function captureRequest(
  { network, authorizer }: Authorized,
  offer: Offer,
  { amount, fee }: { readonly amount: bigint; readonly fee: bigint },
): FacilitatorRequest {
  const { maxAmount, feeReceiver } = offer.paymentInfo;
  const order: AuthCaptureOrder = {
    type: 'capture',
    ...bound(offer),
    amount: amount.toString(),
    feeAmount: fee.toString(),
    feeReceiver,
    expectedCapturableAmount: maxAmount,
    expectedRefundableAmount: '0',
  };
  const { chainId } = network;
  const isPart = amount < BigInt(maxAmount);
  return requestOf(network, offer, {
    ...order,
    authorizerSignature: authorizer.sign(hashAuthCaptureOrder(chainId, order)),
    ...(isPart && { voidAuthorizerSignature: authorizer.sign(hashOrderVoid(chainId, order)) }),
  });
}

/** Gives all that is held back to the buyer. */
export function voidRequest({ network, authorizer }: Authorized, offer: Offer): FacilitatorRequest {
  const order: AuthCaptureOrder = { type: 'void', ...bound(offer) };
  const authorizerSignature = authorizer.sign(hashAuthCaptureOrder(network.chainId, order));
  return requestOf(network, offer, { ...order, authorizerSignature });
}

function bound({ paymentInfo, document: saltNonce, captureNotBefore }: Offer) {
  return { paymentInfo, saltNonce, ...(captureNotBefore > 0 && { captureNotBefore }) };
}
