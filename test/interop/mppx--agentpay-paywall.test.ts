import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { paywall, type PaywallOptions } from '@agentpay/paywall';
import type { Facilitator } from '@agentpay/protocol';
import { wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import { ExactEvmScheme } from '@x402/evm';
import { Mppx, evm } from 'mppx/client';
import { privateKeyToAccount } from 'viem/accounts';

const account = privateKeyToAccount(`0x${'59'.repeat(32)}`);
const HASH = `0x${'cd'.repeat(32)}`;

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** A seller whose facilitator believes everybody; `settled` holds the nonces that were paid with. */
async function sell(options: Partial<PaywallOptions> = {}) {
  const settled: unknown[] = [];
  const facilitator: Facilitator = {
    verify: async () => ({ isValid: true }),
    async settle({ paymentPayload, paymentRequirements: { network } }) {
      settled.push((paymentPayload.payload['authorization'] as { nonce: string }).nonce);
      return { success: true, transaction: HASH, network };
    },
    supported: async () => ({ kinds: [], extensions: [], signers: {} }),
  };
  const pay = paywall({
    logger: false,
    payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
    facilitator,
    price: '$0.01',
    ...options,
  });
  const listener: RequestListener = (req, res) => pay(req, res, () => res.end('goods'));
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, settled };
}

/** A fetch that notes what it was asked with, and what came. */
function watched(change: (headers: Headers) => void = () => undefined) {
  const seen: { accept: string | null; challenged: boolean }[] = [];
  const noting: typeof fetch = async (input, init) => {
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : {}));
    change(headers);
    const response = await fetch(input, { ...init, headers });
    seen.push({
      accept: headers.get('accept-payment'),
      challenged: response.headers.has('www-authenticate'),
    });
    return response;
  };
  return { fetch: noting, seen };
}

type Preferences = Readonly<Record<'evm/charge', number>>;

function mppxBuyer(fetchImpl: typeof fetch, paymentPreferences?: Preferences) {
  const methods = [evm.charge({ account, currencies: [evm.assets.baseSepolia.USDC] })] as const;
  return Mppx.create({
    fetch: fetchImpl,
    polyfill: false,
    methods,
    ...(paymentPreferences && { paymentPreferences }),
  });
}

describe('Accept-Payment as mppx sends it', () => {
  it.each<[string, Preferences | undefined]>([
    ['evm/charge', undefined],
    ['evm/charge;q=0.5', { 'evm/charge': 0.5 }],
  ])('%s: gets the challenge and pays it', async (accept, preferences) => {
    const [{ url, settled }, { fetch, seen }] = [await sell(), watched()];
    const response = await mppxBuyer(fetch, preferences).fetch(url);
    expect([response.status, await response.text(), settled.length]).toEqual([200, 'goods', 1]);
    expect(seen[0]).toEqual({ accept, challenged: true });
  });

  it('evm/charge;q=0: gets no challenge and pays nothing', async () => {
    const [{ url, settled }, { fetch, seen }] = [await sell(), watched()];
    await expect(mppxBuyer(fetch, { 'evm/charge': 0 }).fetch(url)).rejects.toThrow(/No method found/);
    expect(seen).toEqual([{ accept: 'evm/charge;q=0', challenged: false }]);
    expect(settled).toEqual([]);
  });
});

const timings = ['after', 'before', 'optimistic'] as const;
it.each(timings)(
  'an intermediary that sends paid requests twice costs mppx nothing more: settle %s',
  async (settle) => {
    const { url, settled } = await sell({ price: { price: '$0.01', settle }, maxStoredBytes: 1 });
    const twice: typeof fetch = async (input, init) => {
      if (!new Headers(init?.headers).has('authorization')) return fetch(input, init);
      // The second one is under way before the response to the first has been read.
      const both = [fetch(input, init), fetch(input, init)] as const;
      const [, second] = await Promise.all(both);
      return second;
    };
    const response = await mppxBuyer(twice).fetch(url);
    expect([200, 409]).toContain(response.status);
    expect(settled).toHaveLength(1);
  },
);

it('Accept-Payment that rules MPP out: @x402/fetch still pays in x402', async () => {
  const [{ url, settled }, { fetch, seen }] = [
    await sell(),
    watched((headers) => headers.set('accept-payment', 'evm/charge;q=0')),
  ];
  const schemes = [{ network: 'eip155:*' as const, client: new ExactEvmScheme(account) }];
  const response = await wrapFetchWithPaymentFromConfig(fetch, { schemes })(url);
  expect([response.status, await response.text(), settled.length]).toEqual([200, 'goods', 1]);
  expect(seen.map(({ challenged }) => challenged)).toEqual([false, false]);
});
