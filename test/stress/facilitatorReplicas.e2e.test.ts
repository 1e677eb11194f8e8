import type { Db } from '@agentpay/primitives';
import { startLocalChain, type LocalChain } from '@agentpay/dev';
import { pgDb } from '@agentpay/storage';
import { eventually, testDatabase, type TestDatabase } from '@agentpay/testing';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import {
  newAccount,
  paymentOf,
  readChain,
  startFacilitator,
  type FacilitatorNode,
} from './facilitatorNode.js';

describe('two facilitator processes on one PostgreSQL', () => {
  const keys = [generatePrivateKey(), generatePrivateKey()];
  const signers = keys.map((key) => privateKeyToAccount(key).address);
  const running: FacilitatorNode[] = [];
  let chain: LocalChain;
  let database: TestDatabase;
  let db: Db;

  beforeAll(async () => {
    [chain, database] = await Promise.all([startLocalChain({ blockTime: 0.2 }), testDatabase()]);
    db = pgDb({ url: database.url, max: 2 });
    for (const signer of signers) await chain.fund(signer, { eth: 10n ** 18n });
  });
  afterAll(async () => {
    await Promise.all(running.map((node) => node.kill()));
    await chain.close();
    await db.close();
    await database.drop();
  });

  async function start(): Promise<FacilitatorNode> {
    const node = await startFacilitator({
      RPC_URL: chain.rpcUrl,
      SIGNER_KEYS: keys.join(','),
      DATABASE_URL: database.url,
    });
    running.push(node);
    return node;
  }

  it('settle every payment once, also when one of them is killed in between', async () => {
    const replicas = [await start(), await start()] as const;
    const payer = newAccount();
    await chain.fund(payer.address, { usdc: 1_000_000n });
    const seller = newAccount().address;
    // Each has an account of its own once it has sent with it.
    for (const replica of replicas) {
      const request = await paymentOf(payer, seller);
      await eventually(async () => expect(await replica.settle(request)).toMatchObject({ success: true }));
    }
    const requests = await Promise.all(Array.from({ length: 40 }, () => paymentOf(payer, seller)));
    const [victim, survivor] = replicas;
    const first = requests.slice(0, 20).map((request) => victim.settle(request).catch(() => undefined));
    const other = requests.slice(20).map((request) => survivor.settle(request));
    await eventually(async () => {
      const [row] = await db.query<{ sent: bigint }>(
        `select count(*) as sent from facilitator_settlements where state <> 'claimed'`,
      );
      expect(row?.sent).toBeGreaterThan(2n);
    });
    await victim.kill();
    expect((await Promise.all(other)).filter(({ success }) => !success)).toEqual([]);
    await Promise.all(first);

    // What the killed one had begun is finished by the other, once it may take the account over.
    for (const request of requests) {
      await eventually(async () => expect(await survivor.settle(request)).toMatchObject({ success: true }));
    }
    expect(await readChain(chain).usdc(seller)).toBe(420_000n);
  }, 300_000);
});
