import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { paywall, type RouteExtensions } from '@agentpay/paywall';
import { wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import { ExactEvmScheme } from '@x402/evm';
import express from 'express';
import type { InteropStack } from './stack.js';

export interface ExtendedSeller {
  readonly url: string;
  readonly served: () => number;
}

/** The weather behind AgentPay's paywall with extensions of x402. It knows the URL under which it is reached. */
export async function agentpayExtended(
  stack: InteropStack,
  facilitator: string,
  extensions: RouteExtensions,
): Promise<ExtendedSeller> {
  let served = 0;
  const app = express();
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.onClose(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const receiptKey = generateKeyPairSync('ed25519').privateKey;
  const pay = paywall({ logger: false, payTo: stack.payTo, facilitator, baseUrl, receiptKey });
  app.get('/weather', pay.charge({ price: '$0.01', description: 'Weather', extensions }), (_req, res) => {
    served++;
    res.json({ weather: 'sunny' });
  });
  return { url: `${baseUrl}/weather`, served: () => served };
}

/** `@x402/fetch`, of which the response as it came is wanted. */
export function payingFetch({ buyer }: InteropStack): typeof fetch {
  return wrapFetchWithPaymentFromConfig(fetch, {
    schemes: [{ network: 'eip155:*', client: new ExactEvmScheme(buyer) }],
  });
}
