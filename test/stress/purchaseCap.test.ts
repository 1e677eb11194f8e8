import { custody, purchases, type Core } from '@agentpay/core';
import { simulatedChain } from '@agentpay/evm';
import { baseSepolia, usdcOn, type Db, type Network } from '@agentpay/primitives';
import { paymentChain } from '@agentpay/server';
import { pgDb } from '@agentpay/storage';
import {
  askV2,
  honestSeller,
  offerV2,
  proofIn,
  purchaseBed,
  type Asked,
  type Buyer,
  type PurchaseBed,
} from '../flows/purchaseBed.js';

/** $150 a day, whatever happens at once: ten instances, two assets, a restart in the middle, a hundred payments. */
const CAP = 150_000_000n;
const AMOUNT = 2_345_678n;

const second: Network = {
  ...baseSepolia,
  id: 'eip155:99901',
  name: 'second-test',
  chainId: 99_901,
  usdc: { ...baseSepolia.usdc, symbol: 'SBC', address: '0x36CbD53842c5426634e7929541eC2318f3dCF7e0' },
};

let bed: PurchaseBed;
let ports: Partial<Core['ports']>;
const opened: Db[] = [];
const otherChain = () => simulatedChain(bed.clock, second);

beforeAll(async () => {
  bed = await purchaseBed();
});
afterAll(async () => {
  for (const db of opened) await db.close();
  await bed.close();
});

/** An instance with connections of its own. */
function instance(): { core: Core; db: Db } {
  const db = pgDb({ url: bed.url, max: 3 });
  opened.push(db);
  return { core: bed.another(ports, db), db };
}

/** An agent that may spend the cap, with money in both assets. */
async function cappedBuyer(): Promise<Buyer> {
  const chain = otherChain();
  const chains = new Map([
    ...bed.core.ports.chains,
    [second.id, paymentChain({ network: usdcOn(second), chain, confirmations: 1 })] as const,
  ]);
  ports = { chains };
  const buyer = await bed.buyer(2n * CAP, [{ kind: 'daily', amount: CAP }]);
  const core = bed.another(ports);
  const wallet = await core.db.tx((tx) =>
    custody.open(core, tx, { ownerId: buyer.id, holder: buyer.id, network: second.id }),
  );
  chain.mint(wallet.address, 2n * CAP);
  return buyer;
}

/** A seller in the second asset that takes the proofs and tells no chain of them: they count as long as they are valid. */
const keeper = (asked: Asked) =>
  bed.serve((request, response) => {
    if (proofIn(request)) return response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    return askV2(response, [
      offerV2({
        ...asked,
        networkId: second.id,
        asset: second.usdc.address,
        extra: { ...second.usdc.eip712 },
      }),
    ]);
  });

const honest = (asked: Asked) => bed.serve(honestSeller(bed.facilitator, 'x402v2', asked).handle);

/** Everything that was paid or may be paid, in whichever asset. */
async function mayBePaid({ id }: Buyer): Promise<bigint> {
  const [row] = await bed.core.db.query<{ sum: string }>(
    `select coalesce(sum((terms->>'amount')::numeric), 0)::text as sum from purchases
     where party_id = $1 and state not in ('requested', 'quoted', 'rejected', 'released')`,
    [id],
  );
  return BigInt(row?.sum ?? 0);
}

it('never one micro-unit over, and the last one can be spent', async () => {
  const buyer = await cappedBuyer();
  const sellers = [await honest({ amount: AMOUNT }), await keeper({ amount: AMOUNT })];
  const instances = Array.from({ length: 10 }, instance);
  const seen: bigint[] = [];
  let [ended, restarted] = [0, false];

  async function pay(n: number): Promise<unknown> {
    const { core } = instances[n % 10] as (typeof instances)[number];
    const url = sellers[n % 2] as string;
    const outcome = await purchases
      .buy(core, { principal: buyer.principal, url, idempotencyKey: `payment ${n}` })
      .then(
        () => 'paid',
        (error: unknown) => (error as { reason?: string }).reason ?? 'lost',
      );
    seen.push(await mayBePaid(buyer));
    if (++ended >= 20 && !restarted) {
      restarted = true;
      // Half of the instances end in the middle of whatever they do, and others take their places.
      const going = instances.splice(0, 5);
      instances.unshift(...Array.from({ length: 5 }, instance));
      await Promise.all(going.map(({ db }) => db.close()));
    }
    return outcome;
  }

  const outcomes = await Promise.all(Array.from({ length: 100 }, (_, n) => pay(n)));
  expect(outcomes).toContain('paid');
  expect(outcomes).toContain('daily_limit');
  for (const sum of seen) expect(sum).toBeLessThanOrEqual(CAP);

  // What was left undone is given back; then there is room for exactly the rest.
  const { core } = instances[0] as (typeof instances)[number];
  bed.clock.shift(41_000);
  await purchases.work(core, { limit: 100 });
  for (let turn = 0; turn < 100; turn++) {
    const left = CAP - (await mayBePaid(buyer));
    if (left === 0n) break;
    const amount = left < AMOUNT ? left : AMOUNT;
    await purchases.buy(core, { principal: buyer.principal, url: await honest({ amount }) });
  }
  expect(await mayBePaid(buyer)).toBe(CAP);
  for (const url of [await honest({ amount: 1n }), await keeper({ amount: 1n })])
    await expect(purchases.buy(core, { principal: buyer.principal, url })).rejects.toMatchObject({
      reason: 'daily_limit',
    });
}, 120_000);
