export { createApiClient, type ApiClient, type ApiClientOptions } from './ApiClient.js';
export { ApiError } from './ApiError.js';
export type { CallAttempt, CallOptions } from './ApiSettings.js';
export { createFamilyClient, type FamilyClient } from './familyClient.js';
export { requestIdOf } from './readReply.js';
export type { Account, PayersTypedData } from './Account.js';
export {
  buildDirectStablecoinAgreement,
  signActivation,
  type ActivationSignatures,
  type DirectStablecoinAgreement,
} from './agreements.js';
export type { Spent } from './Budget.js';
export { createClient, type Client } from './Client.js';
export type { ClientEvent } from './ClientEvent.js';
export { createPayingFetch } from './createPayingFetch.js';
export { localAccount } from './localAccount.js';
export { walletAccount, type WalletProvider } from './walletAccount.js';
export type { Dialect } from './Offer.js';
export type { ClientOptions } from './options.js';
export { PaymentError } from './PaymentError.js';
export type { PurchaseJournal, SignedPurchase } from './Purchase.js';
export { paymentOf, type PaymentMade } from './Receipt.js';
export {
  settlementStatus,
  verifyPaymentReceipt,
  type PaymentReceipt,
  type SettlementStatus,
} from '@agentpay/protocol';
