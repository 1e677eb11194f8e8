import { ledger, payouts, type Core } from '@agentpay/core';
import { seededRandom } from '@agentpay/primitives';
import type { ManualClock } from '@agentpay/primitives';
import { eventually } from '@agentpay/testing';
import fc from 'fast-check';
import { fund, money, ownDb, signedIn, testCore, type SignedIn } from '../flows/market.js';
import { contradictions } from '../stress/books.js';
import { command, kindOf, playSequences } from './play.js';
import {
  behaviours,
  heardOf,
  outside,
  RETURN_DAYS,
  scriptedConnector,
  treated,
  type AtRail,
  type Behaviour,
} from './scriptedRail.js';

const FUNDS = 10_000n;
const CLAIM_MS = 120_000;
const MAX_WAIT_MS = 600_000;
const FIRST_LOOK_MS = 60_000;
const DAY_MS = 86_400_000;

// ---- the model

interface ModelPayout {
  readonly id: string;
  readonly amount: bigint;
  status: payouts.PayoutStatus;
  attempts: number;
  next: number | null;
  claimedUntil: number | null;
  atRail: AtRail;
  endedAt: number | null;
  events: string[];
}
/** The connector was asked by an instance that has heard nothing yet. */
interface Unanswered {
  readonly payout: ModelPayout;
  readonly attempts: number;
}
interface Model {
  now: number;
  available: bigint;
  held: bigint;
  clearing: bigint;
  payouts: ModelPayout[];
  unanswered: Unanswered[];
}

const dueIn = ({ payouts: all, now }: Model) =>
  all.filter(
    ({ next, claimedUntil }) =>
      next !== null && next <= now && (claimedUntil === null || claimedUntil <= now),
  );

type End = 'completed' | 'failed' | 'canceled' | 'returned';

function end(model: Model, payout: ModelPayout, status: End): void {
  const next = status === 'completed' ? model.now + FIRST_LOOK_MS : null;
  Object.assign(payout, { status, next, claimedUntil: null, endedAt: model.now });
  payout.events.push(`payout.${status}`);
  if (status === 'canceled') model.held -= payout.amount;
  else if (status !== 'returned') model.clearing -= payout.amount;
  if (status !== 'completed') model.available += payout.amount;
}

/** What has arrived is looked at. */
function look(model: Model, payout: ModelPayout): void {
  if (bank.back.has(payout.id)) return end(model, payout, 'returned');
  const lookedMs = model.now - (payout.endedAt as number);
  const isOver = lookedMs >= RETURN_DAYS * DAY_MS;
  payout.next = isOver ? null : model.now + Math.min(Math.max(lookedMs, FIRST_LOOK_MS), DAY_MS);
  payout.claimedUntil = null;
}

function hear(model: Model, payout: ModelPayout, heard: AtRail): void {
  if (heard === 'paid' || heard === 'refused')
    return end(model, payout, heard === 'paid' ? 'completed' : 'failed');
  payout.next = model.now + Math.min(MAX_WAIT_MS, 1_000 * 2 ** (payout.attempts - 1));
  payout.claimedUntil = null;
}

// ---- the real thing

interface Real {
  readonly owner: SignedIn;
  /** Instances that died in the middle of asking the connector. */
  readonly dead: Promise<unknown>[];
}

const seen = new Set<string>();
const bank = outside();
let core: Core;
let clock: ManualClock;

const KEPT = `select id, status, attempts, next_at as next, claimed_until as "claimedUntil",
  (select array_agg(type order by sequence) from events where subject = payouts.id) as events
  from payouts where owner_id = $1`;

async function expectSame(model: Model, { owner }: Real): Promise<void> {
  expect(await money(core, owner)).toEqual({ available: model.available, held: model.held });
  const clearing = await ledger.accountTotal(core.db, { account: ledger.PAYOUT_CLEARING, asset: 'USD' });
  expect(clearing).toBe(model.clearing);
  const kept = await core.db.query<Record<string, unknown>>(KEPT, [owner.agent.id]);
  const at = (time: unknown) => (time as Date | null)?.getTime() ?? null;
  const shown = kept.map((row) => ({
    ...row,
    next: at(row['next']),
    claimedUntil: at(row['claimedUntil']),
  }));
  const expected = model.payouts.map(
    ({ amount: _amount, atRail: _atRail, endedAt: _ended, ...rest }) => rest,
  );
  expect(shown).toHaveLength(expected.length);
  expect(shown).toEqual(expect.arrayContaining(expected));
  for (const { id, atRail } of model.payouts) expect(bank.books.get(id) ?? 'unsent').toBe(atRail);
  model.payouts.forEach(({ status }) => seen.add(status));
}

const create = (amount: bigint) =>
  command<Model, Real>(`pay out ${amount}`, async (model, real) => {
    const { principal, walletId } = real.owner;
    const destination = { type: 'stripe', accountId: 'acct_1' } as const;
    const covered = amount <= model.available;
    const creating = payouts.create(core, { principal, fromWalletId: walletId, amount, destination });
    expect(await kindOf(creating)).toBe(covered ? undefined : 'insufficient_funds');
    if (covered) {
      const { id } = await creating;
      model.available -= amount;
      model.held += amount;
      const fresh = {
        status: 'pending',
        attempts: 0,
        claimedUntil: null,
        atRail: 'unsent',
        endedAt: null,
      } as const;
      model.payouts.push({ id, amount, ...fresh, next: model.now, events: ['payout.created'] });
    }
    await expectSame(model, real);
  });

