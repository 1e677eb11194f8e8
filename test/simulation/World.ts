import { baseSepolia, manualClock, type Clock, type Db, type ManualClock } from '@agentpay/primitives';
import { simulatedChain, type Call, type SimulatedChain } from '@agentpay/evm';
import { createFacilitator, type RunningFacilitator } from '@agentpay/facilitator';
import { createActivity, type Activity } from './Activity.js';
import { createDice, type Dice } from './Dice.js';
import { createLife, type Life } from './Life.js';
import { gasAccounts, payers, type Purchase } from './Purchase.js';

/** Monday, 20 October 2025, 12:00 UTC: any fixed moment serves. */
const START_MS = 1_760_961_600_000;
const TICK_MS = 50;

/** One simulated history: a chain, a database, and one facilitator process after another. */
export interface World {
  readonly dice: Dice;
  readonly chain: SimulatedChain;
  readonly db: Db;
  readonly activity: Activity;
  readonly clock: ManualClock;
  readonly confirmations: number;
  readonly purchases: Purchase[];
  /** What happened, in words, for whoever has to understand a failure. */
  readonly story: string[];
  /** Number of the latest block. */
  height: number;
  /** Highest that `height` ever was. */
  highest: number;
  /** The facilitator's clock is ahead of the chain's by this, ms. */
  skewMs: number;
  life: Life | undefined;
  facilitator: RunningFacilitator | undefined;
  tell(what: string): void;
}

export async function openWorld(seed: number, db: Db): Promise<World> {
  const dice = createDice(seed);
  const clock = manualClock(START_MS);
  const chain = simulatedChain(clock);
  for (const { address } of payers) chain.mint(address, BigInt(dice.between(20, 200)));
  await db.exec('delete from facilitator_settlements; delete from facilitator_transactions');
  const story: string[] = [];
  const world: World = {
    dice,
    chain,
    db,
    activity: createActivity(),
    clock,
    confirmations: dice.between(1, 3),
    purchases: [],
    story,
    height: 0,
    highest: 0,
    skewMs: 0,
    life: undefined,
    facilitator: undefined,
    tell: (what) => void story.push(`${((clock.now() - START_MS) / 1000).toFixed(2)} s: ${what}`),
  };
  world.tell(`${world.confirmations} confirmations`);
  return world;
}

/** Starts a process, which fails when the node does; gives whether it runs. */
export async function startProcess(world: World): Promise<boolean> {
  const skewed: Clock = { ...world.clock, now: () => world.clock.now() + world.skewMs };
  const life = createLife({ ...world, clock: skewed });
  const starting = createFacilitator({
    ...life,
    network: baseSepolia,
    random: world.dice.random,
    accounts: gasAccounts,
    confirmations: world.confirmations,
    maxValidBeforeSeconds: 600,
    maxBatch: 3,
    pollMs: 200,
    batchWindowMs: 40,
    settleTimeoutMs: 4_000,
    bumpAfterMs: 5_000,
    repairEveryMs: 1_000,
    onError: (what, error) => world.tell(`  ${what}: ${(error as Error).message}`),
  });
  const facilitator = await soon(world, starting);
  if (facilitator === undefined) life.kill();
  world.life = facilitator && life;
  world.facilitator = facilitator;
  world.tell(facilitator ? `process up, ${facilitator.resumed} taken up` : 'process does not come up');
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

export function crash(world: World): void {
  world.life?.kill();
  noteDeath(world);
}

/** Forgets a process that has died; what its callers were waiting for never comes. */
export function noteDeath(world: World): void {
  if (!world.life?.dead) return;
  world.life = undefined;
  world.facilitator = undefined;
  world.tell('process died');
}

/** Asks for settlement and keeps the answer, when there is one, with the purchase. */
export function settle(world: World, purchase: Purchase): void {
  const { facilitator, life } = world;
  if (!facilitator || !life) return;
  purchase.open += 1;
  world.tell(`settle ${purchase.label}`);
  facilitator.settle(purchase.request).then(
    (answer) => {
      purchase.open -= 1;
      if (answer.success) purchase.answer = 'settled';
      else purchase.answer = answer.errorReason === 'settlement_pending' ? 'pending' : 'refused';
      world.tell(`${purchase.label} ${purchase.answer} ${answer.errorReason ?? ''} ${answer.transaction.slice(0, 10)}`);
    },
    (error: Error) => {
      purchase.open -= 1;
      const final = /nothing was sent|not taken/.test(error.message);
      if (purchase.answer !== 'settled') purchase.answer = final ? 'refused' : 'pending';
      world.tell(`${purchase.label} not taken: ${error.message}`);
    },
  );
}
