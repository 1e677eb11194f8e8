import { mpp } from '@agentpay/protocol';
import { createBudget, type Spent } from './Budget.js';
import { bufferRequest, type FetchInput } from './BufferedRequest.js';
import { buy, DEMAND_MS, MAX_DEMAND } from './buy.js';
import { deliver } from './deliver.js';
import { exchange } from './exchange.js';
import type { ClientState } from './ClientState.js';
import { resolveOptions, type ClientOptions } from './options.js';
import { tell } from './tell.js';
import { createPurchases } from './Purchase.js';

export interface Client {
  /**
   * As the global fetch; a response with status 402 is paid for, once, and the request sent again with the proof.
   * A 402 that makes no known offer is returned as it is.
   * @throws PaymentError `budget_exceeded`, `offer_not_acceptable` (nothing was signed), `payment_refused` (the seller asked again),
   *   `payment_unresolved` (no response: fetch the same again); AgentPayError `payload_too_large`; otherwise as fetch does
   */
  fetch(input: FetchInput, init?: RequestInit): Promise<Response>;
  /** What was spent so far, by asset. */
  spent(): Spent[];
}

/**
 * A client that pays, within its budget.
 * @throws AgentPayError `invalid_request`, `invalid_amount` for options that make no sense
 * @example
 * ```ts
 * import { createClient, paymentOf } from '@agentpay/sdk';
 *
 * const privateKey = '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d';
 * const client = createClient({ privateKey, budget: { perRequest: '$0.10', perDay: '$5' } });
 * const response = await client.fetch('https://api.example.com/weather');
 * await response.json();
 * paymentOf(response); // what it cost; undefined when it was free
 * client.spent();
 * ```
 */
export function createClient(options: ClientOptions): Client {
  const settings = resolveOptions(options);
  const budget = createBudget(settings);
  const purchases = createPurchases({ ...settings, budget });
  const state: ClientState = { settings, budget, purchases };
  return {
    fetch: (input, init) => fetchAndPay(state, input, init),
    spent: () => budget.spent(),
  };
}

async function fetchAndPay(client: ClientState, input: FetchInput, init?: RequestInit): Promise<Response> {
  const { settings, purchases } = client;
  const request = await bufferRequest(input, init, settings.maxBodyBytes);
  await purchases.ready();
  const unanswered = purchases.resume(request.key);
  if (unanswered) return deliver(client, request, unanswered);
  const headers = settings.prefer.includes('mpp')
    ? { 'Accept-Payment': `${mpp.EVM_METHOD}/${mpp.CHARGE_INTENT}` }
    : {};
  const bytesToRead = ({ status }: Response) => (status === 402 ? MAX_DEMAND : undefined);
  const asked = await exchange(settings, request, { headers, bytesToRead, bodyTimeoutMs: DEMAND_MS });
  const { response } = asked;
  if (response.status !== 402) return response;
  tell(settings.onEvent, { type: 'payment_required', url: response.url || request.url });
  const purchase = await buy(client, request, asked);
  if (!purchase) return response;
  void response.body?.cancel().catch(() => undefined);
  return deliver(client, request, purchase);
}
