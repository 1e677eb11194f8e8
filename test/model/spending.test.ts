import { ledger, payments, policies } from '@agentpay/core';
import type { Core } from '@agentpay/core';
import { isAgentPayError } from '@agentpay/primitives';
import type { Db, ManualClock } from '@agentpay/primitives';
import fc from 'fast-check';
import { fund, money, ownDb, signedIn, START_MS, testCore } from '../flows/market.js';
import type { SignedIn } from '../flows/market.js';
import * as inTransaction from '../flows/inTransaction.js';

const DAILY = 100n;
const MONTHLY = 250n;
const PER_TX = 60n;
const FUNDS = 400n;
const HOUR_MS = 3_600_000;

// ---- the model: money, and what was spent in the day and month of each spending that stands

interface Spending {
  readonly amount: bigint;
  readonly at: number;
}
interface Model {
  now: number;
  available: bigint;
  stands: Spending[];
  open: Spending[];
}

const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
const sum = (list: Spending[], same: (ms: number) => boolean) =>
  list.filter(({ at }) => same(at)).reduce((total, { amount }) => total + amount, 0n);
const counted = (model: Model) => [...model.stands, ...model.open];
const today = (model: Model) => sum(counted(model), (at) => dayOf(at) === dayOf(model.now));
const thisMonth = (model: Model) =>
  sum(counted(model), (at) => dayOf(at).slice(0, 7) === dayOf(model.now).slice(0, 7));

function refusalOf(model: Model, amount: bigint): string | undefined {
  if (amount > PER_TX) return 'per_transaction_limit';
  if (today(model) + amount > DAILY) return 'daily_limit';
  if (thisMonth(model) + amount > MONTHLY) return 'monthly_limit';
  return amount > model.available ? 'insufficient_funds' : undefined;
}

// ---- the real thing

interface Real {
  core: Core;
  clock: ManualClock;
  payer: SignedIn;
  holds: { id: string; amount: bigint; at: Date }[];
}
type Command = fc.AsyncCommand<Model, Real>;

async function outcomeOf(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (error: unknown) => {
      if (isAgentPayError(error)) return error.reason ?? error.kind;
      throw error;
    },
  );
}

async function expectSame(model: Model, { core, payer }: Real): Promise<void> {
  const held = model.open.reduce((total, { amount }) => total + amount, 0n);
  expect(await money(core, payer)).toEqual({ available: model.available, held });
  const denial = await policies.dryRun(core, {
    payer: payer.agent.id,
    payees: ['x'],
    amount: 1n,
    rail: 'internal',
  });
  const left =
    DAILY - today(model) < MONTHLY - thisMonth(model) ? DAILY - today(model) : MONTHLY - thisMonth(model);
  expect(denial === undefined).toBe(left >= 1n);
}

const pay = (amount: bigint): Command => ({
  check: () => true,
  async run(model, real) {
    const expected = refusalOf(model, amount);
    const { core, payer } = real;
    const request = { principal: payer.principal, fromWalletId: payer.walletId, toExternal: 'x', amount };
    expect(await outcomeOf(payments.create(core, request))).toBe(expected);
    if (expected === undefined) {
      model.available -= amount;
      model.stands.push({ amount, at: model.now });
    }
    await expectSame(model, real);
  },
  toString: () => `pay ${amount}`,
});

const reserve = (amount: bigint): Command => ({
  check: () => true,
  async run(model, real) {
    const expected = refusalOf(model, amount);
    const { core, payer, holds } = real;
    const spent = { payer: payer.agent.id, walletId: payer.walletId, amount, asset: 'USD', payee: 'x' };
    const reserved = core.db.tx(async (tx) => {
      const hold = await inTransaction.reserve(core, tx, { ...spent, rail: 'internal', purpose: 'test' });
      return () => holds.push({ id: hold.id, amount, at: hold.createdAt });
    });
    expect(await outcomeOf(reserved.then((keep) => keep()))).toBe(expected);
    if (expected === undefined) {
      model.available -= amount;
      model.open.push({ amount, at: model.now });
    }
    await expectSame(model, real);
  },
  toString: () => `reserve ${amount}`,
});

const giveBack = (index: number): Command => ({
  check: (model) => model.open.length > 0,
  async run(model, real) {
    const { core, payer, holds } = real;
    const at = index % model.open.length;
    const [returned] = model.open.splice(at, 1) as [Spending];
    const [hold] = holds.splice(at, 1) as [Real['holds'][number]];
    const spent = { payer: payer.agent.id, payee: 'x', amount: hold.amount, at: hold.at };
    await core.db.tx((tx) => inTransaction.giveBack(core, tx, { holdId: hold.id, reason: 'test', spent }));
    model.available += returned.amount;
    await expectSame(model, real);
  },
  toString: () => `give back ${index}`,
});

const wait = (hours: number): Command => ({
  check: () => true,
  async run(model, real) {
    model.now += hours * HOUR_MS;
    real.clock.advance(hours * HOUR_MS);
    await expectSame(model, real);
  },
  toString: () => `wait ${hours} h`,
});

describe('spending windows', () => {
  let db: Db;
  beforeAll(async () => void (db = await ownDb()));
  afterAll(() => db.close());

  it('count what stands by calendar day and month, and forget what was given back', async () => {
    const amount = fc.bigInt({ min: 1n, max: PER_TX + 5n });
    const commands = [
      amount.map(pay),
      amount.map(reserve),
      fc.nat(5).map(giveBack),
      fc.constantFrom(1, 5, 13, 24, 24 * 20).map(wait),
    ];
    const setUp = async () => {
      const { core, clock } = await testCore(db, { settings: { fees: { payment: { ppm: 0n } } } });
      const payer = await signedIn(core, 'Payer');
      await fund(core, payer, FUNDS);
      const platform = {
        party: { id: 'platform', kind: 'platform' } as const,
        scopes: [],
        credentialId: 'admin',
      };
      const limits = { per_tx: PER_TX, daily: DAILY, monthly: MONTHLY } as const;
      for (const [kind, limit] of Object.entries(limits)) {
        const terms = { kind: kind as keyof typeof limits, amount: limit };
        await policies.create(core, { principal: platform, partyId: payer.agent.id, terms });
      }
      const model: Model = { now: START_MS, available: FUNDS, stands: [], open: [] };
      return { model, real: { core, clock, payer, holds: [] } };
    };
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: 30 }), (sequence) =>
        setUp().then(async ({ model, real }) => {
          await fc.asyncModelRun(() => ({ model, real }), sequence);
        }),
      ),
      { numRuns: 25 },
    );
    expect(await ledger.verifyLedger(db)).toEqual([]);
  });
});
