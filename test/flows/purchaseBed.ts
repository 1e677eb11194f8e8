import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { agents, custody, ledger, migrations, policies, purchases } from '@agentpay/core';
import type { Core, Principal } from '@agentpay/core';
import { simulatedChain, type SimulatedChain } from '@agentpay/evm';
import {
  createFacilitator,
  migrations as facilitatorMigrations,
  type RunningFacilitator,
} from '@agentpay/facilitator';
import { baseSepolia, radiusTestnet, systemRandom, type Db, type Network } from '@agentpay/primitives';
import type { FacilitatorRequest } from '@agentpay/protocol';
import { paymentChain } from '@agentpay/server';
import { pgDb, scratchDb } from '@agentpay/storage';
import { privateKeyToAccount } from 'viem/accounts';
import { SELLER, type Dialect, type Handle } from './dialectSellers.js';
import { localSellers, network, purchaseCore } from './purchaseCore.js';
import { clock, type ShiftedClock } from './shiftedClock.js';

export * from './dialectSellers.js';
export { network };
export const ASSET = 'USDC@base-sepolia';
const { asset: sbc, ...radius } = radiusTestnet;
/** Radius as the simulated chain knows networks, by their one token. */
const radiusWithSbc: Network = { ...radius, usdc: sbc, publicRpcUrl: 'https://radius.invalid' };
export const OPERATOR: Principal<'platform'> = {
  party: { id: 'platform', kind: 'platform' },
  scopes: [],
  credentialId: 'test',
};

/** An agent with a funded wallet. */
export interface Buyer {
  readonly principal: Principal;
  readonly id: string;
  readonly wallet: custody.CustodyWallet;
}

/** A core that buys on two chains in memory, Base Sepolia and Radius, with a facilitator that settles on both. */
export interface PurchaseBed {
  readonly core: Core;
  /** Of its database. */
  readonly url: string;
  readonly clock: ShiftedClock;
  readonly chain: SimulatedChain;
  /** Where SBC moves by Permit2 alone. */
  readonly radius: SimulatedChain;
  readonly facilitator: RunningFacilitator;
  /** The core again, as another process on the same database has it. */
  another(changed?: Partial<Pick<Core['ports'], 'sellers' | 'facilitator' | 'vault'>>, through?: Db): Core;
  /** @param dialect says on which chain its wallet is */
  buyer(funds?: bigint, rules?: readonly policies.RuleTerms[], dialect?: Dialect): Promise<Buyer>;
  /** Serves on this machine; gives the URL of /paid. */
  serve(handle: Handle): Promise<string>;
  /** Base units that the seller has. */
  paid(seller?: string): bigint;
  /** Works what is due until nothing is open any more. */
  settleAll(core?: Core): Promise<void>;
  /** The books are right, agree with the chain, and hold nothing. */
  expectSettled(): Promise<void>;
  close(): Promise<void>;
}