const cancel = (pick: number) =>
  command<Model, Real>(
    `cancel ${pick}`,
    async (model, real) => {
      const payout = model.payouts[pick % model.payouts.length] as ModelPayout;
      const { principal } = real.owner;
      const may = payout.status === 'pending' || payout.status === 'canceled';
      const canceling = payouts.cancel(core, { principal, payoutId: payout.id });
      expect(await kindOf(canceling)).toBe(may ? undefined : 'payout_wrong_state');
      if (payout.status === 'pending') end(model, payout, 'canceled');
      await expectSame(model, real);
    },
    (model) => model.payouts.length > 0,
  );

/** Claims what is due, and has the connector treat it as the script says. */
function ask(model: Model, script: readonly Behaviour[]): ModelPayout[] {
  const due = dueIn(model);
  for (const [n, payout] of due.entries()) {
    const behaviour = script[n % script.length] as Behaviour;
    bank.script.set(payout.id, behaviour);
    payout.attempts++;
    if (payout.status === 'completed') continue;
    if (payout.status === 'pending') {
      model.held -= payout.amount;
      model.clearing += payout.amount;
    }
    payout.status = 'processing';
    payout.atRail = treated(payout.atRail, behaviour);
  }
  return due;
}

const work = (script: readonly Behaviour[]) =>
  command<Model, Real>(`work ${script.join()}`, async (model, real) => {
    for (const payout of ask(model, script))
      if (payout.status === 'completed') look(model, payout);
      else hear(model, payout, heardOf(payout.atRail, bank.script.get(payout.id) as Behaviour));
    expect((await payouts.work(core, { limit: 100 })).failures).toEqual([]);
    await expectSame(model, real);
  });

/** Every payout that is due was sent by an instance that hears no response. */
const die = (script: readonly Behaviour[]) =>
  command<Model, Real>(
    `die ${script.join()}`,
    async (model, real) => {
      const due = ask(model, script);
      for (const payout of due) {
        payout.claimedUntil = model.now + CLAIM_MS;
        model.unanswered.push({ payout, attempts: payout.attempts });
      }
      const before = bank.asked;
      bank.dead = true;
      real.dead.push(payouts.work(core, { limit: 100 }));
      await eventually(() => expect(bank.asked - before).toBe(due.length));
      bank.dead = false;
      await expectSame(model, real);
    },
    (model) => dueIn(model).length > 0,
  );

/** What was paid comes back. */
const comeBack = (pick: number) =>
  command<Model, Real>(
    `come back ${pick}`,
    async (model) => {
      const paid = model.payouts.filter(({ atRail }) => atRail === 'paid');
      bank.back.add((paid[pick % paid.length] as ModelPayout).id);
    },
    (model) => model.payouts.some(({ atRail }) => atRail === 'paid'),
  );

/** The instances that hung hear at last; of payouts that another one took over their word counts no more. */
async function hearLate(model: Model, real: Real): Promise<void> {
  for (const { payout, attempts } of model.unanswered.splice(0))
    if (payout.attempts === attempts && payout.next !== null) {
      if (payout.status === 'completed') look(model, payout);
      else hear(model, payout, payout.atRail);
    }
  bank.answer();
  await Promise.all(real.dead.splice(0));
  await expectSame(model, real);
}

const wait = (ms: number) =>
  command<Model, Real>(`wait ${ms}`, async (model) => {
    model.now += ms;
    clock.advance(ms);
  });

/** What a sequence that failed left behind must not reach the next one. */
async function clear(): Promise<void> {
  bank.script.clear();
  bank.dead = false;
  bank.answer();
  for (const ms of [MAX_WAIT_MS + CLAIM_MS, 2 * RETURN_DAYS * DAY_MS]) {
    clock.advance(ms);
    await payouts.work(core, { limit: 1_000 });
  }
  bank.books.clear();
  bank.back.clear();
}

async function setUp(): Promise<{ model: Model; real: Real }> {
  await clear();
  const owner = await signedIn(core, 'Owner');
  await fund(core, owner, FUNDS);
  const model = { now: clock.now(), available: FUNDS, held: 0n, clearing: 0n, payouts: [], unanswered: [] };
  return { model, real: { owner, dead: [] } };
}

/** Once the connector answers truthfully, every payout ends, and what was paid is what is called completed or returned. */
async function finish(model: Model, real: Real): Promise<void> {
  await hearLate(model, real);
  await wait(MAX_WAIT_MS + CLAIM_MS).run(model, real);
  await work(['pay']).run(model, real);
  expect([model.held, model.clearing]).toEqual([0n, 0n]);
  for (const { id, status } of model.payouts)
    expect(bank.books.get(id) === 'paid').toBe(status === 'completed' || status === 'returned');
}

it('payouts agree with the model, whatever is sent, taken back, answered late or never, in whatever order', async () => {
  const db = await ownDb();
  try {
    ({ core, clock } = await testCore(db, {
      random: seededRandom(1),
      payouts: { stripe: scriptedConnector(bank) },
    }));
    const script = fc.array(fc.constantFrom(...behaviours), { minLength: 1, maxLength: 3 });
    const commands = [
      fc.bigInt({ min: 1n, max: 4_000n }).map(create),
      fc.constant(create(500n)),
      fc.nat(5).map(cancel),
      fc.nat(5).map(comeBack),
      script.map(work),
      script.map(die),
      fc.constant(command<Model, Real>('hear late', hearLate)),
      fc.constantFrom(1_000, 4_000, CLAIM_MS, MAX_WAIT_MS).map(wait),
    ];
    await playSequences(commands, { setUp, finish, runs: 30 });
    expect([...seen].sort()).toEqual([
      'canceled',
      'completed',
      'failed',
      'pending',
      'processing',
      'returned',
    ]);
    expect(await contradictions(db)).toEqual([]);
    expect(await ledger.verifyChains(core)).toEqual([]);
  } finally {
    await db.close();
  }
});
