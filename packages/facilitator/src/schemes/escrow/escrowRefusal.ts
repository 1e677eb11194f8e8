import type { Reason } from '@agentpay/protocol';
import { escrowRevertText, type CallResult } from '@agentpay/evm';
import type { PaymentRefusal } from '../Scheme.js';

/** x402's reasons for the errors of escrow and operator. */
const byError: Readonly<Record<string, Reason>> = {
  AfterPreApprovalExpiry: 'authCaptureExpired',
  InvalidExpiries: 'authCaptureDeadlineOrdering',
  ExceedsMaxAmount: 'authCaptureAmountMismatch',
  NotFullAmount: 'authCaptureAmountMismatch',
  PaymentAlreadyCollected: 'authCaptureCollected',
  TokenCollectionFailed: 'authCaptureCollectionFailed',
  InvalidCollectorForOperation: 'authCaptureCollector',
  UnknownCollector: 'authCaptureCollector',
  InvalidSender: 'authCaptureOperatorMismatch',
  ZeroAmount: 'authCaptureAmountMismatch',
  AmountOverflow: 'authCaptureAmountOverflow',
  FeeBpsOverflow: 'authCaptureFeeBps',
  InvalidFeeBpsRange: 'authCaptureFeeRange',
  FeeAmountOutOfRange: 'authCaptureFeeOutOfRange',
  ZeroFeeReceiver: 'authCaptureZeroFeeReceiver',
  InvalidFeeReceiver: 'authCaptureFeeReceiver',
  AfterAuthorizationExpiry: 'authCaptureCaptureExpired',
  InsufficientAuthorization: 'authCaptureInsufficientAuthorization',
  ZeroAuthorization: 'authCaptureZeroAuthorization',
  AfterRefundExpiry: 'authCaptureRefundExpired',
  RefundExceedsCapture: 'authCaptureRefundExceedsCapture',
  SaltNotBound: 'authCaptureSaltBinding',
  InvalidAuthorizerSignature: 'authCaptureAuthorizerSignature',
  UnexpectedPaymentState: 'authCaptureUnexpectedState',
  ChallengeWindowOpen: 'authCaptureChallengeWindow',
};

/** Why a simulated call of the operator fails, by the words of escrow, operator or token; undefined when it does not. */
export function escrowRefusal(result: CallResult): PaymentRefusal | undefined {
  if (result.success) return undefined;
  const said = escrowRevertText(result) ?? 'without saying why';
  return {
    reason: byError[said] ?? 'authCaptureSimulationFailed',
    message: `The escrow would refuse it: ${said}.`,
  };
}
