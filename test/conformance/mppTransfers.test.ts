import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RunningFacilitator } from '@agentpay/facilitator';
import { paywall, type Accept, type TransferOptions } from '@agentpay/paywall';
import { baseSepolia, memoryStore, systemClock, type Clock } from '@agentpay/primitives';
import { mpp, transferCall } from '@agentpay/protocol';
import { eventually, rpcProxy, type RpcFault, type RpcProxy } from '@agentpay/testing';
import { createWalletClient, http, keccak256, type Hex } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { authorized, payee, PRICE, startFacilitatorBed, type FacilitatorBed } from './facilitatorBed.js';

const { chainId, usdc } = baseSepolia;
const SECRET = 'the secret of the seller of the weather';

let bed: FacilitatorBed;
let node: RpcProxy;
let facilitator: RunningFacilitator;
let payer: PrivateKeyAccount;
beforeAll(async () => {
  bed = await startFacilitatorBed();
  facilitator = await bed.start();
  node = await rpcProxy({ target: bed.rpcUrl });
});
beforeEach(async () => {
  payer = await bed.payer(10n * PRICE);
});
const servers: Server[] = [];
afterEach(() => {
  node.heal();
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});
afterAll(async () => {
  await node?.close();
  await bed?.close();
});

interface Shop {
  readonly url: string;
  readonly served: () => number;
}

async function openShop(
  transfers: Partial<TransferOptions> = {},
  clock: Clock = systemClock,
  more: Partial<Accept> = {},
): Promise<Shop> {
  let served = 0;
  const accepts = [{ transfers: { rpcUrl: node.url, hashes: true, ...transfers }, ...more }];
  const state = { clock, store: memoryStore(clock), mppSecret: SECRET };
  const charge = paywall({ payTo: payee, facilitator, accepts, ...state, logger: false }).charge('$0.01');
  const server = createServer((req, res) => charge(req, res, () => res.end(`answer ${++served}`))).listen(
    0,
    '127.0.0.1',
  );
  servers.push(server);
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, served: () => served };
}

/** A challenge of the shop for `path`. */
async function challenged({ url }: Shop, path = ''): Promise<mpp.Challenge> {
  const { headers } = await fetch(url + path);
  return mpp.readChallenges(headers.get('www-authenticate') as string)[0] as mpp.Challenge;
}

interface Call {
  readonly account?: PrivateKeyAccount;
  readonly token?: Hex;
  readonly to?: Hex;
  readonly amount?: bigint;
  readonly chain?: number;
  readonly nonce?: number;
  readonly value?: bigint;
  readonly maxFeePerGas?: bigint;
}

/** The transfer that is due, or another one, signed by the payer. */
async function signed(call: Call = {}): Promise<Hex> {
  const {
    account = payer,
    token = usdc.address,
    to = payee,
    amount = PRICE,
    chain = chainId,
    value = 0n,
  } = call;
  const nonce = call.nonce ?? (await bed.client.getTransactionCount({ address: account.address }));
  const fees = {
    gas: 100_000n,
    maxFeePerGas: call.maxFeePerGas ?? 100_000_000_000n,
    maxPriorityFeePerGas: 1n,
  };
  return account.signTransaction({
    type: 'eip1559',
    chainId: chain,
    nonce,
    value,
    ...fees,
    ...transferCall({ token, to, amount }),
  });
}

const broadcast = async (raw: Hex): Promise<Hex> => {
  const hash = await bed.client.sendRawTransaction({ serializedTransaction: raw });
  await bed.client.waitForTransactionReceipt({ hash });
  return hash;
};

/** Sends a credential, and says what came back. */
async function present({ url }: Shop, credential: mpp.Credential, path = '') {
  const response = await fetch(url + path, {
    headers: { authorization: mpp.serializeCredential(credential) },
  });
  const text = await response.text();
  const receipt = response.headers.get('payment-receipt');
  const { code = '', type = '' } = response.ok ? {} : (JSON.parse(text) as { code?: string; type?: string });
  const challenge = response.headers.get('www-authenticate');
  return {
    status: response.status,
    text,
    code,
    type,
    challenge,
    receipt: receipt ? mpp.readReceipt(receipt) : undefined,
  };
}

