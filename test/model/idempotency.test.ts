import { idempotency, ledger, wallets, type Core } from '@agentpay/core';
import { AgentPayError, isAgentPayError, seededRandom, type ManualClock } from '@agentpay/primitives';
import fc from 'fast-check';
import { money, ownDb, signedIn, testCore, type SignedIn } from '../flows/market.js';
import { command, playSequences } from './play.js';

const CLAIM_MS = 60_000;
const KEPT_MS = 86_400_000;

// ---- the model: for each party and key who holds it, or what was answered

interface Slot {
  readonly party: number;
  readonly key: string;
}
interface Entry extends Slot {
  readonly input: number;
  readonly claim: number;
  readonly claimedUntil: number;
  readonly expiresAt: number;
  response: string | undefined;
}
/** A request that is under way: its claim may be lost meanwhile. */
interface UnderWay {
  readonly entry: Entry;
  readonly claim: idempotency.IdempotencyClaim;
}
interface Model {
  now: number;
  claims: number;
  entries: Entry[];
  underWay: UnderWay[];
  /** How often each party's request took effect. */
  effects: [number, number];
}

type Taken = { entry: Entry } | { response: string } | { refused: string };

/** What a request meets, and the key it then holds. */
function take(model: Model, slot: Slot, input: number): Taken {
  const kept = model.entries.find(({ party, key }) => party === slot.party && key === slot.key);
  const live = kept && kept.expiresAt > model.now ? kept : undefined;
  if (live && live.input !== input) return { refused: 'idempotency_key_reused' };
  if (live?.response !== undefined) return { response: live.response };
  if (live && live.claimedUntil > model.now) return { refused: 'idempotency_in_progress' };
  drop(model, kept);
  const times = { claimedUntil: model.now + CLAIM_MS, expiresAt: model.now + KEPT_MS };
  const entry = { ...slot, input, claim: ++model.claims, ...times, response: undefined };
  model.entries.push(entry);
  return { entry };
}

function drop(model: Model, gone: Entry | undefined): void {
  model.entries = model.entries.filter((entry) => entry !== gone);
}

/** Whether a claim still holds its key. */
const holds = (model: Model, entry: Entry) => model.entries.includes(entry) && entry.response === undefined;

// ---- the real thing

interface Real {
  readonly parties: readonly [SignedIn, SignedIn];
}

const AMOUNT = 1_000n;
const seen = new Set<string>();
let core: Core;
let clock: ManualClock;

async function expectSame(model: Model, { parties }: Real): Promise<void> {
  for (const [n, party] of parties.entries())
    expect((await money(core, party)).available).toBe(AMOUNT * BigInt(model.effects[n] as number));
  const kept = await core.db.query(
    'select key, state, body from idempotency_keys where party_id = any($1) order by party_id, key',
    [parties.map(({ agent }) => agent.id)],
  );
  const expected = model.entries
    .map(({ party, key, response }) => ({
      id: parties[party]?.agent.id as string,
      row: { key, state: response === undefined ? 'in_progress' : 'done', body: response ?? null },
    }))
    .sort((a, b) => (a.id + a.row.key < b.id + b.row.key ? -1 : 1));
  expect(kept).toEqual(expected.map(({ row }) => row));
}

const requestOf = ({ parties }: Real, { party, key }: Slot, input: number) => ({
  partyId: parties[party]?.agent.id as string,
  endpoint: 'runtime.wallets.fund',
  key,
  input: { input },
});

/** Takes effect: gives the party money. The body differs each time that it really does. */
async function effect(within: Core, { principal, walletId }: SignedIn): Promise<idempotency.StoredResponse> {
  const given = await wallets.fund(within, { principal, walletId, amount: AMOUNT, source: 'test_faucet' });
  return { status: 201, body: given.transactionId };
}

async function reasonOf(call: Promise<unknown>): Promise<string | undefined> {
  return call.then(
    () => undefined,
    (error: unknown) => {
      if (isAgentPayError(error)) return error.reason ?? error.kind;
      throw error;
    },
  );
}

const once = (slot: Slot, input: number, fails: boolean) =>
  command<Model, Real>(
    `${fails ? 'fail' : 'do'} ${input} as ${slot.party}${slot.key}`,
    async (model, real) => {
      const taken = take(model, slot, input);
      const owner = real.parties[slot.party] as SignedIn;
      const doing = idempotency.once(core, requestOf(real, slot, input), async (within) => {
        const response = await effect(within, owner);
        if (fails) throw new AgentPayError('insufficient_funds', 'Not enough.');
        return response;
      });
      if ('refused' in taken) {
        expect(await reasonOf(doing)).toBe(taken.refused);
        seen.add(taken.refused);
      } else if ('response' in taken) {
        expect((await doing).body).toBe(taken.response);
        seen.add('repeated');
      } else if (fails) {
        expect(await reasonOf(doing)).toBe('insufficient_funds');
        drop(model, taken.entry);
      } else {
        taken.entry.response = (await doing).body;
        model.effects[slot.party as 0 | 1]++;
      }
      await expectSame(model, real);
    },
  );

