/**
 * Reason codes of the schemes `exact`, `upto` and `auth-capture` on EVM by what went wrong, as the reference implementation spells them:
 * `v2` in responses to v2 requests, `v1` where v1 servers and clients know another spelling. Prose goes to `invalidMessage` and
 * `errorMessage`.
 */
export const reasons = {
  invalidVersion: { v2: 'invalid_x402_version' },
  unsupportedScheme: { v2: 'invalid_exact_evm_scheme', v1: 'unsupported_scheme' },
  missingDomain: { v2: 'invalid_exact_evm_missing_eip712_domain' },
  networkMismatch: { v2: 'invalid_exact_evm_network_mismatch' },
  invalidNetwork: { v2: 'invalid_network' },
  invalidPayload: { v2: 'invalid_payload' },
  invalidRequirements: { v2: 'invalid_payment_requirements' },
  factoryNotAllowed: {
    v2: 'eip6492_factory_not_allowed',
    v1: 'invalid_exact_evm_payload_undeployed_smart_wallet',
  },
  signature: { v2: 'invalid_exact_evm_signature', v1: 'invalid_exact_evm_payload_signature' },
  recipientMismatch: {
    v2: 'invalid_exact_evm_recipient_mismatch',
    v1: 'invalid_exact_evm_payload_recipient_mismatch',
  },
  validBefore: { v2: 'invalid_exact_evm_payload_authorization_valid_before' },
  validAfter: { v2: 'invalid_exact_evm_payload_authorization_valid_after' },
  valueMismatch: {
    v2: 'invalid_exact_evm_payload_authorization_value_mismatch',
    v1: 'invalid_exact_evm_payload_authorization_value',
  },
  assetNotDeployed: { v2: 'asset_not_deployed_contract' },
  assetNotAllowed: { v2: 'invalid_exact_evm_asset_not_allowed' },
  recipientNotAllowed: { v2: 'invalid_exact_evm_recipient_not_allowed' },
  eip3009NotSupported: { v2: 'invalid_exact_evm_eip3009_not_supported' },
  nonceUsed: { v2: 'invalid_exact_evm_nonce_already_used' },
  nameMismatch: { v2: 'invalid_exact_evm_token_name_mismatch' },
  versionMismatch: { v2: 'invalid_exact_evm_token_version_mismatch' },
  insufficientBalance: { v2: 'invalid_exact_evm_insufficient_balance', v1: 'insufficient_funds' },
  simulationFailed: { v2: 'invalid_exact_evm_transaction_simulation_failed' },
  transactionFailed: { v2: 'invalid_exact_evm_transaction_failed' },
  transferMismatch: { v2: 'invalid_exact_evm_transfer_event_mismatch' },
  smartWalletDeploymentFailed: { v2: 'smart_wallet_deployment_failed' },
  unsupportedPayload: { v2: 'unsupported_payload_type' },
  permit2Spender: { v2: 'invalid_permit2_spender' },
  permit2RecipientMismatch: { v2: 'invalid_permit2_recipient_mismatch' },
  permit2DeadlineExpired: { v2: 'permit2_deadline_expired' },
  permit2NotYetValid: { v2: 'permit2_not_yet_valid' },
  permit2AmountMismatch: { v2: 'permit2_amount_mismatch' },
  permit2TokenMismatch: { v2: 'permit2_token_mismatch' },
  permit2Signature: { v2: 'invalid_permit2_signature' },
  permit2ProxyNotDeployed: { v2: 'permit2_proxy_not_deployed' },
  permit2InsufficientBalance: { v2: 'permit2_insufficient_balance' },
  permit2AllowanceRequired: { v2: 'permit2_allowance_required' },
  permit2SimulationFailed: { v2: 'permit2_simulation_failed' },
  permit2InvalidAmount: { v2: 'permit2_invalid_amount' },
  permit2InvalidDestination: { v2: 'permit2_invalid_destination' },
  permit2InvalidOwner: { v2: 'permit2_invalid_owner' },
  permit2PaymentTooEarly: { v2: 'permit2_payment_too_early' },
  permit2NonceUsed: { v2: 'permit2_invalid_nonce' },
  permit2612AmountMismatch: { v2: 'permit2_2612_amount_mismatch' },
  uptoUnsupportedScheme: { v2: 'invalid_upto_evm_scheme' },
  uptoNetworkMismatch: { v2: 'invalid_upto_evm_network_mismatch' },
  uptoFacilitatorMismatch: { v2: 'upto_facilitator_mismatch' },
  uptoSettlementExceedsAmount: { v2: 'invalid_upto_evm_payload_settlement_exceeds_amount' },
  uptoAmountExceedsPermitted: { v2: 'upto_amount_exceeds_permitted' },
  uptoUnauthorizedFacilitator: { v2: 'upto_unauthorized_facilitator' },
  uptoTransactionFailed: { v2: 'invalid_upto_evm_transaction_failed' },
  authCapturePayload: { v2: 'invalid_auth_capture_evm_payload_format' },
  authCapturePayloadType: { v2: 'invalid_auth_capture_evm_payload_type' },
  authCaptureVoidSignature: { v2: 'invalid_auth_capture_evm_void_authorizer_signature' },
  authCaptureVoidRemainder: { v2: 'invalid_auth_capture_evm_void_remainder_full_capture' },
  authCapturePaymentFlow: { v2: 'invalid_auth_capture_evm_unsupported_payment_flow' },
  authCaptureScheme: { v2: 'invalid_auth_capture_evm_scheme' },
  authCaptureNetworkMismatch: { v2: 'invalid_auth_capture_evm_network_mismatch' },
  authCaptureExtra: { v2: 'invalid_auth_capture_evm_extra' },
  authCaptureMissingAuthorizer: { v2: 'invalid_auth_capture_evm_missing_receiver_authorizer' },
  authCaptureOperatorType: { v2: 'invalid_auth_capture_evm_unsupported_operator_type' },
  authCapturePolicy: { v2: 'invalid_auth_capture_evm_policy' },
  authCaptureOperatorNotAdmitted: { v2: 'invalid_auth_capture_evm_operator_not_admitted' },
  authCaptureOperatorMismatch: { v2: 'invalid_auth_capture_evm_operator_mismatch' },
  authCaptureSaltBinding: { v2: 'invalid_auth_capture_evm_salt_binding_mismatch' },
  authCaptureAuthorizerSignature: { v2: 'invalid_auth_capture_evm_authorizer_signature' },
  authCaptureUnauthenticated: { v2: 'invalid_auth_capture_evm_unauthenticated_authorizer_request' },
  authCaptureUnexpectedState: { v2: 'invalid_auth_capture_evm_unexpected_payment_state' },
  authCaptureRefundFunding: { v2: 'invalid_auth_capture_evm_refund_funding_unavailable' },
  authCaptureTransferMethod: { v2: 'invalid_auth_capture_evm_unsupported_asset_transfer_method' },
  authCaptureMethodMismatch: { v2: 'invalid_auth_capture_evm_payload_method_mismatch' },
  authCaptureCaptureExpired: { v2: 'invalid_auth_capture_evm_capture_deadline_expired' },
  authCaptureRefundExpired: { v2: 'invalid_auth_capture_evm_refund_deadline_expired' },
  authCaptureDeadlineOrdering: { v2: 'invalid_auth_capture_evm_deadline_ordering' },
  authCaptureExpired: { v2: 'invalid_auth_capture_evm_authorization_expired' },
  authCaptureNotYetValid: { v2: 'invalid_auth_capture_evm_authorization_not_yet_valid' },
  authCaptureSignature: { v2: 'invalid_auth_capture_evm_signature' },
  authCaptureFactoryNotAllowed: { v2: 'invalid_auth_capture_evm_erc6492_factory_not_allowed' },
  authCaptureAmountMismatch: { v2: 'invalid_auth_capture_evm_amount_mismatch' },
  authCaptureAmountOverflow: { v2: 'invalid_auth_capture_evm_amount_overflow' },
  authCaptureCollectorMismatch: { v2: 'invalid_auth_capture_evm_token_collector_mismatch' },
  authCaptureTokenMismatch: { v2: 'invalid_auth_capture_evm_token_mismatch' },
  authCaptureNonceMismatch: { v2: 'invalid_auth_capture_evm_nonce_mismatch' },
  authCaptureInsufficientBalance: { v2: 'invalid_auth_capture_evm_insufficient_balance' },
  authCaptureSimulationFailed: { v2: 'invalid_auth_capture_evm_simulation_failed' },
  authCaptureCollected: { v2: 'invalid_auth_capture_evm_payment_already_collected' },
  authCaptureCollectionFailed: { v2: 'invalid_auth_capture_evm_token_collection_failed' },
  authCaptureCollector: { v2: 'invalid_auth_capture_evm_collector' },
  authCaptureFeeBps: { v2: 'invalid_auth_capture_evm_fee_bps' },
  authCaptureFeeRange: { v2: 'invalid_auth_capture_evm_fee_bps_range' },
  authCaptureFeeOutOfRange: { v2: 'invalid_auth_capture_evm_fee_bps_out_of_range' },
  authCaptureZeroFeeReceiver: { v2: 'invalid_auth_capture_evm_zero_fee_receiver' },
  authCaptureFeeReceiver: { v2: 'invalid_auth_capture_evm_fee_receiver' },
  authCaptureInsufficientAuthorization: { v2: 'invalid_auth_capture_evm_insufficient_authorization' },
  authCaptureZeroAuthorization: { v2: 'invalid_auth_capture_evm_zero_authorization' },
  authCaptureRefundExceedsCapture: { v2: 'invalid_auth_capture_evm_refund_exceeds_capture' },
  authCaptureChallengeWindow: { v2: 'invalid_auth_capture_evm_challenge_window_open' },
  authCaptureReverted: { v2: 'invalid_auth_capture_evm_transaction_reverted' },
  contractPayerNotAllowed: { v2: 'contract_payer_not_allowed' },
  payerFailedRecently: { v2: 'payer_failed_recently' },
  duplicateSettlement: { v2: 'duplicate_settlement' },
  settlementPending: { v2: 'settlement_pending' },
  unexpectedVerify: { v2: 'unexpected_verify_error' },
  unexpectedSettle: { v2: 'unexpected_settle_error' },
} as const satisfies Record<string, { v2: string; v1?: string }>;

export type Reason = keyof typeof reasons;

/** The code of a reason for callers that speak this version of x402. */
export function reasonCode(reason: Reason, x402Version: 1 | 2): string {
  const codes: { v2: string; v1?: string } = reasons[reason];
  return x402Version === 1 ? (codes.v1 ?? codes.v2) : codes.v2;
}

/** Whether a code says that the authorization's nonce was used before: the money may have moved already. */
export function isNonceUsed(code: string | undefined): boolean {
  return (
    code === reasons.nonceUsed.v2 ||
    code === reasons.permit2NonceUsed.v2 ||
    code === reasons.authCaptureCollected.v2
  );
}
