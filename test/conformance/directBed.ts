import { agents, agreements, createCore, custody, ledger, marketplace, vault } from '@agentpay/core';
import type { Core, Principal } from '@agentpay/core';
import { viemChain, type Chain } from '@agentpay/evm';
import { baseSepolia, systemClock, systemRandom, usdcOn, type Clock, type Db } from '@agentpay/primitives';
import type { Facilitator } from '@agentpay/protocol';
import { buildDirectStablecoinAgreement, localAccount, type DirectStablecoinAgreement } from '@agentpay/sdk';
import { createFeeWallet, custodyKeys, migrations, paymentChain, reconcileBooks } from '@agentpay/server';
import { pgDb, scratchDb } from '@agentpay/storage';
import { memoryTracker } from '@agentpay/tracker';
import type { Address, Hex } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { startFacilitatorBed, type FacilitatorBed } from './facilitatorBed.js';

export const network = usdcOn(baseSepolia);
/** What is bought for, in cents. */
export const CENTS = 500;
export const AMOUNT = 5_000_000n;
export const FEE = 103_000n;

/** A buyer with a wallet of their own on the chain. */
export interface DirectBuyer {
  readonly principal: Principal;
  readonly key: Hex;
  readonly address: Address;
}

/** What a process sees of the world. */
export interface Seen {
  readonly chain?: Chain;
  readonly db?: Db;
  readonly clock?: Clock;
  readonly facilitator?: Facilitator;
}

/** A core that sells directly, on a local chain with a facilitator that settles there. */
export interface DirectBed {
  readonly bed: FacilitatorBed;
  readonly core: Core;
  readonly db: Db;
  readonly chain: Chain;
  readonly facilitator: Facilitator;
  readonly seller: Principal;
  readonly serviceId: string;
  /** Where the seller is paid. */
  readonly payTo: Address;
  readonly gasWallet: Address;
  /** The core again, as another process has it. */
  another(seen?: Seen): Core;
  buyer(usdc?: bigint): Promise<DirectBuyer>;
  /** The body that the SDK makes of what the buyer has to sign. */
  signed(buyer: DirectBuyer): Promise<DirectStablecoinAgreement>;
  propose(buyer: DirectBuyer, body: DirectStablecoinAgreement, core?: Core): Promise<agreements.Agreement>;
  /** Proposed and accepted: the money is about to move. */
  accepted(buyer: DirectBuyer): Promise<string>;
  /** Works until the purchase has ended. */
  settle(id: string, core?: Core): Promise<agreements.Agreement>;
  /** The books are right, and agree with the chain. */
  expectBalanced(): Promise<void>;
  close(): Promise<void>;
}

