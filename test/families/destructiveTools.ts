/** Tools that move or commit money, or take something away for good, in the order in which they are offered. */
export const destructiveTools = [
  'payments_create',
  'payments_refund',
  'services_authorize',
  'tokens_call_completed',
  'tokens_call_failed',
  'tokens_verify',
  'disputes_withdraw',
  'payouts_create',
  'buyer_agents_pay',
  'pay_payments_create',
  'gateway_calls_create',
  'agreements_agreements_activate',
  'agreements_agreements_challenge',
  'agreements_agreements_complete',
  'agreements_agreements_record_usage',
  'agreements_agreements_reject',
];

/** Tools that change something which can be taken back, or add to what is there. */
export const harmlessTools = [
  'wallets_fund',
  'services_check_endpoint',
  'services_create',
  'tokens_call_accepted',
  'tokens_call_started',
  'tokens_cancel',
  'disputes_add_evidence',
  'disputes_create',
  'payouts_cancel',
  'pay_wallets_create',
  'agreements_agreements_accept',
  'agreements_agreements_create',
];
