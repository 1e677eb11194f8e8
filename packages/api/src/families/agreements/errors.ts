import { snakeCase, type FamilyErrors } from '../../Errors.js';

/** Errors of usage agreements: every name as it is. */
export const errors: FamilyErrors = {
  codes: {},
  statuses: {},
  hints: {
    service_not_found: 'Find a service with POST /catalog/search.',
    policy_denied: 'The owner of the agent sets its policies: ask them, or agree on less.',
    insufficient_funds: 'Fund the wallet of the buyer with the cap, and activate the agreement again.',
  },
  field: snakeCase,
  body: (common) => common,
};
