import type { ChainFault } from '@agentpay/evm';
import { buy, payees, payers, rails, randomAuthorization, sign, type Signed } from './Purchase.js';
import { askAboutHolds, carryOut, orderSomething, placeHold, reclaimHold } from './Hold.js';
import type { DbFault } from './SimulatedDb.js';
import { mine, pass, settle, startProcess, type World } from './World.js';

type Action = (world: World) => void | Promise<void>;

const MAX_PURCHASES = 12;
const seconds = ({ clock }: World) => Math.floor(clock.now() / 1000);

/** Buys and asks for settlement at once. */
function place(world: World, label: string, signed: Signed): void {
  const amount = amountOf(world, signed.authorization.value, signed.rail);
  const purchase = buy(`p${world.purchases.length} ${label}`, signed, amount);
  world.purchases.push(purchase);
  settle(world, purchase);
}

/** Something bought for the first time, paid with a new authorization. */
async function buySomething(world: World): Promise<void> {
  const { dice, purchases } = world;
  if (purchases.length >= MAX_PURCHASES) return;
  const rail = dice.chance(0.5) ? 'eip3009' : dice.pick(rails);
  const signed = await sign(rail, randomAuthorization(dice, seconds(world)));
  place(world, `by ${rail}`, signed);
}

/** What is due: of `upto` anything up to the ceiling. */
function amountOf({ dice }: World, ceiling: bigint, rail: string): bigint {
  return rail === 'upto' ? BigInt(dice.between(1, Number(ceiling))) : ceiling;
}

function askAgain(world: World): void {
  const { dice, purchases } = world;
  if (purchases.length > 0) settle(world, dice.pick(purchases));
}

function askManyTimes(world: World): void {
  const { dice, purchases } = world;
  if (purchases.length === 0) return;
  const purchase = dice.pick(purchases);
  for (let replicas = dice.between(2, 4); replicas > 0; replicas--) settle(world, purchase);
}

function payTwiceWithOne(world: World): void {
  const { dice, purchases } = world;
  if (purchases.length === 0 || purchases.length >= MAX_PURCHASES) return;
  const { label, signed } = dice.pick(purchases);
  place(world, `paid as ${label}`, signed);
}

async function reuseNonce(world: World): Promise<void> {
  const { dice, purchases } = world;
  if (purchases.length === 0 || purchases.length >= MAX_PURCHASES) return;
  const { label, signed } = dice.pick(purchases);
  const { from, nonce } = signed.authorization;
  const other = await sign(signed.rail, { ...randomAuthorization(dice, seconds(world)), from, nonce });
  place(world, `nonce of ${label}`, other);
}

async function verify({ dice, purchases, replicas, tell }: World): Promise<void> {
  if (purchases.length === 0 || replicas.length === 0) return;
  const { label, request } = dice.pick(purchases);
  tell(`verify ${label}`);
  dice
    .pick(replicas)
    .facilitator.verify(request)
    .catch((error: Error) => tell(`verify ${label}: ${error.message}`));
}

async function frontRun(world: World): Promise<void> {
  const { dice, purchases, tell } = world;
  if (purchases.length === 0) return;
  const { label, signed } = dice.pick(purchases);
  if (!signed.call) return;
  tell(`somebody broadcasts ${label}`);
  await mine(world, signed.call);
}

async function makeBlock(world: World): Promise<void> {
  await mine(world);
  world.tell('block');
}

/** No block is taken back that has the confirmations asked for, whether all at once or one after another. */
function reorganise(world: World): void {
  const { dice, chain, confirmations, tell } = world;
  const open = world.height - (world.highest - confirmations + 1);
  const depth = dice.between(0, Math.min(open, world.height));
  chain.reorg(depth);
  world.height -= depth;
  tell(`${depth} blocks taken back`);
}

const faults: readonly ChainFault[] = [
  { on: 'send', kind: 'response_lost' },
  { on: 'send', kind: 'unreachable' },
  { on: 'send', kind: 'refused' },
  { on: 'send', kind: 'nonce_too_low' },
  { on: 'send', kind: 'underpriced' },
  { on: 'receipts', kind: 'missing' },
  { on: 'receipts', kind: 'invented' },
  { on: 'receipts', kind: 'unreachable' },
  { on: 'read', kind: 'unreachable' },
  { on: 'block', kind: 'unreachable' },
  { on: 'fees', kind: 'unreachable' },
  { on: 'transactionCount', kind: 'unreachable' },
  { on: 'authorizationUse', kind: 'unreachable' },
  { on: 'transactionsWith', kind: 'unreachable' },
  { on: 'simulate', kind: 'unreachable' },
];

