import { ledger, type Core } from '@agentpay/core';
import { seededRandom } from '@agentpay/primitives';
import type { Tx } from '@agentpay/primitives';
import fc from 'fast-check';
import * as inTransaction from '../flows/inTransaction.js';
import { money, ownDb, signedIn, testCore, type SignedIn } from '../flows/market.js';
import { command, kindOf, playSequences } from './play.js';

const asset = 'USD';
const MAX = 2n ** 63n - 1n;

// ---- the model: what each wallet has, what the platform gave and earned, and the events that are booked

interface ModelHold {
  readonly wallet: number;
  readonly amount: bigint;
  readonly id: string;
  open: boolean;
}
/** An event under its key, as it was booked. */
interface Booked {
  readonly from: number | 'faucet';
  readonly to: number | 'revenue';
  readonly amount: bigint;
}
interface Model {
  readonly available: bigint[];
  readonly held: bigint[];
  given: bigint;
  earned: bigint;
  readonly holds: ModelHold[];
  readonly booked: Map<string, Booked>;
  journals: number;
}

interface Real {
  readonly wallets: readonly SignedIn[];
  /** Unlike that of any other sequence. */
  readonly name: string;
  readonly before: { readonly faucet: bigint; readonly revenue: bigint };
}

const seen = new Set<string>();
let core: Core;

const total = (account: string) => ledger.accountTotal(core.db, { account, asset });
const walletOf = ({ wallets }: Real, n: number) => (wallets[n] as SignedIn).walletId;

async function expectSame(model: Model, real: Real): Promise<void> {
  for (const [n, wallet] of real.wallets.entries())
    expect(await money(core, wallet)).toEqual({ available: model.available[n], held: model.held[n] });
  expect(real.before.faucet - (await total(ledger.FAUCET))).toBe(model.given);
  expect((await total(ledger.REVENUE_PAYMENT)) - real.before.revenue).toBe(model.earned);
  const [row] = await core.db.query<{ journals: number; lines: bigint }>(
    `select count(distinct j.number)::integer as journals, coalesce(sum(p.amount), 0)::bigint as lines
     from ledger_journals j join ledger_postings p on p.journal = j.number
     where j.number in (select journal from ledger_postings where account like any($1))`,
    [real.wallets.map(({ walletId }) => `w:${walletId}:%`)],
  );
  expect(row).toEqual({ journals: model.journals, lines: 0n });
}

const accountOf = (real: Real, party: Booked['from'] | Booked['to']) => {
  if (party === 'faucet') return ledger.FAUCET;
  return party === 'revenue' ? ledger.REVENUE_PAYMENT : ledger.available(walletOf(real, party));
};
const same = (a: Booked, b: Booked) => a.from === b.from && a.to === b.to && a.amount === b.amount;

/** Why an event is refused: of several reasons any may be told. */
function refusalsOf(model: Model, event: Booked, key: string): string[] {
  const first = model.booked.get(key);
  if (first) return same(first, event) ? [] : ['internal_error'];
  if (event.from === event.to) return ['internal_error'];
  const short = typeof event.from === 'number' && (model.available[event.from] as bigint) < event.amount;
  const after = typeof event.to === 'number' ? (model.available[event.to] as bigint) + event.amount : 0n;
  return [...(short ? ['insufficient_funds'] : []), ...(after > MAX ? ['invalid_amount'] : [])];
}

function add(model: Model, { from, to, amount }: Booked): void {
  if (from === 'faucet') model.given += amount;
  else (model.available[from] as bigint) -= amount;
  if (to === 'revenue') model.earned += amount;
  else (model.available[to] as bigint) += amount;
  model.journals++;
}

/** Books an event; the same under its key again changes nothing. */
const book = (event: Booked, key: string) =>
  command<Model, Real>(`${key}: ${event.from} gives ${event.to} ${event.amount}`, async (model, real) => {
    const refusals = refusalsOf(model, event, key);
    const postings = [
      { account: accountOf(real, event.from), asset, amount: -event.amount },
      { account: accountOf(real, event.to), asset, amount: event.amount },
    ];
    const entry = { key: `${real.name}:${key}`, kind: 'test', postings };
    const refusal = await kindOf(core.db.tx((tx) => ledger.post(core, tx, entry)));
    expect(refusals.length > 0 ? refusals : [undefined]).toContain(refusal);
    seen.add(refusal ?? (model.booked.has(key) ? 'repeated' : 'booked'));
    if (refusal === undefined && !model.booked.has(key)) {
      add(model, event);
      model.booked.set(key, event);
    }
    await expectSame(model, real);
  });

/** A journal whose lines do not add up, or that moves nothing, is booked by nobody. */
const unbalanced = (off: bigint) =>
  command<Model, Real>(`off by ${off}`, async (model, real) => {
    const to = { account: ledger.available(walletOf(real, 0)), asset, amount: 5n + off };
    const from = { account: ledger.FAUCET, asset, amount: -5n };
    const entry = { key: `${real.name}:off`, kind: 'test', postings: [from, to] };
    expect(await kindOf(core.db.tx((tx) => ledger.post(core, tx, entry)))).toBe('internal_error');
    await expectSame(model, real);
  });

