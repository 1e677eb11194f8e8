import { notFoundNames } from '@agentpay/primitives';
import { snakeCase, type FamilyErrors } from '../../Errors.js';

/** Errors of the agent runtime API: AP-1001 wallet, authorization or balance; AP-1002 policy; AP-3002 rate. */
export const errors: FamilyErrors = {
  codes: {
    ...Object.fromEntries(notFoundNames.map((name) => [name, 'AP-1001'])),
    unauthorized: 'AP-1001',
    forbidden: 'AP-1001',
    insufficient_funds: 'AP-1001',
    funding_source_unknown: 'AP-1001',
    funding_refused: 'AP-1001',
    service_not_active: 'AP-1001',
    price_above_limit: 'AP-1001',
    currency_mismatch: 'AP-1001',
    token_invalid: 'AP-1001',
    token_already_redeemed: 'AP-1001',
    token_wrong_state: 'AP-1001',
    payment_not_found: 'AP-1001',
    payment_wrong_state: 'AP-1001',
    policy_denied: 'AP-1002',
    approval_wrong_state: 'AP-1002',
    settlement_not_configured: 'SETTLEMENT_NOT_CONFIGURED',
    payout_wrong_state: 'AP-1001',
    dispute_wrong_state: 'AP-1001',
    dispute_window_closed: 'AP-1001',
    duplicate_dispute: 'DUPLICATE_DISPUTE',
    demo_read_only: 'DEMO_READ_ONLY',
    rate_limited: 'AP-3002',
    token_expired: 'TOKEN_EXPIRED',
  },
  statuses: {},
  hints: {
    demo_read_only: 'Use the host browser, or ask the host for a session in which guests may write.',
    unauthorized: 'Send the API key of the agent as Authorization: Bearer.',
    funding_source_unknown: 'Use the source test_faucet.',
    funding_refused: 'The test faucet gives sandbox money only; use a smaller amount or a sandbox.',
    service_not_found: 'Find the service with GET /v1/services.',
    price_above_limit: 'Raise max_amount or choose a cheaper service.',
  },
  field: snakeCase,
  body: (common) => common,
};