export async function startDirectBed(): Promise<DirectBed> {
  const bed = await startFacilitatorBed();
  const facilitator = await bed.start();
  const scratch = await scratchDb({ server: process.env['DATABASE_URL'] as string, migrations });
  const db = pgDb({ url: scratch.url });
  const gasKey = generatePrivateKey();
  const gasWallet = privateKeyToAccount(gasKey).address;
  const chain = viemChain({ rpcUrl: bed.rpcUrl });
  await bed.node.setBalance({ address: gasWallet, value: 10n ** 18n });

  function another(seen: Seen = {}): Core {
    const world = { chain, db, clock: systemClock, facilitator, ...seen };
    const proofs = paymentChain({ network, chain: world.chain, confirmations: 1 });
    const options = { privateKey: gasKey, network: baseSepolia, proofs, confirmations: 1 };
    const never = () => Promise.reject(new Error('Nothing is called here.'));
    return createCore({
      db: world.db,
      clock: world.clock,
      random: systemRandom,
      ports: {
        vault: vault.createVault([{ id: 'test', bytes: new Uint8Array(32).fill(7) }], systemRandom),
        custodyKeys: custodyKeys(new Uint8Array(32).fill(9), systemRandom),
        chains: new Map([[network.id, proofs]]),
        endpoints: { assertAllowed: () => undefined, fetchOut: never },
        sellers: { fetchOut: never },
        facilitator: world.facilitator,
        feeWallet: createFeeWallet({ ...world, ...options }),
        tracker: memoryTracker(),
        rails: {},
        payouts: {},
      } as unknown as Core['ports'],
      settings: { identity: { pepper: 'pepper-of-the-test-pepper-of-the-test' } },
    });
  }
  const core = another();
  const seller = await agentOf(core, 'Seller');
  const { address: payTo } = await db.tx((tx) => {
    const { id } = seller.party;
    return custody.open(core, tx, { ownerId: id, holder: id, network: network.id });
  });
  const service = { principal: seller, name: 'Directly', pricePerCall: 10_000n };
  const { id: serviceId } = await marketplace.register(core, service);

  async function requirementsFor({ address }: DirectBuyer) {
    const asked = { amount: AMOUNT, serviceId, buyerAddress: address };
    const { feeWallet, offer, permit } = await agreements.requirements(core, asked);
    if (!permit) throw new Error('There is no permit.');
    const { owner, spender, value, nonce, deadline } = permit;
    const numbers = { value: `${value}`, nonce: `${nonce}`, deadline: `${deadline}` };
    const { chainId, asset } = network;
    const domain = { ...asset.eip712, chainId, verifyingContract: asset.address };
    return {
      gas_wallet_address: feeWallet.address,
      fee: { permit: { domain, primaryType: 'Permit', message: { owner, spender, ...numbers } } },
      payment: offer,
    };
  }

  const self: DirectBed = {
    bed,
    core,
    db,
    chain,
    facilitator,
    seller,
    serviceId,
    payTo,
    gasWallet,
    another,
    async buyer(usdc = AMOUNT + FEE) {
      const key = generatePrivateKey();
      const { address } = privateKeyToAccount(key);
      if (usdc > 0n) await bed.fund(address, usdc);
      return { principal: await agentOf(core, 'Buyer'), key, address };
    },
    signed: async (buyer) =>
      buildDirectStablecoinAgreement({
        account: localAccount(buyer.key),
        requirements: await requirementsFor(buyer),
        serviceId,
        amountCents: CENTS,
      }),
    propose: ({ principal }, body, on = core) =>
      agreements.proposeDirect(on, {
        principal,
        serviceId: body.service_id,
        amount: BigInt(body.amount_cents) * 10_000n,
        paymentHeader: body.payment_header,
        feePermit: body.fee_permit as Hex,
        buyerAddress: body.buyer_wallet_address,
      }),
    async accepted(buyer) {
      const { id } = await self.propose(buyer, await self.signed(buyer));
      await agreements.accept(core, { principal: seller, agreementId: id });
      return id;
    },
    async settle(id, on = core) {
      for (let round = 0; round < 10_000; round++) {
        const agreement = await agreements.get(core, { principal: seller, agreementId: id });
        if (agreements.isEnded(agreement.status)) return agreement;
        await db.query('update direct_purchases set next_at = null, claimed_until = null where id = $1', [
          id,
        ]);
        await agreements.workDirect(on, { limit: 20 });
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error('The purchase does not end.');
    },
    async expectBalanced() {
      // What sellers were paid is booked when their wallets are looked at; until then it is no difference.
      expect(await reconcileBooks(core)).toEqual([]);
      for (const { walletId } of await custody.ofHolder(db, { holder: seller.party.id }))
        await custody.balanceOf(core, { walletId });
      expect(await ledger.verifyLedger(db)).toEqual([]);
      expect(await reconcileBooks(core)).toEqual([]);
    },
    async close() {
      await db.close();
      await scratch.close();
      await bed.close();
    },
  };
  return self;
}

async function agentOf(core: Core, name: string): Promise<Principal<'agent'>> {
  const { agent } = await agents.create(core, { name });
  return { party: { id: agent.id, kind: 'agent' }, scopes: [], credentialId: 'key' };
}
