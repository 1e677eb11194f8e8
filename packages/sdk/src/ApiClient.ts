import * as api from '@agentpay/api';
import { createFamilyClient, type ApiClientOptions, type FamilyClient } from './familyClient.js';

export type { ApiClientOptions } from './familyClient.js';

type All = FamilyClient<typeof api.families>;

/**
 * The AgentPay API, derived from its definitions: `client.wallets.fund({ wallet_id, amount: 100, source: 'test_faucet' })`. Nouns of the
 * agent runtime API stand at the top, those of another family under its name.
 * Responses have money as bigint micro-units and times as Date.
 * Every call throws {@link ApiError} when the API refuses, AgentPayError `invalid_request` or `invalid_amount` when the input is wrong
 * (nothing was sent) and `outcome_unknown` when there was no usable response.
 */
export type ApiClient = All['runtime'] & Omit<All, 'runtime'>;

/**
 * The calls of the AgentPay API.
 * @throws AgentPayError `invalid_request` for an option that is unknown or of another type
 * @example
 * ```ts
 * import { createApiClient } from '@agentpay/sdk';
 *
 * const api = createApiClient({ url: 'https://pay.example.com', apiKey: 'pk_test_1' });
 * const fund = () => api.wallets.fund({ wallet_id: 'wallet_01', amount: 100, source: 'test_faucet' });
 * ```
 */
export function createApiClient(options: ApiClientOptions): ApiClient {
  const { runtime, ...others } = createFamilyClient(api.families, options);
  return { ...runtime, ...others };
}