export async function purchaseBed(): Promise<PurchaseBed> {
  const server = process.env['DATABASE_URL'] as string;
  const [onBase, onRadius] = [await settled(baseSepolia), await settled(radiusWithSbc)];
  const { chain } = onBase;
  const facilitator = ofBoth(onBase.facilitator, onRadius.facilitator);
  const scratch = await scratchDb({ server, migrations });
  // Many buy at once: on a busy machine they wait for a connection, and for one another.
  const db = pgDb({ url: scratch.url, connectTimeoutMs: 300_000, lockTimeoutMs: 300_000 });
  const out = localSellers();
  const closing: (() => Promise<unknown>)[] = [];

  const chains = [
    paymentChain({ network, chain, confirmations: 1 }),
    paymentChain({ network: radiusTestnet, chain: onRadius.chain, confirmations: 1 }),
  ];
  const another: PurchaseBed['another'] = (changed = {}, through = db) => {
    const ports = { sellers: { fetchOut: out.fetchOut }, facilitator, ...changed };
    return purchaseCore({ db: through, clock, chains, ports });
  };
  const core = another();

  return {
    core,
    url: scratch.url,
    clock,
    chain,
    radius: onRadius.chain,
    facilitator,
    another,
    async buyer(funds = 1_000_000n, rules = [], dialect = 'x402v2') {
      const { agent } = await agents.create(core, { name: 'Buyer' });
      const on = dialect === 'permit2' ? radiusTestnet : network;
      const wallet = await db.tx((tx) =>
        custody.open(core, tx, { ownerId: agent.id, holder: agent.id, network: on.id }),
      );
      (on === network ? chain : onRadius.chain).mint(wallet.address, funds);
      for (const terms of rules)
        await policies.create(core, { principal: OPERATOR, partyId: agent.id, terms });
      const party = { id: agent.id, kind: 'agent' } as const;
      return { principal: { party, scopes: [], credentialId: 'key' }, id: agent.id, wallet };
    },
    async serve(handle) {
      const server = createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () =>
          handle(Object.assign(request, { body: Buffer.concat(chunks).toString() }), response),
        );
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      closing.push(() => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      });
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}/paid`;
    },
    paid: (seller = SELLER) =>
      chain.balanceOf(seller as `0x${string}`) + onRadius.chain.balanceOf(seller as `0x${string}`),
    async settleAll(worker = core) {
      for (let round = 0; round < 200; round++) {
        await db.query(
          `update purchases set next_attempt_at = $1 where next_attempt_at is not null and state <> 'requested'`,
          [new Date(clock.now() - 1)],
        );
        const open = await db.query(
          `select id from purchases where state in ('reserved', 'signed', 'delivered', 'refused', 'unknown')`,
        );
        if (open.length === 0) return;
        await purchases.work(worker, { limit: 100 });
      }
      throw new Error('Purchases do not end.');
    },
    async expectSettled() {
      expect(await ledger.verifyLedger(db)).toEqual([]);
      expect(await db.query(`select id from ledger_holds where state = 'open'`)).toEqual([]);
      for (const { wallet_id: walletId } of await db.query<{ wallet_id: string }>(
        'select wallet_id from custody_wallets',
      )) {
        const { available, held, onChain } = await custody.balanceOf(core, { walletId });
        expect({ available, held }).toEqual({ available: onChain, held: 0n });
      }
      const [wrong] = await db.query<{ count: bigint }>(
        `select count(*) as count from purchases p join payments t on t.id = p.transaction_id
         where (p.state = 'confirmed') <> (t.status = 'completed')`,
      );
      expect(wrong?.count).toBe(0n);
    },
    async close() {
      for (const end of closing) await end();
      await onBase.close();
      await onRadius.close();
      await out.close();
      await db.close();
      await scratch.close();
    },
  };
}

/** A chain in memory with a facilitator that settles there. */
async function settled(on: Network) {
  const chain = simulatedChain(clock, on);
  if (on !== baseSepolia) chain.deployPermit2();
  const stopMining = chain.mineEvery(10);
  const gasPayer = privateKeyToAccount(`0x${'6a'.repeat(32)}`);
  const db = await scratchDb({
    server: process.env['DATABASE_URL'] as string,
    migrations: facilitatorMigrations,
  });
  const facilitator = await createFacilitator({
    chain,
    db,
    network: on,
    accounts: [gasPayer],
    clock,
    random: systemRandom,
    maxValidBeforeSeconds: 3_600,
    pollMs: 10,
    // A bound on hanging: on a busy machine some seconds pass, and a seller that gives up has the proof sent again.
    settleTimeoutMs: 20_000,
  });
  return {
    chain,
    facilitator,
    async close() {
      stopMining();
      await facilitator.close();
      await db.close();
    },
  };
}

/** One facilitator that settles on both networks. */
function ofBoth(first: RunningFacilitator, second: RunningFacilitator): RunningFacilitator {
  const of = ({ paymentRequirements }: FacilitatorRequest) =>
    paymentRequirements.network === radiusTestnet.id ? second : first;
  return {
    ...first,
    verify: (request) => of(request).verify(request),
    settle: (request) => of(request).settle(request),
  };
}

export const textOf = ({ response }: purchases.Purchased): string => Buffer.from(response.body).toString();
