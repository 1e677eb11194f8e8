// What runs in browsers, workers and edge runtimes as well as in Node.
export * from './buying/authorization.js';
export * from './buying/readHolds.js';
export * from './buying/readPermits.js';
export * from './buying/readTransfers.js';
export * from './buying/receiptIn.js';
export * from './buying/refusalCode.js';
export * from './buying/TransferOffer.js';
export * from './buying/unlessRefused.js';
export * from './buying/writtenDemand.js';
export * from './encoding/Json.js';
export * from './encoding/readBytes.js';
export * from './encoding/untilAborted.js';
export * from './encoding/wasNotSent.js';
export * from './evm/AuthCapture.js';
export * from './evm/EscrowConsent.js';
export * from './evm/Eip191.js';
export * from './evm/Eip3009.js';
export * from './evm/Erc2612.js';
export * from './evm/Erc6492.js';
export * from './evm/Hex.js';
export * from './evm/nonceUse.js';
export * from './evm/Permit2.js';
export * from './evm/PrivateKey.js';
export * from './evm/SignedTransaction.js';
export { isTransferCall, isTransferLog, transferCall, type Transfer } from './evm/Transfer.js';
export * as mpp from './mpp/Mpp.js';
export { isSameText, sha256 } from '#platform';
export * from './receipt/PaymentReceipt.js';
export {
  PAYMENT_TOKEN_FIELD,
  X_PAYMENT_TOKEN,
  paymentTokenKid,
  type PaymentTokenClaims,
} from './token/PaymentToken.js';
export type { UsageTokenClaims } from './token/UsageTokenClaims.js';
export * from './x402/Facilitator.js';
export * from './x402/authCapture.js';
export * from './x402/authCaptureOrder.js';
export * from './x402/exact.js';
export * from './x402/gasSponsoring.js';
export * from './x402/offerReceipt.js';
export * from './x402/paymentIdentifier.js';
export * from './x402/permit2.js';
export * from './x402/purchase.js';
export * from './x402/reasons.js';
export * from './x402/settlementStatus.js';
export * from './x402/shortBalance.js';
export * from './x402/signedIntent.js';
export * from './x402/signIn.js';
export * as x402v1 from './x402/v1.js';
export * as x402v2 from './x402/v2.js';
