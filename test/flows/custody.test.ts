import { custody, ledger, sealedColumns, spending, vault, wallets } from '@agentpay/core';
import type { Core } from '@agentpay/core';
import { baseSepolia, radiusTestnet, unixSeconds, usdcOn } from '@agentpay/primitives';
import type { Db } from '@agentpay/primitives';
import {
  allowanceDigest,
  allowanceFor,
  authorizationDigest,
  bytesToHex,
  permitDigest,
  permitFor,
  type Authorization,
  type Hex,
} from '@agentpay/protocol';
import { recoverAddress } from 'viem';
import { ownDb, signedIn, testCore, type SignedIn } from './market.js';

const network = usdcOn(baseSepolia);
const asset = 'USDC@base-sepolia';
const SELLER = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C';

let db: Db;
let core: Core;
let agent: SignedIn;
/** What the chain says that accounts have. */
const onChain = new Map<string, bigint>();
/** Happens between the look at the books and the look at the chain. */
let meanwhile: () => Promise<unknown> = async () => undefined;

beforeAll(async () => {
  db = await ownDb();
  const chain: custody.PaymentChain = {
    network,
    async balanceOf(account) {
      await meanwhile();
      return onChain.get(account) ?? 0n;
    },
    fateOf: async () => undefined,
  };
  const radius = { ...chain, network: radiusTestnet };
  ({ core } = await testCore(db, {
    chains: new Map([
      [network.id, chain],
      [radiusTestnet.id, radius],
    ]),
  }));
  agent = await signedIn(core, 'Buyer');
});
afterEach(async () => {
  meanwhile = async () => undefined;
  expect(await ledger.verifyLedger(db)).toEqual([]);
});
afterAll(() => db.close());

let holders = 0;
const open = (holder = `holder_${++holders}`, on = network.id) =>
  db.tx((tx) => custody.open(core, tx, { ownerId: agent.agent.id, holder, network: on }));

function reserve(wallet: custody.CustodyWallet, amount: bigint, money = asset) {
  const of = { payer: wallet.ownerId, walletId: wallet.walletId, asset: money };
  return core.batch.run({
    wants: spending.wantsOf(of),
    lane: wallet.walletId,
    decide: (scene) =>
      spending.allowIn(core, scene, { ...of, amount, payee: SELLER, rail: 'x402', purpose: 'purchase' }),
  });
}

const authorizationOf = (wallet: custody.CustodyWallet, value: bigint): Authorization => ({
  from: wallet.address,
  to: SELLER,
  value,
  validAfter: 0n,
  validBefore: 2_000_000_000n,
  nonce: bytesToHex(core.random.bytes(32)),
});

describe('a wallet on a chain', () => {
  it('is one for each holder and network, however often and by however many it is opened', async () => {
    const [first, ...others] = await Promise.all([open('same'), open('same'), open('same')]);
    expect(others).toEqual([first, first]);
    expect((await open()).address).not.toBe(first.address);
    expect(await custody.ofHolder(db, { holder: 'same' })).toEqual([first]);
    await expect(
      db.tx((tx) => custody.open(core, tx, { ownerId: agent.agent.id, holder: 'x', network: 'eip155:1' })),
    ).rejects.toMatchObject({ kind: 'settlement_not_configured' });
  });

  it('keeps its key sealed: no row shows it, and it opens for no other wallet', async () => {
    const [a, b] = [await open(), await open()];
    const [row] = await db.query<{ sealed_key: string }>(
      'select sealed_key from custody_wallets where wallet_id = $1',
      [a.walletId],
    );
    const sealed = row?.sealed_key as string;
    expect(sealed).not.toMatch(/0x[0-9a-f]{64}/);
    expect(() => core.ports.vault.open(sealed, b.walletId)).toThrow('cannot be read');
    expect(core.ports.vault.open(sealed, a.walletId)).toMatch(/^0x[0-9a-f]{64}$/);
  });

  it('takes no play money and pays nobody by the books', async () => {
    const { walletId } = await open();
    const { principal } = agent;
    await expect(
      wallets.fund(core, { principal, walletId, amount: 1n, source: 'test_faucet' }),
    ).rejects.toMatchObject({ kind: 'funding_refused' });
  });
});