const hold = (wallet: number, amount: bigint) =>
  command<Model, Real>(`hold ${amount} of ${wallet}`, async (model, real) => {
    const covered = amount <= (model.available[wallet] as bigint);
    const wanted = { walletId: walletOf(real, wallet), asset, amount, purpose: 'token' };
    const opening = core.db.tx((tx) => inTransaction.openHold(core, tx, wanted));
    expect(await kindOf(opening)).toBe(covered ? undefined : 'insufficient_funds');
    if (covered) {
      (model.available[wallet] as bigint) -= amount;
      (model.held[wallet] as bigint) += amount;
      model.holds.push({ wallet, amount, id: (await opening).id, open: true });
      model.journals++;
    }
    await expectSame(model, real);
  });

/** Ends a hold, which can be done once: its money goes to another wallet and the platform, or returns. */
const close = (pick: number, payee: number | undefined) =>
  command<Model, Real>(
    payee === undefined ? `release ${pick}` : `capture ${pick} for ${payee}`,
    async (model, real) => {
      const closed = model.holds[pick % model.holds.length] as ModelHold;
      const { id: holdId, wallet, amount } = closed;
      const fee = amount / 4n;
      const credits = [
        { account: ledger.available(walletOf(real, payee ?? wallet)), amount: amount - fee },
        ...(fee > 0n ? [{ account: ledger.REVENUE_PAYMENT, amount: fee }] : []),
      ];
      const closing = (tx: Tx) =>
        payee === undefined
          ? inTransaction.releaseHold(core, tx, { holdId, reason: 'test' })
          : inTransaction.captureHold(core, tx, { holdId, credits });
      const back = payee === undefined ? amount : amount - fee;
      const fits = (model.available[payee ?? wallet] as bigint) + back <= MAX;
      const expected = closed.open ? (fits ? undefined : 'invalid_amount') : 'internal_error';
      expect(await kindOf(core.db.tx(closing))).toBe(expected);
      seen.add(closed.open ? 'closed' : 'closed twice');
      if (expected === undefined) {
        closed.open = false;
        (model.held[wallet] as bigint) -= amount;
        (model.available[payee ?? wallet] as bigint) += back;
        if (payee !== undefined) model.earned += fee;
        model.journals++;
      }
      await expectSame(model, real);
    },
    (model) => model.holds.length > 0,
  );

/** What a transaction booked that was rolled back is not in the books. */
const rollBack = (amount: bigint) =>
  command<Model, Real>(`roll back ${amount}`, async (model, real) => {
    const undone = core.db.tx(async (tx) => {
      const postings = ledger.movements.faucetFund({ walletId: walletOf(real, 0), asset, amount });
      await ledger.post(core, tx, { key: `${real.name}:undone`, kind: 'test', postings });
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    await expectSame(model, real);
  });

async function setUp(): Promise<{ model: Model; real: Real }> {
  const wallets = [await signedIn(core, 'A'), await signedIn(core, 'B'), await signedIn(core, 'C')];
  const before = { faucet: await total(ledger.FAUCET), revenue: await total(ledger.REVENUE_PAYMENT) };
  const nothing = { given: 0n, earned: 0n, holds: [], booked: new Map(), journals: 0 };
  const model = { available: [0n, 0n, 0n], held: [0n, 0n, 0n], ...nothing };
  return { model, real: { wallets, before, name: (wallets[0] as SignedIn).walletId } };
}

it('the books agree with the model: every event once, nothing below zero, holds closed once, all in balance', async () => {
  const db = await ownDb();
  try {
    ({ core } = await testCore(db, { random: seededRandom(1) }));
    const wallet = fc.nat(2);
    const amount = fc.bigInt({ min: 1n, max: 1_000n });
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
    const gift = fc.record({ from: fc.constant('faucet' as const), to: wallet, amount });
    const transfer = fc.record({ from: wallet, to: wallet, amount });
    const fee = fc.record({ from: wallet, to: fc.constant('revenue' as const), amount });
    // The same event under the same key, so that it is repeated and not only reused; and as much as the books can hold.
    const usual = fc.constant({ from: 'faucet' as const, to: 0, amount: 500n });
    const most = fc.constant({ from: 'faucet' as const, to: 1, amount: MAX });
    const commands = [
      fc.tuple(gift, key).map((args) => book(...args)),
      fc.tuple(transfer, key).map((args) => book(...args)),
      fc.tuple(fee, key).map((args) => book(...args)),
      fc.tuple(usual, fc.constantFrom('y', 'z')).map((args) => book(...args)),
      fc.tuple(most, fc.constantFrom('m', 'n')).map((args) => book(...args)),
      fc.constantFrom(-1n, 1n, -5n).map(unbalanced),
      fc.tuple(wallet, amount).map((args) => hold(...args)),
      fc.tuple(fc.nat(4), fc.option(wallet, { nil: undefined })).map((args) => close(...args)),
      amount.map(rollBack),
    ];
    const finish = (model: Model, real: Real) => expectSame(model, real);
    await playSequences(commands, { setUp, finish, runs: 30 });
    const all = ['booked', 'closed', 'closed twice', 'insufficient_funds', 'internal_error'];
    expect([...seen].sort()).toEqual([...all, 'invalid_amount', 'repeated'].sort());
    expect(await ledger.verifyLedger(db)).toEqual([]);
    expect(await ledger.verifyChains(core)).toEqual([]);
  } finally {
    await db.close();
  }
});