const byTransaction = (challenge: mpp.Challenge, signature: Hex) => ({
  challenge,
  payload: { type: 'transaction', signature },
});
const byHash = (challenge: mpp.Challenge, hash: Hex) => ({ challenge, payload: { type: 'hash', hash } });

describe('a credential of type transaction', () => {
  it('pays: it is broadcast once the response is there, and the receipt names it, the challenge and the chain', async () => {
    const shop = await openShop();
    const before = await bed.usdc(payee);
    const challenge = await challenged(shop);
    const raw = await signed();
    const source = mpp.evmSource(chainId, payer.address);
    const paid = await present(shop, { ...byTransaction(challenge, raw), source });
    expect([paid.status, paid.text, (await bed.usdc(payee)) - before]).toEqual([200, 'answer 1', PRICE]);
    const { id: challengeId } = challenge;
    expect(paid.receipt).toMatchObject({
      status: 'success',
      method: 'evm',
      reference: keccak256(raw),
      challengeId,
      chainId,
    });
  });

  it('buys one answer, however often and under whatever challenge it comes', async () => {
    const shop = await openShop();
    const [challenge, raw] = [await challenged(shop), await signed()];
    const copies = await Promise.all(
      Array.from({ length: 8 }, () => present(shop, byTransaction(challenge, raw))),
    );
    expect(copies.filter(({ status }) => status !== 200 && status !== 409)).toEqual([]);
    const again = await present(shop, byTransaction(challenge, raw));
    expect([again.status, again.text, shop.served()]).toEqual([200, 'answer 1', 1]);
    const elsewhere = await present(shop, byTransaction(await challenged(shop, 'other'), raw), 'other');
    expect([elsewhere.status, elsewhere.code]).toEqual([409, 'payment_bound_elsewhere']);
    const asHash = await present(shop, byHash(await challenged(shop), keccak256(raw)));
    expect([asHash.status, asHash.code, shop.served()]).toEqual([409, 'payment_bound_elsewhere', 1]);
  });

  it.each<[string, Call, string]>([
    ['for another chain', { chain: 1 }, 'transfer_mismatch'],
    ['to somebody else', { to: `0x${'11'.repeat(20)}` }, 'transfer_mismatch'],
    ['of less', { amount: PRICE - 1n }, 'transfer_mismatch'],
    ['of more', { amount: PRICE + 1n }, 'transfer_mismatch'],
    ['of another token', { token: `0x${'22'.repeat(20)}` }, 'transfer_mismatch'],
    ['that gives ether as well', { value: 1n }, 'transfer_mismatch'],
    ['out of turn', { nonce: 1 }, 'nonce_mismatch'],
    ['below the fee of the block', { maxFeePerGas: 1n }, 'fee_too_low'],
  ])('%s is refused with a fresh challenge, and not broadcast', async (_, call, code) => {
    const shop = await openShop();
    const raw = await signed(call);
    const refused = await present(shop, byTransaction(await challenged(shop), raw));
    expect([refused.status, refused.code, shop.served()]).toEqual([402, code, 0]);
    expect(refused.type).toBe('https://paymentauth.org/problems/verification-failed');
    expect(refused.challenge).toMatch(/^Payment /);
    expect(await known(keccak256(raw))).toBe(false);
  });

  it('of an account without the money, or under a false name, is refused', async () => {
    const shop = await openShop();
    const poor = await bed.payer(PRICE - 1n);
    const unpaid = await present(
      shop,
      byTransaction(await challenged(shop), await signed({ account: poor })),
    );
    expect([unpaid.status, unpaid.code]).toEqual([402, 'insufficient_funds']);
    const source = mpp.evmSource(chainId, poor.address);
    const named = await present(shop, { ...byTransaction(await challenged(shop), await signed()), source });
    expect([named.status, named.code, shop.served()]).toEqual([402, 'source_mismatch', 0]);
  });

  it("that was broadcast before is nobody's proof: anybody could have read it from the chain", async () => {
    const shop = await openShop();
    const raw = await signed();
    const challenge = await challenged(shop);
    await broadcast(raw);
    const refused = await present(shop, byTransaction(challenge, raw));
    expect([refused.status, refused.code, refused.challenge, shop.served()]).toEqual([
      409,
      'payment_already_used',
      null,
      0,
    ]);
  });

  it('is charged once when the node does what it is asked and its response is lost', async () => {
    const shop = await openShop();
    const before = await bed.usdc(payee);
    node.fault('eth_sendRawTransaction', 'drop answer', 3);
    const paid = await present(shop, byTransaction(await challenged(shop), await signed()));
    expect([paid.status, paid.text, (await bed.usdc(payee)) - before]).toEqual([200, 'answer 1', PRICE]);
  });

  it('whose outcome is not known is open, not refused, and continues with the same credential', async () => {
    const shop = await openShop();
    const before = await bed.usdc(payee);
    const credential = byTransaction(await challenged(shop), await signed());
    node.fault('eth_blockNumber', 'drop', Infinity);
    const open = await present(shop, credential);
    expect([open.status, open.code, open.challenge, shop.served()]).toEqual([
      503,
      'settlement_unknown',
      null,
      1,
    ]);
    node.heal();
    const paid = await present(shop, credential);
    expect([paid.status, paid.text, shop.served(), (await bed.usdc(payee)) - before]).toEqual([
      200,
      'answer 1',
      1,
      PRICE,
    ]);
  });

  it.each<[string, string, RpcFault, number]>([
    ['eth_chainId', 'not at all', 'drop', 3],
    ['eth_getTransactionByHash', 'not at all', 'drop', 3],
    ['eth_getTransactionByHash', 'with a refusal', { error: 'method disabled' }, 1],
    ['eth_call', 'not at all', 'drop', 3],
    ['eth_call', 'with a limit', { error: 'limit exceeded', code: -32_005 }, 3],
    ['eth_getTransactionCount', 'with a page', { status: 502, body: '<html>' }, 3],
    ['eth_getBlockByNumber', 'with nonsense', { lie: () => ({ timestamp: 'soon' }) }, 3],
  ])(
    'meets a node that answers %s %s with 503, unserved and uncharged, and pays later',
    async (method, _, fault, times) => {
      const shop = await openShop();
      const credential = byTransaction(await challenged(shop), await signed());
      node.fault(method, fault, times);
      const away = await present(shop, credential);
      expect([away.status, away.code, away.challenge, shop.served()]).toEqual([503, 'unavailable', null, 0]);
      expect((await present(shop, credential)).text).toBe('answer 1');
    },
  );

  it('outlives a connection to the node that ends without a response', async () => {
    const shop = await openShop();
    for (const method of ['eth_chainId', 'eth_getTransactionByHash', 'eth_call', 'eth_blockNumber'])
      node.fault(method, 'drop');
    expect((await present(shop, byTransaction(await challenged(shop), await signed()))).text).toBe(
      'answer 1',
    );
  });

  it('is not taken by way of a node of another chain', async () => {
    const shop = await openShop();
    node.fault('eth_chainId', { lie: () => '0x1' }, Infinity);
    const credential = byTransaction(await challenged(shop), await signed());
    expect([(await present(shop, credential)).code, shop.served()]).toEqual(['unavailable', 0]);
  });
});