describe('what arrives on the chain', () => {
  it('is booked once, by however many look at once, and can be spent then', async () => {
    const wallet = await open();
    onChain.set(wallet.address, 5_000_000n);
    await Promise.all([1, 2, 3].map(() => custody.balanceOf(core, wallet)));
    expect(await custody.balanceOf(core, wallet)).toEqual({
      available: 5_000_000n,
      held: 0n,
      onChain: 5_000_000n,
    });
    await expect(reserve(wallet, 5_000_001n)).rejects.toMatchObject({ kind: 'insufficient_funds' });
    await reserve(wallet, 5_000_000n);
  });

  it('is never taken for more than it is while payments are under way', async () => {
    const wallet = await open();
    onChain.set(wallet.address, 100n);
    await custody.balanceOf(core, wallet);
    await reserve(wallet, 40n);
    // The chain has taken the payment, the books have not heard of it.
    onChain.set(wallet.address, 60n);
    expect(await custody.balanceOf(core, wallet)).toMatchObject({ available: 60n, held: 40n });
    onChain.set(wallet.address, 90n);
    expect(await custody.balanceOf(core, wallet)).toMatchObject({ available: 60n, held: 40n });
  });

  it('is not booked twice when another look books it in between', async () => {
    const wallet = await open();
    onChain.set(wallet.address, 100n);
    let first = true;
    meanwhile = async () => {
      if (!first) return;
      first = false;
      await custody.balanceOf(core, wallet);
    };
    expect(await custody.balanceOf(core, wallet)).toMatchObject({ available: 100n });
  });

  it('is taken back when a reorg took it, but only while nothing is reserved', async () => {
    const wallet = await open();
    onChain.set(wallet.address, 100n);
    await custody.balanceOf(core, wallet);
    onChain.set(wallet.address, 70n);
    expect(await custody.balanceOf(core, wallet)).toMatchObject({ available: 70n });
    await reserve(wallet, 10n);
    onChain.set(wallet.address, 0n);
    expect(await custody.balanceOf(core, wallet)).toMatchObject({ available: 60n, held: 10n });
  });
});

describe('a new master key', () => {
  const [former, present] = [1, 2].map((byte) => ({
    id: `key${byte}`,
    bytes: new Uint8Array(32).fill(byte),
  }));
  const sealedBy = (keys: readonly vault.VaultKey[]) =>
    ({ ...core, ports: { ...core.ports, vault: vault.createVault(keys, core.random) } }) as Core;
  const sealed = async ({ walletId }: custody.CustodyWallet) => {
    const [row] = await db.query<{ key: string }>(
      'select sealed_key as key from custody_wallets where wallet_id = $1',
      [walletId],
    );
    return row?.key as string;
  };

  it('takes every wallet over, and the former key may go', async () => {
    await db.query('delete from custody_wallets');
    const old = sealedBy([former as vault.VaultKey]);
    const request = { ownerId: agent.agent.id, holder: 'rotated', network: network.id };
    const wallet = await db.tx((tx) => custody.open(old, tx, request));
    const key = old.ports.vault.open(await sealed(wallet), wallet.walletId);
    const both = sealedBy([present, former] as vault.VaultKey[]);
    const reseal = (by: Core) => vault.reseal({ db, vault: by.ports.vault }, sealedColumns);
    // Somebody who knows the new one alone reads nothing, says so, and changes nothing.
    const unread = { resealed: 0, unreadable: 1, left: false };
    expect(await reseal(sealedBy([present as vault.VaultKey]))).toEqual(unread);
    expect(await reseal(both)).toEqual({ resealed: 1, unreadable: 0, left: false });
    expect(await reseal(both)).toEqual({ resealed: 0, unreadable: 0, left: false });
    const only = sealedBy([present as vault.VaultKey]).ports.vault;
    expect(only.open(await sealed(wallet), wallet.walletId)).toBe(key);
    const resealed = await sealed(wallet);
    expect(() => old.ports.vault.open(resealed, wallet.walletId)).toThrow('cannot be read');
  });
});

