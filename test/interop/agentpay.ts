import { createClient, paymentOf } from '@agentpay/sdk';
import { paywall, type PaywallOptions, type Price } from '@agentpay/paywall';
import type { Bought } from './peerClients.js';
import { serveWeather, type PeerSeller } from './peerServers.js';
import type { InteropStack } from './stack.js';

/** The weather behind AgentPay's paywall. */
export function agentpayPaywall(
  stack: InteropStack,
  facilitator: PaywallOptions['facilitator'],
  price: Price = '$0.01',
): Promise<PeerSeller> {
  const pay = paywall({ logger: false, payTo: stack.payTo, network: 'base-sepolia', facilitator });
  return serveWeather(stack, (app, handler) => app.get('/weather', pay.charge(price), handler));
}

/** AgentPay's client with one dialect in front. */
export async function buyWithAgentpay(
  stack: InteropStack,
  url: string,
  dialect: 'x402v2' | 'x402v1' | 'mpp',
): Promise<Bought> {
  const client = createClient({
    privateKey: stack.buyerKey,
    prefer: [dialect],
    budget: { perRequest: '$0.02', total: '$1' },
  });
  const response = await client.fetch(url);
  const payment = paymentOf(response);
  if (payment?.dialect !== dialect) throw new Error(`Paid in ${payment?.dialect} instead of ${dialect}.`);
  return { status: response.status, body: await response.json(), transaction: payment?.transaction };
}
