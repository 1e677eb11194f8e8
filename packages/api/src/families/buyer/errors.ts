import type { FamilyErrors } from '../../Errors.js';

/** Errors of the buyer platform: those of its document, with the statuses there; everything else by its own name. */
export const errors: FamilyErrors = {
  codes: {
    invalid_request: 'bad_request',
    invalid_amount: 'bad_request',
    invalid_json: 'bad_request',
    insufficient_funds: 'insufficient_balance',
    offer_not_acceptable: 'no_payment_header',
  },
  reasons: {
    policy_denied: {
      archived: 'agent_archived',
      per_transaction_limit: 'per_tx_limit_exceeded',
      daily_limit: 'daily_limit_exceeded',
      monthly_limit: 'monthly_limit_exceeded',
      not_on_allow_list: 'seller_not_in_allowlist',
      max_amount: 'policy_max_amount_exceeded',
      time_restriction: 'policy_time_restricted',
      per_seller_cap: 'policy_seller_cap_exceeded',
    },
  },
  statuses: { insufficient_funds: 500, offer_not_acceptable: 502 },
  hints: {
    unauthorized:
      'Send a live key of this agent as X-Agent-Key; its owner makes keys on the page of the agent.',
    insufficient_funds:
      'Send money to the address of the agent, or buy something cheaper. A retry alone does not help.',
    policy_denied: 'The owner of the agent sets its limits and rules; ask them, or buy something else.',
    budget_exceeded: 'Nothing was signed. Raise max_amount if whoever pays agrees, or buy something cheaper.',
    payment_unresolved:
      'The money may have moved: repeat the same call with the same idempotency key, or read the transaction. Do not buy anew before.',
    offer_not_acceptable:
      'Nothing was signed: the seller asks for a network or asset that this agent does not pay in.',
  },
  field: (name) => name,
  body: (common) => ({ success: false, ...common }),
};