describe('a signature', () => {
  /** The wallet with its sealed key. */
  const keyed = async ({ holder }: custody.CustodyWallet) => {
    const [wallet] = await custody.payingFor(db, { holder });
    return wallet as custody.KeptCustodyWallet;
  };

  it('is made for what the gate allowed, by the key of the wallet', async () => {
    const wallet = await open();
    onChain.set(wallet.address, 100n);
    await custody.balanceOf(core, wallet);
    const allowed = await reserve(wallet, 10n);
    const authorization = authorizationOf(wallet, 10n);
    const { signature } = custody.sign(core, { wallet: await keyed(wallet), allowed, authorization });
    const hash = bytesToHex(authorizationDigest(network, authorization));
    expect(await recoverAddress({ hash, signature })).toBe(wallet.address);
  });

  it('is made for nothing else', async () => {
    const [wallet, other] = [await open(), await open()];
    onChain.set(wallet.address, 100n);
    await custody.balanceOf(core, wallet);
    const allowed = await reserve(wallet, 10n);
    const right = authorizationOf(wallet, 10n);
    const wrong: [spending.Allowed, Authorization, custody.CustodyWallet?][] = [
      [{ ...allowed }, right],
      [allowed, { ...right, value: 11n }],
      [allowed, { ...right, value: 9n }],
      [allowed, { ...right, to: other.address }],
      [allowed, { ...right, from: other.address }],
      [allowed, { ...right, from: other.address }, other],
    ];
    for (const [verdict, authorization, by = wallet] of wrong) {
      const asked = { wallet: await keyed(by), allowed: verdict, authorization };
      expect(() => custody.sign(core, asked)).toThrow(
        expect.objectContaining({
          kind: 'internal_error',
          message: expect.stringContaining('Nothing is signed'),
        }),
      );
    }
  });

  it('by Permit2 is of the payment and of the permit of its amount for Permit2, and of no other', async () => {
    const [wallet, { address: other }] = [await open('sbc', radiusTestnet.id), await open()];
    onChain.set(wallet.address, 100n);
    await custody.balanceOf(core, wallet);
    const allowed = await reserve(wallet, 10n, 'SBC@radius-testnet');
    const by = { wallet: await keyed(wallet), allowed };
    const now = unixSeconds(core.clock);
    const offer = { payer: wallet.address, payTo: SELLER, amount: 10n, network: radiusTestnet } as const;
    const nonce = bytesToHex(core.random.bytes(32));
    const permitOf = (seconds: number) =>
      permitFor({ ...offer, lifetime: () => seconds }, { now, nonce, longest: seconds });
    const permit = permitOf(60);
    const allowance = allowanceFor(permit, 3n);

    const { payload, sponsoring } = custody.signPermit(core, { ...by, permit, allowance });
    const signer = (digest: Uint8Array, signature: Hex) =>
      recoverAddress({ hash: bytesToHex(digest), signature });
    expect(await signer(permitDigest(radiusTestnet, permit), payload.signature)).toBe(wallet.address);
    expect(await signer(allowanceDigest(radiusTestnet, allowance), sponsoring.signature)).toBe(
      wallet.address,
    );
    expect(sponsoring).toMatchObject({ nonce: '3', amount: '10', asset: radiusTestnet.asset.address });

    const forever = permitOf(10_000);
    const { permitted, witness } = permit;
    const wrong: Partial<Parameters<typeof custody.signPermit>[1]>[] = [
      { allowed: { ...allowed } },
      { permit: { ...permit, permitted: { ...permitted, amount: 11n } } },
      { permit: { ...permit, permitted: { ...permitted, token: other } } },
      { permit: { ...permit, witness: { ...witness, to: other } } },
      { permit: { ...permit, from: other } },
      { permit: { ...permit, spender: other } },
      { permit: forever, allowance: allowanceFor(forever, 3n) },
      { allowance: { ...allowance, spender: other } },
      { allowance: { ...allowance, owner: other } },
      { allowance: { ...allowance, value: 2n ** 256n - 1n } },
      { allowance: { ...allowance, deadline: 2n ** 256n - 1n } },
    ];
    for (const changed of wrong)
      expect(() => custody.signPermit(core, { ...by, permit, allowance, ...changed })).toThrow(
        expect.objectContaining({
          kind: 'internal_error',
          message: expect.stringContaining('Nothing is signed'),
        }),
      );
  });
});
