import type { FamilyErrors } from '../../Errors.js';
import { errors as runtime } from '../runtime/errors.js';

/** Errors of the pay API: those of the runtime API, but AUTH_FAILED for credentials. Fields are named as the core names them. */
export const errors: FamilyErrors = {
  codes: {
    ...runtime.codes,
    unauthorized: 'AUTH_FAILED',
    forbidden: 'AUTH_FAILED',
    offer_not_acceptable: 'AP-1001',
    payment_refused: 'AP-1001',
  },
  statuses: {},
  hints: {
    unauthorized: 'Send an API key as X-Api-Key; keys are made in the dashboard or with POST /v1/keys.',
    settlement_not_configured:
      'Ask the operator of the platform to configure a facilitator and an RPC node of this network.',
    budget_exceeded: 'Nothing was signed. Raise max_amount if whoever pays agrees, or buy something cheaper.',
    payment_unresolved:
      'The money may have moved: repeat the same call with the same idempotency key, or read the spend event. Do not buy anew before.',
    offer_not_acceptable:
      'Nothing was signed. Make a wallet on the network that the reason is about, or choose another seller.',
  },
  field: (name) => name,
  body: (common) => common,
};
