import { baseSepolia } from '@agentpay/primitives';
import {
  authorizationTypedData,
  hexToBytes,
  privateKeySigner,
  type Authorization,
  type Hex,
} from '@agentpay/protocol';
import fc from 'fast-check';
import { verifyTypedData } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { signWith } from './Account.js';
import { createClient } from './Client.js';
import { createPayingFetch } from './createPayingFetch.js';
import { localAccount } from './localAccount.js';
import { walletAccount, type WalletProvider } from './walletAccount.js';
import {
  BUYER,
  BUYER_KEY,
  askV2,
  closeServers,
  failure,
  hurriedClock,
  isSigned,
  startSeller,
  type Received,
} from './seller.test.support.js';

const clock = hurriedClock();
const domain = {
  ...baseSepolia.usdc.eip712,
  chainId: baseSepolia.chainId,
  verifyingContract: baseSepolia.usdc.address,
};
const hex = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((array) => `0x${Buffer.from(array).toString('hex')}` as Hex);
const uint = fc.bigInt(0n, 2n ** 256n - 1n);
const authorization: fc.Arbitrary<Authorization> = fc.record({
  from: hex(20),
  to: hex(20),
  value: uint,
  validAfter: uint,
  validBefore: uint,
  nonce: hex(32),
});
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const key = fc.bigInt(1n, ORDER - 1n).map((secret) => `0x${secret.toString(16).padStart(64, '0')}` as Hex);

afterEach(closeServers);

