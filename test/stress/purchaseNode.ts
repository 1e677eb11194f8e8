import { createCore, purchases, vault, type Core } from '@agentpay/core';
import { viemChain } from '@agentpay/evm';
import { outbound } from '@agentpay/http';
import { baseSepolia, systemClock, systemRandom, usdcOn, type Db } from '@agentpay/primitives';
import { custodyKeys, paymentChain } from '@agentpay/server';
import { pgDb } from '@agentpay/storage';
import { memoryTracker } from '@agentpay/tracker';

/** How to reach what a purchase needs. */
export interface PurchaseNode {
  readonly databaseUrl: string;
  readonly rpcUrl: string;
  readonly agentId: string;
  readonly url: string;
  /** After how many effects on anything outside of it the process dies; absent: never. */
  readonly killAfter?: number;
}

/** A core that buys on a local chain; `around` sees every commit and every request to a seller. */
export function purchaseCore(
  { databaseUrl, rpcUrl }: Pick<PurchaseNode, 'databaseUrl' | 'rpcUrl'>,
  around: <T>(work: () => Promise<T>) => Promise<T> = (work) => work(),
): { core: Core; close(): Promise<void> } {
  const network = usdcOn(baseSepolia);
  const db = pgDb({ url: databaseUrl, max: 3 });
  const out = outbound({ clock: systemClock, allowHosts: ['127.0.0.1'] });
  const seen: Db = {
    ...db,
    query: (sql, params) => around(() => db.query(sql, params)),
    tx: (fn, options) => around(() => db.tx(fn, options)),
  };
  const core = createCore({
    db: seen,
    clock: systemClock,
    random: systemRandom,
    ports: {
      vault: vault.createVault([{ id: 'test', bytes: new Uint8Array(32).fill(7) }], systemRandom),
      custodyKeys: custodyKeys(new Uint8Array(32).fill(9)),
      chains: new Map([
        [network.id, paymentChain({ network, chain: viemChain({ rpcUrl }), confirmations: 1 })],
      ]),
      sellers: { fetchOut: (...call) => around(() => out.fetchOut(...call)) },
      tracker: memoryTracker(),
      rails: {},
      payouts: {},
    } as Partial<Core['ports']> as Core['ports'],
    settings: { identity: { pepper: 'pepper-of-the-test-pepper-of-the-test' } },
  });
  return {
    core,
    async close() {
      await out.close();
      await db.close();
    },
  };
}

/** The one request of these tests. */
export function buyOnce(core: Core, { agentId, url }: Pick<PurchaseNode, 'agentId' | 'url'>) {
  const party = { id: agentId, kind: 'agent' } as const;
  const principal = { party, scopes: [], credentialId: 'key' };
  return purchases.buy(core, { principal, url, idempotencyKey: 'once' });
}

const given = process.env['PURCHASE_NODE'];
if (given !== undefined) {
  const node = JSON.parse(given) as PurchaseNode;
  const { killAfter = Infinity } = node;
  let effects = 0;
  const { core, close } = purchaseCore(node, async (work) => {
    const result = await work();
    if (++effects >= killAfter) process.kill(process.pid, 'SIGKILL');
    return result;
  });
  await buyOnce(core, node);
  await close();
}
