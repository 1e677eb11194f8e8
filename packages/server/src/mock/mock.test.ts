import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createClient, paymentOf, type ClientOptions } from '@agentpay/sdk';
import { systemClock, unixSeconds } from '@agentpay/primitives';
import { mpp, x402v1, x402v2 } from '@agentpay/protocol';
import { generatePrivateKey } from 'viem/accounts';
import { dialects } from '../dialects.js';
import { mockSeller, readMockOptions, type MockFlags } from './index.js';

let server: Server;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
});

async function startMock(flags: MockFlags = {}): Promise<string> {
  server = createServer(mockSeller(readMockOptions(flags), systemClock));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const buyer = (options: Partial<ClientOptions> = {}) =>
  createClient({ privateKey: generatePrivateKey(), budget: { perRequest: '$1', total: '$10' }, ...options });

/** The statuses that a buyer saw, in order, by the way. */
function watched() {
  const statuses: (number | 'lost')[] = [];
  const fetch: typeof globalThis.fetch = async (...request) => {
    const response = await globalThis.fetch(...request).catch((error: unknown) => {
      statuses.push('lost');
      throw error;
    });
    statuses.push(response.status);
    return response;
  };
  return { statuses, fetch };
}

describe('the mock seller', () => {
  it.each(dialects)('sells to a client that pays in %s, and says that it is a mock', async (dialect) => {
    const url = await startMock();
    const response = await buyer({ prefer: [dialect] }).fetch(`${url}/weather?price=0.05`);
    expect([response.status, await response.json()]).toEqual([200, { mock: true, price: '0.05', served: 1 }]);
    expect(paymentOf(response)).toMatchObject({
      dialect,
      amount: 50_000n,
      transaction: expect.stringMatching(/^0x6d6f636b[0-9a-f]{56}$/),
    });
    expect(response.headers.get('agentpay-mock')).toBe('no money moves');
  });

  it('refuses a signature that is not the payer’s own', async () => {
    const url = await startMock();
    const offer = x402v2.decodePaymentRequired((await fetch(url)).headers.get('payment-required') as string)
      .accepts[0];
    const accepted = offer as x402v2.PaymentRequirements;
    const authorization = {
      from: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
      to: accepted.payTo,
      value: accepted.amount,
      validAfter: '0',
      validBefore: String(unixSeconds(systemClock) + 200),
      nonce: `0x${'11'.repeat(32)}`,
    };
    const payload = { signature: `0x${'22'.repeat(64)}1b`, authorization };
    const proof = x402v2.encodePaymentPayload({ x402Version: 2, accepted, payload });
    const refused = await fetch(url, { headers: { 'payment-signature': proof } });
    expect([refused.status, await refused.json()]).toEqual([
      402,
      expect.objectContaining({ code: 'invalid_exact_evm_signature' }),
    ]);
  });

  it.each(dialects)('speaks %s alone where it is told to', async (dialect) => {
    const url = await startMock({ dialects: dialect });
    const answer = await fetch(url);
    const body = (await answer.json()) as { x402Version?: number };
    const offered = [
      ...(answer.headers.has(x402v2.PAYMENT_REQUIRED) ? ['x402v2'] : []),
      ...(body.x402Version === 1 ? ['x402v1'] : []),
      ...(answer.headers.has(mpp.WWW_AUTHENTICATE) ? ['mpp'] : []),
    ];
    expect([answer.status, offered]).toEqual([402, [dialect]]);
    expect((await buyer().fetch(url)).status).toBe(200);
    const silent = dialects.filter((other) => other !== dialect);
    const nonsense = { x402v2: x402v2.PAYMENT_SIGNATURE, x402v1: x402v1.X_PAYMENT, mpp: mpp.AUTHORIZATION };
    for (const other of silent) {
      expect((await fetch(url, { headers: { [nonsense[other]]: 'Payment bm8' } })).status).toBe(402);
    }
  });

  it.each([
    ['error', [402, 500]],
    ['lost_response', [402, 'lost', 200]],
    ['pending', [402, 503, 200]],
  ] as const)('can be made to fail: %s', async (fault, seen) => {
    const url = await startMock();
    const { statuses, fetch } = watched();
    await buyer({ fetch }).fetch(`${url}/?fault=${fault}`);
    expect(statuses).toEqual(seen);
  });

  it('can be made to be slow', async () => {
    const url = await startMock({ delay: '300' });
    const start = performance.now();
    expect((await buyer().fetch(`${url}/?fault=slow`)).status).toBe(200);
    expect(performance.now() - start).toBeGreaterThan(299);
  });

  it('can be made to refuse every payer', async () => {
    const url = await startMock({ fault: 'refused' });
    await expect(buyer().fetch(url)).rejects.toMatchObject({ kind: 'payment_refused' });
  });

  it('can be made to lose its facilitator', async () => {
    const url = await startMock({ fault: 'unavailable' });
    const { statuses, fetch } = watched();
    await buyer({ fetch, maxAttempts: 2 })
      .fetch(url)
      .catch(() => undefined);
    expect(statuses).toEqual([402, 503, 503]);
  });

  it.each([
    ['price=free', 'price must be a price such as "$0.01"'],
    ['fault=fire', 'fault must be one of none, slow,'],
  ])('says what is wrong with ?%s', async (query, message) => {
    const url = await startMock();
    const refused = await fetch(`${url}/?${query}`);
    expect([refused.status, await refused.json()]).toEqual([
      400,
      { mock: true, error: expect.stringContaining(message) },
    ]);
  });
});

describe('the flags of agentpay mock', () => {
  it.each([
    [{ port: 'http' }, '--port must be'],
    [{ price: '0' }, '--price must be'],
    [{ network: 'mars' }, '--network must be'],
    [{ payTo: '0x1' }, '--pay-to must be'],
    [{ dialects: 'x402v3' }, '--dialects must be'],
    [{ fault: 'fire' }, '--fault must be'],
    [{ delay: '-1' }, '--delay must be'],
  ] satisfies [MockFlags, string][])('%j are refused in one sentence', (flags, message) => {
    expect(() => readMockOptions(flags)).toThrow(message);
  });
});