describe('a local account', () => {
  it('signs, byte for byte, as viem does', async () => {
    await fc.assert(
      fc.asyncProperty(key, authorization, async (privateKey, message) => {
        const data = authorizationTypedData(domain, message);
        const theirs = privateKeyToAccount(privateKey);
        expect(localAccount(privateKey).address).toBe(theirs.address);
        expect(await signWith(localAccount(privateKey), data)).toBe(await theirs.signTypedData(data));
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    '',
    '0x',
    '0x12',
    BUYER_KEY.slice(2),
    `0x${'0'.repeat(64)}`,
    `0x${ORDER.toString(16)}`,
    `${BUYER_KEY}zz`,
  ])('is not made of the key "%s", which the error does not show', (text) => {
    expect(() => privateKeySigner(text)).toThrow(RangeError);
    expect(() => privateKeySigner(text)).not.toThrow(
      expect.objectContaining({ message: expect.stringContaining('59c69') }),
    );
  });

  it('does not show its key when it is printed', () => {
    expect(JSON.stringify(localAccount(BUYER_KEY))).not.toContain('59c6995e');
    expect(hexToBytes(BUYER_KEY)).toHaveLength(32);
  });
});

/** A wallet as browsers have it, on this network; the only one it knows unless it `knows` others. */
function startWallet(
  chainId: number,
  { refused, knows = true }: { refused?: { method: string; error: unknown }; knows?: boolean } = {},
) {
  let known = knows;
  const calls: string[] = [];
  const account = privateKeyToAccount(BUYER_KEY);
  let current = chainId;
  const wallet: WalletProvider = {
    async request({ method, params = [] }) {
      calls.push(method);
      if (method === refused?.method) throw refused.error;
      if (method === 'eth_requestAccounts') return [BUYER.toLowerCase()];
      if (method === 'eth_chainId') return `0x${current.toString(16)}`;
      if (method === 'wallet_addEthereumChain') {
        expect(params).toMatchObject([{ chainId: '0x14a34', chainName: baseSepolia.title }]);
        known = true;
        return null;
      }
      if (method === 'wallet_switchEthereumChain') {
        if (!known) throw Object.assign(new Error('Unrecognized chain'), { code: 4902 });
        current = Number((params[0] as { chainId: string }).chainId);
        return null;
      }
      const [address, text] = params as [string, string];
      expect(address).toBe(BUYER);
      const data = JSON.parse(text) as Parameters<typeof account.signTypedData>[0];
      if (Number((data.domain as { chainId: number }).chainId) !== current)
        throw new Error('another network');
      return account.signTypedData(data);
    },
  };
  return { wallet, calls };
}

describe('an account by a wallet', () => {
  it('pays, on the network of the payment', async () => {
    const seller = await startSeller(askV2());
    const { wallet, calls } = startWallet(1);
    const client = createClient({ account: await walletAccount(wallet), clock });
    expect((await client.fetch(seller.url)).status).toBe(200);
    expect(await isSigned(seller.proofs[0] as Received)).toBe(true);
    expect(calls).toEqual([
      'eth_requestAccounts',
      'eth_chainId',
      'wallet_switchEthereumChain',
      'eth_signTypedData_v4',
    ]);
  });

  it('is told of a network that it does not know, and moved there', async () => {
    const seller = await startSeller(askV2());
    const { wallet, calls } = startWallet(1, { knows: false });
    const client = createClient({ account: await walletAccount(wallet), clock });
    expect((await client.fetch(seller.url)).status).toBe(200);
    expect(await isSigned(seller.proofs[0] as Received)).toBe(true);
    expect(calls).toEqual([
      'eth_requestAccounts',
      'eth_chainId',
      'wallet_switchEthereumChain',
      'wallet_addEthereumChain',
      'wallet_switchEthereumChain',
      'eth_signTypedData_v4',
    ]);
  });

  it('is not moved when it is there', async () => {
    const { wallet, calls } = startWallet(baseSepolia.chainId);
    const account = await walletAccount(wallet, { address: BUYER });
    const message = {
      from: BUYER,
      to: BUYER,
      value: 1n,
      validAfter: 0n,
      validBefore: 2n,
      nonce: `0x${'0'.repeat(64)}`,
    } as const;
    const data = authorizationTypedData(domain, message);
    const signature = await signWith(account, data);
    expect(await verifyTypedData({ ...data, address: BUYER, signature })).toBe(true);
    expect(calls).not.toContain('wallet_switchEthereumChain');
  });

  it.each(['eth_requestAccounts', 'wallet_switchEthereumChain', 'eth_signTypedData_v4'])(
    'whose owner says no to %s sends and spends nothing',
    async (method) => {
      const seller = await startSeller(askV2());
      const error = { code: 4001, message: 'User rejected the request.' };
      const { wallet } = startWallet(1, { refused: { method, error } });
      let spent: unknown[] = [];
      const bought = (async () => {
        const client = createClient({ account: await walletAccount(wallet), clock });
        await client
          .fetch(seller.url)
          .finally(() => (spent = client.spent().filter(({ signed }) => signed > 0n)));
      })();
      expect(await failure(bought)).toMatchObject({ kind: 'policy_denied', reason: 'wallet_denied' });
      expect([seller.proofs.length, spent.length]).toEqual([0, 0]);
    },
  );

  it('has to show the account that is asked for', async () => {
    const { wallet } = startWallet(1);
    const address = `0x${'1'.repeat(40)}`;
    expect(await failure(walletAccount(wallet, { address }))).toMatchObject({ kind: 'invalid_request' });
  });
});

it('createPayingFetch() pays through the fetch that it is given', async () => {
  const seller = await startSeller(askV2());
  const seen: string[] = [];
  const payingFetch = createPayingFetch(
    (input, init) => {
      seen.push(String(input));
      return fetch(input, init);
    },
    { privateKey: BUYER_KEY, clock },
  );
  expect((await payingFetch(`${seller.url}/paid`)).status).toBe(200);
  expect(seen).toEqual([`${seller.url}/paid`, `${seller.url}/paid`]);
});

describe('budgets of a host and of a day', () => {
  it('hold each by itself, and a day ends', async () => {
    const [one, other] = [await startSeller(askV2()), await startSeller(askV2())];
    const client = createClient({
      privateKey: BUYER_KEY,
      clock,
      budget: { perHost: '$0.02', perDay: '$0.03', total: '$1' },
    });
    const buy = async (url: string) => (await failure(client.fetch(url)))?.reason;
    expect([await buy(one.url), await buy(one.url), await buy(one.url)]).toEqual([
      undefined,
      undefined,
      'per_host',
    ]);
    expect([await buy(other.url), await buy(other.url)]).toEqual([undefined, 'per_day']);
    clock.advance(25 * 3_600_000);
    expect([await buy(other.url), await buy(other.url)]).toEqual([undefined, 'per_host']);
  });

  it('remember what the journal knows', async () => {
    const saved = new Map<string, never>();
    const journal = {
      save: async (purchase: { id: string }) => void saved.set(purchase.id, purchase as never),
      load: async () => [...saved.values()],
    };
    const seller = await startSeller(askV2());
    for (const reason of [undefined, 'per_day']) {
      const budget = { perDay: '$0.01' };
      const client = createClient({ privateKey: BUYER_KEY, clock, journal, budget });
      expect((await failure(client.fetch(seller.url)))?.reason).toBe(reason);
    }
    clock.advance(25 * 3_600_000);
    const perHost = createClient({ privateKey: BUYER_KEY, clock, journal, budget: { perHost: '$0.01' } });
    expect((await failure(perHost.fetch(seller.url)))?.reason).toBe('per_host');
  });
});