function misbehave({ dice, chain, tell }: World): void {
  const fault = dice.pick(faults);
  const times = dice.between(1, 4);
  chain.fault(fault, times);
  tell(`node: ${fault.on} ${fault.kind}, ${times} times`);
}

const dbFaults: readonly DbFault[] = [
  { on: 'query', kind: 'failed' },
  { on: 'query', kind: 'response_lost' },
  { on: 'tx', kind: 'failed' },
  { on: 'tx', kind: 'response_lost' },
];

function breakDatabase({ dice, db, tell }: World): void {
  const fault = dice.pick(dbFaults);
  const times = dice.between(1, 3);
  db.fault(fault, times);
  tell(`database: ${fault.on} ${fault.kind}, ${times} times`);
}

function losePool({ chain, tell }: World): void {
  chain.forgetPool();
  tell('node forgets its pool');
}

function moveBalance({ dice, chain, tell }: World): void {
  const { address } = dice.pick(payers);
  const held = Number(chain.balanceOf(address));
  const change = dice.chance(0.5) ? -dice.between(0, held) : dice.between(1, 100);
  chain.mint(address, BigInt(change));
  tell(`payer ${address.slice(0, 6)} has ${change} more`);
}

function block({ dice, chain, tell }: World): void {
  const account = dice.pick([...payers.map(({ address }) => address), ...payees]);
  const blacklisted = dice.chance(0.4);
  chain.setBlacklisted(account, blacklisted);
  tell(`${account.slice(0, 6)} ${blacklisted ? 'blacklisted' : 'free'}`);
}

function dieSoon({ dice, replicas, tell }: World): void {
  if (replicas.length === 0) return;
  const { name, life } = dice.pick(replicas);
  const step = dice.between(1, 12);
  const moment = dice.pick(['before', 'after'] as const);
  life.dieAt(step, moment);
  tell(`${name} will die ${moment} step ${step}`);
}

function crash({ dice, replicas }: World): void {
  if (replicas.length > 0) dice.pick(replicas).life.kill();
}

/** A process stands still, perhaps until others have taken it for dead, or goes on. */
function sleepOrWake({ dice, replicas, tell }: World): void {
  if (replicas.length === 0) return;
  const { name, life } = dice.pick(replicas);
  tell(`${name} ${life.asleep ? 'wakes' : 'sleeps'}`);
  if (life.asleep) life.wake();
  else life.sleep();
}

/** The clock of the machine is set anew: the facilitators and the chain disagree about the time. */
function setClock(world: World): void {
  world.skewMs = world.dice.chance(0.5) ? 0 : world.dice.between(-60_000, 60_000);
  world.tell(`facilitators' clock ${world.skewMs} ms ahead`);
}

/** The machine slept: much time passes at once. */
async function sleepLong(world: World): Promise<void> {
  const ms = world.dice.between(5_000, 60_000);
  world.tell(`${ms} ms at once`);
  world.clock.advance(ms);
  await world.activity.quiet();
}

const weighted: readonly (readonly [number, Action])[] = [
  [14, buySomething],
  [8, placeHold],
  [14, orderSomething],
  [5, askAboutHolds],
  [2, carryOut],
  [2, reclaimHold],
  [8, ({ market }) => market.buy()],
  [5, ({ market }) => market.sendAgain()],
  [3, ({ market }) => market.carryElsewhere()],
  [4, ({ market }) => market.hangUp()],
  [2, ({ market }) => market.cancel()],
  [2, ({ market }) => market.useNonceElsewhere()],
  [2, ({ market }) => market.broadcast()],
  [4, ({ market }) => market.changeAbsence()],
  [8, askAgain],
  [3, askManyTimes],
  [5, payTwiceWithOne],
  [3, reuseNonce],
  [5, verify],
  [4, frontRun],
  [16, makeBlock],
  [4, reorganise],
  [10, misbehave],
  [4, breakDatabase],
  [3, losePool],
  [3, moveBalance],
  [3, block],
  [4, dieSoon],
  [2, crash],
  [3, sleepOrWake],
  [2, setClock],
  [1, sleepLong],
  [17, (world) => pass(world, world.dice.between(50, 2_500))],
];
const lots = weighted.flatMap(([weight, action]) => Array.from({ length: weight }, () => action));

/** One thing that happens, and what follows from it at once. */
export async function act(world: World): Promise<void> {
  if (world.replicas.length < world.replicasWanted && world.dice.chance(0.6)) await startProcess(world);
  await world.dice.pick(lots)(world);
  await world.activity.quiet();
}
