import { createClient } from './Client.js';
import type { ClientOptions } from './options.js';

/**
 * A `fetch` that pays, over the `fetch` that a program has already: for HTTP clients that take one.
 * @throws AgentPayError `invalid_request`, `invalid_amount` for options that make no sense
 * @example
 * ```ts
 * import { createPayingFetch } from '@agentpay/sdk';
 *
 * const privateKey = '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d';
 * const payingFetch = createPayingFetch(fetch, { privateKey, budget: { perRequest: '$0.10', perDay: '$5' } });
 * ```
 */
export function createPayingFetch(
  fetch: typeof globalThis.fetch,
  options: Omit<ClientOptions, 'fetch'>,
): typeof globalThis.fetch {
  return createClient({ ...options, fetch }).fetch;
}