describe('a credential of type hash', () => {
  it('pays with a transfer made after the challenge, and buys one answer', async () => {
    const shop = await openShop();
    const challenge = await challenged(shop);
    const hash = await broadcast(await signed());
    const paid = await present(shop, byHash(challenge, hash));
    expect([paid.status, paid.text]).toEqual([200, 'answer 1']);
    expect(paid.receipt).toMatchObject({ reference: hash, challengeId: challenge.id, chainId });
    expect((await present(shop, byHash(challenge, hash))).text).toBe('answer 1');
    const again = await present(shop, byHash(await challenged(shop), hash));
    expect([again.status, again.code, shop.served()]).toEqual([409, 'payment_bound_elsewhere', 1]);
  });

  it('is remembered as long as any challenge that it could answer', async () => {
    let offset = -200_000;
    const shop = await openShop({}, { ...systemClock, now: () => systemClock.now() + offset });
    const early = await challenged(shop);
    offset = -5_000;
    const late = await challenged(shop);
    const hash = await broadcast(await signed());
    offset = 0;
    expect((await present(shop, byHash(early, hash))).status).toBe(200);
    offset = 200_000;
    const again = await present(shop, byHash(late, hash));
    expect([again.status, again.code, shop.served()]).toEqual([409, 'payment_bound_elsewhere', 1]);
  });

  it('is open, not refused, while the transfer is not deep enough in the chain', async () => {
    const shop = await openShop({ confirmations: 8 });
    const challenge = await challenged(shop);
    const nowhere = await present(shop, byHash(challenge, `0x${'ab'.repeat(32)}`));
    expect([nowhere.status, nowhere.code, nowhere.challenge]).toEqual([503, 'settlement_unknown', null]);
    const hash = await broadcast(await signed());
    await eventually(async () => expect((await present(shop, byHash(challenge, hash))).status).toBe(200));
    expect(shop.served()).toBe(1);
  });

  it.each<[string, () => Promise<Hex>]>([
    ['of another amount', async () => broadcast(await signed({ amount: PRICE + 1n }))],
    ['to somebody else', async () => broadcast(await signed({ to: `0x${'11'.repeat(20)}` }))],
    ['that failed', async () => broadcast(await signed({ amount: PRICE, account: await bed.payer(0n) }))],
    ['that is an x402 payment settled by the facilitator', settledByAuthorization],
  ])('of a transaction %s is refused', async (_, transaction) => {
    const shop = await openShop();
    const challenge = await challenged(shop);
    const refused = await present(shop, byHash(challenge, await transaction()));
    expect([refused.status, refused.code, shop.served()]).toEqual([402, 'transfer_mismatch', 0]);
  });

  it('of a transfer that is older than the challenge is refused', async () => {
    const hash = await broadcast(await signed());
    // The block is as old as the chain says; the seller's clock is ahead by more than blocks may differ from it.
    const shop = await openShop({}, { ...systemClock, now: () => systemClock.now() + 3_600_000 });
    const refused = await present(shop, byHash(await challenged(shop), hash));
    expect([refused.status, refused.code, shop.served()]).toEqual([402, 'transfer_mismatch', 0]);
  });

  it('is an unknown payload to a seller who takes none', async () => {
    const shop = await openShop({ hashes: false });
    const challenge = await challenged(shop);
    expect(mpp.readEvmChargeRequest(challenge).methodDetails.credentialTypes).toEqual([
      'authorization',
      'transaction',
    ]);
    const refused = await present(shop, byHash(challenge, await broadcast(await signed())));
    expect([refused.status, refused.type]).toEqual([402, 'https://paymentauth.org/problems/invalid-payload']);
  });

  it('and of any other type can be told from the challenge', async () => {
    const { methodDetails } = mpp.readEvmChargeRequest(await challenged(await openShop()));
    expect(methodDetails.credentialTypes).toEqual(['authorization', 'transaction', 'hash']);
  });
});

it('transfers pay in tokens without EIP-3009, for which authorizations are not offered', async () => {
  const asset = { address: usdc.address, decimals: usdc.decimals };
  const shop = await openShop({}, systemClock, { asset, transferMethod: 'permit2' });
  const challenge = await challenged(shop);
  expect(mpp.readEvmChargeRequest(challenge).methodDetails.credentialTypes).toEqual(['transaction', 'hash']);
  expect((await present(shop, byTransaction(challenge, await signed()))).text).toBe('answer 1');
  const another = await challenged(shop);
  expect((await present(shop, byHash(another, await broadcast(await signed())))).text).toBe('answer 2');
});

async function settledByAuthorization(): Promise<Hex> {
  const { transaction } = await facilitator.settle(
    await authorized(payer.address, (hash) => payer.sign({ hash })),
  );
  return transaction as Hex;
}

async function known(hash: Hex): Promise<boolean> {
  const wallet = createWalletClient({ transport: http(bed.rpcUrl) });
  return (await wallet.request({ method: 'eth_getTransactionByHash', params: [hash] } as never)) !== null;
}