/** A request that lasts: it holds its key and has not taken effect yet. */
const begin = (slot: Slot, input: number) =>
  command<Model, Real>(`begin ${input} as ${slot.party}${slot.key}`, async (model, real) => {
    const taken = take(model, slot, input);
    const claiming = idempotency.claim(core, requestOf(real, slot, input));
    if ('refused' in taken) expect(await reasonOf(claiming)).toBe(taken.refused);
    else {
      const claimed = await claiming;
      if ('response' in taken) expect(claimed).toEqual({ response: { status: 201, body: taken.response } });
      else if ('claim' in claimed) model.underWay.push({ entry: taken.entry, claim: claimed.claim });
      else throw new Error('The key is held by nobody, and yet there was a response.');
    }
    await expectSame(model, real);
  });

function ofUnderWay(
  name: string,
  pick: number,
  run: (one: UnderWay, model: Model, real: Real) => Promise<void>,
) {
  return command<Model, Real>(
    `${name} ${pick}`,
    async (model, real) => {
      const [one] = model.underWay.splice(pick % model.underWay.length, 1);
      await run(one as UnderWay, model, real);
      await expectSame(model, real);
    },
    (model) => model.underWay.length > 0,
  );
}

/** It takes effect and stores its response, or neither, when another took its key over. */
const end = (pick: number) =>
  ofUnderWay('end', pick, async ({ entry, claim }, model, real) => {
    const owner = real.parties[entry.party] as SignedIn;
    let body = '';
    const ending = core.db.tx(async (tx) => {
      await ledger.post(core, tx, {
        key: `${claim.claimId}:given`,
        kind: 'test',
        postings: ledger.movements.faucetFund({ walletId: owner.walletId, asset: 'USD', amount: AMOUNT }),
      });
      body = claim.claimId;
      await idempotency.finish(tx, { claim, response: { status: 201, body } });
    });
    const mayEnd = holds(model, entry);
    expect(await reasonOf(ending)).toBe(mayEnd ? undefined : 'outcome_unknown');
    seen.add(mayEnd ? 'ended' : 'too late');
    if (!mayEnd) return;
    entry.response = body;
    model.effects[entry.party as 0 | 1]++;
  });

const giveUp = (pick: number) =>
  ofUnderWay('give up', pick, async ({ entry, claim }, model) => {
    await idempotency.release(core, claim);
    if (holds(model, entry)) drop(model, entry);
  });

const purge = command<Model, Real>('purge', async (model, real) => {
  await idempotency.purge(core, { limit: 1_000 });
  model.entries = model.entries.filter(({ expiresAt }) => expiresAt > model.now);
  await expectSame(model, real);
});

const wait = (ms: number) =>
  command<Model, Real>(`wait ${ms}`, async (model) => {
    model.now += ms;
    clock.advance(ms);
  });

async function setUp(): Promise<{ model: Model; real: Real }> {
  const real: Real = { parties: [await signedIn(core, 'A'), await signedIn(core, 'B')] };
  return { model: { now: clock.now(), claims: 0, entries: [], underWay: [], effects: [0, 0] }, real };
}

it('idempotency keys agree with the model: a request takes effect once, whoever lasts, fails, dies or comes late', async () => {
  const db = await ownDb();
  try {
    ({ core, clock } = await testCore(db, { random: seededRandom(1) }));
    const slot = fc.record({ party: fc.constantFrom(0, 1), key: fc.constantFrom('a', 'b') });
    // One input is usual, so that requests are repeated and not only reused.
    const input = fc.constantFrom(1, 1, 2);
    const commands = [
      fc.tuple(slot, input).map(([at, what]) => once(at, what, false)),
      fc.tuple(slot, input).map(([at, what]) => once(at, what, true)),
      fc.tuple(slot, input).map((args) => begin(...args)),
      fc.nat(3).map(end),
      fc.nat(3).map(giveUp),
      fc.constant(purge),
      fc.constant(wait(CLAIM_MS)),
      fc.constant(wait(CLAIM_MS)),
      fc.constantFrom(1, CLAIM_MS - 1, CLAIM_MS, KEPT_MS - CLAIM_MS, KEPT_MS).map(wait),
    ];
    const finish = (model: Model, real: Real) => expectSame(model, real);
    await playSequences(commands, { setUp, finish, runs: 40 });
    expect([...seen].sort()).toEqual(
      ['ended', 'idempotency_in_progress', 'idempotency_key_reused', 'repeated', 'too late'].sort(),
    );
    expect(await ledger.verifyLedger(db)).toEqual([]);
  } finally {
    await db.close();
  }
});
