import { baseSepolia, manualClock, type Clock, type Db, type ManualClock } from '@agentpay/primitives';
import { AGREEMENT_OPERATOR, PERMIT2 } from '@agentpay/protocol';
import { simulatedChain, type Call, type SimulatedChain } from '@agentpay/evm';
import { createFacilitator, type RunningFacilitator } from '@agentpay/facilitator';
import { createActivity, type Activity } from './Activity.js';
import { createDice, type Dice } from './Dice.js';
import type { EscrowBook } from './EscrowBook.js';
import { createLife, type Life } from './Life.js';
import { createMarket, type Market } from './Market.js';
import { gasAccounts, payers, type Purchase } from './Purchase.js';
import { simulatedDb, type SimulatedDb } from './SimulatedDb.js';

/** Monday, 20 October 2025, 12:00 UTC: any fixed moment serves. */
const START_MS = 1_760_961_600_000;
const TICK_MS = 50;
const LEASE_MS = 10_000;
const TABLES = ['settlements', 'transactions', 'signers', 'replicas'].map((name) => `facilitator_${name}`);

/** A process of the facilitator. */
export interface Replica {
  readonly name: string;
  readonly life: Life;
  readonly facilitator: RunningFacilitator;
}

/** One simulated history: a chain, a database, and facilitator processes, one after another or side by side. */
export interface World {
  readonly dice: Dice;
  readonly chain: SimulatedChain;
  readonly db: SimulatedDb;
  readonly activity: Activity;
  readonly clock: ManualClock;
  readonly confirmations: number;
  readonly purchases: Purchase[];
  /** What was held in the escrow, and what was ordered about it. */
  readonly escrow: EscrowBook;
  /** Sellers behind paywalls, which use the facilitators. */
  readonly market: Market;
  /** What nobody caught: it would end the process of a seller. */
  readonly uncaught: unknown[];
  /** What happened, in words, for whoever has to understand a failure. */
  readonly story: string[];
  /** Processes that should run. */
  readonly replicasWanted: number;
  /** Those that run. */
  replicas: readonly Replica[];
  /** Processes started so far. */
  started: number;
  /** Number of the latest block. */
  height: number;
  /** Highest that `height` ever was. */
  highest: number;
  /** The facilitators' clock is ahead of the chain's by this, ms. */
  skewMs: number;
  tell(what: string): void;
}

export async function openWorld(seed: number, db: Db): Promise<World> {
  const dice = createDice(seed);
  const clock = manualClock(START_MS);
  const chain = simulatedChain(clock);
  chain.deployPermit2();
  chain.deployEscrow(AGREEMENT_OPERATOR);
  for (const { address } of payers) {
    chain.mint(address, BigInt(dice.between(20, 200)));
    chain.approve(address, PERMIT2, BigInt(dice.between(20, 400)));
  }
  await db.exec(TABLES.map((table) => `delete from ${table};`).join(' '));
  const story: string[] = [];
  const world: World = {
    get market() {
      return market;
    },
    uncaught: [],
    dice,
    chain,
    db: simulatedDb(db, clock),
    activity: createActivity(),
    clock,
    confirmations: dice.between(1, 3),
    purchases: [],
    escrow: { holds: [], orders: [] },
    story,
    replicasWanted: dice.chance(1 / 6) ? 2 : 1,
    replicas: [],
    started: 0,
    height: 0,
    highest: 0,
    skewMs: 0,
    tell: (what) => void story.push(`${((clock.now() - START_MS) / 1000).toFixed(2)} s: ${what}`),
  };
  const market = createMarket(world);
  world.tell(`${world.confirmations} confirmations, ${world.replicasWanted} replicas`);
  return world;
}

/** Starts a process, which fails when node or database do; gives whether it runs. */
export async function startProcess(world: World): Promise<boolean> {
  const name = `process ${(world.started += 1)}`;
  const skewed: Clock = { ...world.clock, now: () => world.clock.now() + world.skewMs };
  const life = createLife({ ...world, clock: skewed });
  const starting = createFacilitator({
    ...life,
    network: baseSepolia,
    random: world.dice.random,
    accounts: gasAccounts,
    escrow: { operator: AGREEMENT_OPERATOR },
    ...(world.replicasWanted > 1 && { leaseMs: LEASE_MS }),
    repairEveryMs: world.replicasWanted * 1_000,
    confirmations: world.confirmations,
    maxValidBeforeSeconds: 600,
    maxBatch: 3,
    pollMs: 200,
    batchWindowMs: 40,
    settleTimeoutMs: 4_000,
    bumpAfterMs: 5_000,
    onError: (what, error) => world.tell(`  ${name}, ${what}: ${(error as Error).message}`),
  });
  const facilitator = await soon(world, starting);
  if (!facilitator) life.kill();
  else world.replicas = [...world.replicas, { name, life, facilitator }];
  world.tell(facilitator ? `${name} up, ${facilitator.resumed} taken up` : `${name} does not come up`);
  return facilitator !== undefined;
}

/** The value if it comes without waiting for time to pass; undefined when it rejects or takes longer. */
async function soon<T>({ activity }: World, value: Promise<T>): Promise<T | undefined> {
  let found: T | undefined;
  value.then(
    (result) => (found = result),
    () => undefined,
  );
  await activity.quiet();
  return found;
}

/** Lets time pass; everybody does what they can at every tick. */
export async function pass(world: World, ms: number, tickMs = TICK_MS): Promise<void> {
  for (let left = ms; left > 0; left -= tickMs) {
    world.clock.advance(Math.min(tickMs, left));
    await world.activity.quiet();
  }
}

/** Makes a block of what waits, or of somebody else's call and what waits. */
export async function mine(world: World, call?: Call): Promise<void> {
  await (call ? world.chain.act(call) : world.chain.mine());
  world.height += 1;
  world.highest = Math.max(world.highest, world.height);
}

/** Forgets processes that have died; what their callers were waiting for never comes. */
export function noteDeaths(world: World): void {
  for (const { name, life } of world.replicas) if (life.dead) world.tell(`${name} died`);
  world.replicas = world.replicas.filter(({ life }) => !life.dead);
}

/** Asks a process for settlement and keeps the response, when there is one, with the purchase. */
export function settle(
  world: World,
  purchase: Pick<Purchase, 'label' | 'request' | 'answer' | 'open'>,
): void {
  if (world.replicas.length === 0) return;
  const { name, facilitator } = world.dice.pick(world.replicas);
  purchase.open += 1;
  world.tell(`settle ${purchase.label} by ${name}`);
  facilitator.settle(purchase.request).then(
    (answer) => {
      purchase.open -= 1;
      if (answer.success) purchase.answer = 'settled';
      else purchase.answer = answer.errorReason === 'settlement_pending' ? 'pending' : 'refused';
      world.tell(
        `${purchase.label} ${purchase.answer} ${answer.errorReason ?? ''} ${answer.transaction.slice(0, 10)}`,
      );
    },
    (error: Error) => {
      purchase.open -= 1;
      const final = /nothing was sent|not taken/.test(error.message);
      if (purchase.answer !== 'settled') purchase.answer = final ? 'refused' : 'pending';
      world.tell(`${purchase.label} not taken: ${error.message}`);
    },
  );
}
