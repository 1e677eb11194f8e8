import { errorNames } from '@agentpay/primitives';
import { snakeCase, type FamilyErrors } from '../../Errors.js';

/** Errors of the gateway API: every name in capitals, but for the one that the documents word differently. */
export const errors: FamilyErrors = {
  codes: {
    ...Object.fromEntries(errorNames.map((name) => [name, name.toUpperCase()])),
    unauthorized: 'AUTH_FAILED',
  },
  statuses: {},
  hints: {
    unauthorized:
      'Send a key that is valid in the header that the endpoint names; ask for a new one if it ended.',
    insufficient_funds:
      'Ask for less. A gateway gets money by POST /gateway/fund, a developer by what the agents earn.',
    listing_not_found: 'Find the agent with GET /marketplace/agents.',
    developer_not_found: 'Use the id of a developer who has registered.',
  },
  field: snakeCase,
  body: (common) => common,
};
