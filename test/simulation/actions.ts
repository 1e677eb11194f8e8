import { baseSepolia } from '@agentpay/primitives';
import type { Authorization } from '@agentpay/protocol';
import { transferCall, type Fault } from '@agentpay/evm';
import { buy, buyWithSame, payees, payers, randomAuthorization } from './Purchase.js';
import { crash, mine, pass, settle, startProcess, type World } from './World.js';

type Action = (world: World) => void | Promise<void>;

const MAX_PURCHASES = 12;
const seconds = ({ clock }: World) => Math.floor(clock.now() / 1000);

/** Something bought for the first time, paid with a new authorization or one that looks like another's. */
async function buySomething(world: World): Promise<void> {
  const { dice, purchases } = world;
  if (purchases.length >= MAX_PURCHASES) return;
  const label = `p${purchases.length}`;
  const purchase = await buy(label, randomAuthorization(dice, seconds(world)));
  purchases.push(purchase);
  settle(world, purchase);
}

function askAgain(world: World): void {
  const { dice, purchases } = world;
  if (purchases.length > 0) settle(world, dice.pick(purchases));
}

function askManyTimes(world: World): void {
  const { dice, purchases } = world;
  if (purchases.length === 0) return;
  const purchase = dice.pick(purchases);
  for (let copies = dice.between(2, 4); copies > 0; copies--) settle(world, purchase);
}

function payTwiceWithOne(world: World): void {
  const { dice, purchases } = world;
  if (purchases.length === 0 || purchases.length >= MAX_PURCHASES) return;
  const first = dice.pick(purchases);
  const purchase = buyWithSame(`p${purchases.length}, paid as ${first.label}`, first);
  purchases.push(purchase);
  settle(world, purchase);
}

async function reuseNonce(world: World): Promise<void> {
  const { dice, purchases } = world;
  if (purchases.length === 0 || purchases.length >= MAX_PURCHASES) return;
  const { label, authorization } = dice.pick(purchases);
  const { from, nonce } = authorization;
  const other: Authorization = { ...randomAuthorization(dice, seconds(world)), from, nonce };
  const purchase = await buy(`p${purchases.length}, nonce of ${label}`, other);
  purchases.push(purchase);
  settle(world, purchase);
}

async function verify({ dice, purchases, facilitator, tell }: World): Promise<void> {
  if (purchases.length === 0 || !facilitator) return;
  const { label, request } = dice.pick(purchases);
  tell(`verify ${label}`);
  facilitator.verify(request).catch((error: Error) => tell(`verify ${label}: ${error.message}`));
}

async function frontRun(world: World): Promise<void> {
  const { dice, purchases, tell } = world;
  if (purchases.length === 0) return;
  const { label, authorization, signature } = dice.pick(purchases);
  tell(`somebody broadcasts ${label}`);
  await mine(world, transferCall(baseSepolia.usdc.address, authorization, signature));
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

const faults: readonly Fault[] = [
  { on: 'send', kind: 'answer_lost' },
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
];

function misbehave({ dice, chain, tell }: World): void {
  const fault = dice.pick(faults);
  const times = dice.between(1, 4);
  chain.fault(fault, times);
  tell(`node: ${fault.on} ${fault.kind}, ${times} times`);
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

function dieSoon({ dice, life, tell }: World): void {
  if (!life) return;
  const step = dice.between(1, 12);
  const moment = dice.pick(['before', 'after'] as const);
  life.dieAt(step, moment);
  tell(`process will die ${moment} step ${step}`);
}

/** The clock of the machine is set anew: the facilitator and the chain disagree about the time. */
function setClock(world: World): void {
  world.skewMs = world.dice.chance(0.5) ? 0 : world.dice.between(-60_000, 60_000);
  world.tell(`facilitator's clock ${world.skewMs} ms ahead`);
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
  [8, askAgain],
  [3, askManyTimes],
  [5, payTwiceWithOne],
  [3, reuseNonce],
  [5, verify],
  [4, frontRun],
  [16, makeBlock],
  [4, reorganise],
  [10, misbehave],
  [3, losePool],
  [3, moveBalance],
  [3, block],
  [4, dieSoon],
  [2, crash],
  [2, setClock],
  [1, sleepLong],
  [17, (world) => pass(world, world.dice.between(50, 2_500))],
];
const lots = weighted.flatMap(([weight, action]) => Array.from({ length: weight }, () => action));

/** One thing that happens, and what follows from it at once. */
export async function act(world: World): Promise<void> {
  if (!world.facilitator && world.dice.chance(0.6)) await startProcess(world);
  await world.dice.pick(lots)(world);
  await world.activity.quiet();
}
