import type { Db } from '@agentpay/primitives';
import { act } from './actions.js';
import { checkHolds } from './Hold.js';
import { checkAlways, checkEnd, checkRefusals } from './invariants.js';
import { Violation } from './Violation.js';
import { mine, noteDeaths, openWorld, pass, settle, startProcess, type World } from './World.js';

const STEPS = 60;
/** Longer than any authorization lives, and a repair takes. */
const END_SECONDS = 150;

/** What a history was made of. */
export interface History {
  readonly purchases: number;
  readonly settled: number;
  readonly transfers: number;
  /** Holds that were made, and orders that were carried out. */
  readonly holds: number;
  readonly orders: number;
  /** What happened, in words. */
  readonly story: readonly string[];
}

/**
 * Plays one random history and checks it.
 * @throws Error with the seed and the story, when the facilitator broke a promise
 */
export async function simulate(seed: number, db: Db): Promise<History> {
  const world = await openWorld(seed, db);
  const note = (error: unknown) => void world.uncaught.push(error);
  process.on('uncaughtException', note).on('unhandledRejection', note);
  try {
    await live(world);
    await recover(world);
    await checkEnd(world);
  } catch (error) {
    throw new Error(`SEED=${seed}: ${(error as Error).message}\n${world.story.join('\n')}`, { cause: error });
  } finally {
    for (const { life } of world.replicas) life.kill();
    await world.activity.quiet();
    process.off('uncaughtException', note).off('unhandledRejection', note);
  }
  const settled = settledIn(world.purchases);
  return {
    purchases: world.purchases.length,
    settled,
    transfers: world.chain.transfers().length,
    holds: settledIn(world.escrow.holds),
    orders: settledIn(world.escrow.orders),
    story: world.story,
  };
}

function settledIn(asked: readonly { readonly answer: string }[]): number {
  return asked.filter(({ answer }) => answer === 'settled').length;
}

async function live(world: World): Promise<void> {
  await startProcess(world);
  for (let step = 0; step < STEPS; step++) {
    await act(world);
    noteDeaths(world);
    checkAlways(world);
    checkHolds(world);
  }
}

/** Faults stop, a process runs, blocks come, every authorization ends; then everybody asks once more. */
async function recover(world: World): Promise<void> {
  world.chain.heal();
  world.db.heal();
  world.skewMs = 0;
  world.tell('faults stop');
  for (const { life } of world.replicas) {
    // A death that was still to come would be a fault as well.
    life.dieAt(Infinity, 'before');
    life.wake();
  }
  if (world.replicas.length === 0 && !(await startProcess(world)))
    throw new Violation('it does not start on a healthy chain');
  world.market.settleDown();
  await passWithBlocks(world, END_SECONDS);
  await checkRefusals(world);
  for (const purchase of [...world.purchases, ...world.escrow.holds, ...world.escrow.orders]) {
    settle(world, purchase);
    await pass(world, 100);
  }
  await passWithBlocks(world, 10);
}

async function passWithBlocks(world: World, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await pass(world, 1_000, 250);
    await mine(world);
  }
  await world.activity.quiet();
  checkAlways(world);
}
