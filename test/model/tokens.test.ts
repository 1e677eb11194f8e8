import { disputes, ledger, marketplace, tokens } from '@agentpay/core';
import type { Core, Principal } from '@agentpay/core';
import { isAgentPayError } from '@agentpay/primitives';
import type { Db, ManualClock } from '@agentpay/primitives';
import fc from 'fast-check';
import { FEE, market, money, ownDb, PRICE, SLA_SECONDS, START_MS, testCore } from '../flows/market.js';

const TTL_MS = 300_000;
const SLA_MS = SLA_SECONDS * 1000;
/** Enough for four tokens and a bit: running out of money is part of the game. */
const FUNDS = PRICE * 4n + 1n;
const operator: Principal = {
  party: { id: 'platform', kind: 'platform' },
  scopes: [],
  credentialId: 'admin',
};

// ---- the model: what the documents say, told a second time and more simply

type State =
  | 'reserved'
  | 'redeemed'
  | 'in_flight'
  | 'accepted'
  | 'settled'
  | 'sla_breached'
  | 'expired'
  | 'cancelled'
  | 'failed'
  | 'refunded';

interface ModelToken {
  state: State;
  deadline: number;
}

interface Model {
  now: number;
  trust: number;
  settled: number;
  /** What the seller has: a decision against it takes what is there. */
  seller: bigint;
  /** Reserved money that came back or is still held is not spent; only settled tokens cost. */
  tokens: ModelToken[];
}

const holding = (token: ModelToken) =>
  ['reserved', 'redeemed', 'in_flight', 'accepted'].includes(token.state);
const heldIn = (model: Model) => PRICE * BigInt(model.tokens.filter(holding).length);
const availableIn = (model: Model) => FUNDS - heldIn(model) - PRICE * BigInt(model.settled);

function lapseIfDue(model: Model, token: ModelToken): boolean {
  if (!holding(token) || model.now < token.deadline) return false;
  const breached = token.state === 'in_flight' || token.state === 'accepted';
  token.state = breached ? 'sla_breached' : 'expired';
  if (breached) model.trust = Math.max(0, model.trust - 5);
  return true;
}

type Step = 'verify' | 'callStarted' | 'callAccepted' | 'callCompleted' | 'callFailed' | 'cancel';

const steps: Record<Step, { from: State[]; to: State }> = {
  verify: { from: ['reserved'], to: 'redeemed' },
  callStarted: { from: ['redeemed'], to: 'in_flight' },
  callAccepted: { from: ['in_flight'], to: 'accepted' },
  callCompleted: { from: ['accepted'], to: 'settled' },
  callFailed: { from: ['redeemed', 'in_flight', 'accepted'], to: 'failed' },
  cancel: { from: ['reserved'], to: 'cancelled' },
};

/** Changes the model as the step must, and gives the kind of error to expect, if any. */
function play(model: Model, token: ModelToken, step: Step): string | undefined {
  const { from, to } = steps[step];
  const again = token.state === to && step !== 'verify';
  if (from.includes(token.state) || again) {
    if (lapseIfDue(model, token)) return token.state === 'expired' ? 'token_expired' : 'token_wrong_state';
    if (again) return undefined;
    token.state = to;
    if (to === 'redeemed') token.deadline = model.now + TTL_MS;
    if (to === 'in_flight') token.deadline = model.now + SLA_MS;
    if (to === 'settled') {
      model.settled++;
      model.seller += PRICE - FEE;
      model.trust = Math.min(100, model.trust + 1);
    }
    return undefined;
  }
  if (token.state === 'expired') return 'token_expired';
  return step === 'verify' && token.state !== 'cancelled' ? 'token_already_redeemed' : 'token_wrong_state';
}

// ---- the real thing

interface Real {
  core: Core;
  clock: ManualClock;
  place: Awaited<ReturnType<typeof market>>;
  tokens: { id: string; signed: string }[];
}

type Command = fc.AsyncCommand<Model, Real>;

const kindOf = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => {
      if (isAgentPayError(error)) return error.kind;
      throw error;
    },
  );

async function agree(model: Model, real: Real): Promise<void> {
  const { core, place } = real;
  expect(await money(core, place.buyer)).toEqual({ available: availableIn(model), held: heldIn(model) });
  expect(await money(core, place.seller)).toEqual({
    available: model.seller,
    held: 0n,
  });
  expect((await marketplace.get(core, { serviceId: place.service.id })).trustScore).toBe(model.trust);
  for (const [index, token] of model.tokens.entries()) {
    const request = { principal: place.buyer.principal, tokenId: real.tokens[index]?.id ?? '' };
    expect((await tokens.get(core, request)).state).toBe(token.state);
  }
  expect(await ledger.verifyLedger(core.db)).toEqual([]);
}

const authorizing: Command = {
  check: () => true,
  toString: () => 'authorize',
  async run(model, real) {
    const { core, place } = real;
    const request = {
      principal: place.buyer.principal,
      serviceId: place.service.id,
      walletId: place.buyer.walletId,
    };
    const expected = availableIn(model) >= PRICE ? undefined : 'insufficient_funds';
    const authorization = tokens.authorize(core, request);
    expect(await kindOf(authorization)).toBe(expected);
    if (expected === undefined) {
      const { signed, token } = await authorization;
      real.tokens.push({ id: token.id, signed });
      model.tokens.push({ state: 'reserved', deadline: model.now + TTL_MS });
    }
    await agree(model, real);
  },
};

const leadingOn: Partial<Record<State, Step>> = {
  reserved: 'verify',
  redeemed: 'callStarted',
  in_flight: 'callAccepted',
  accepted: 'callCompleted',
};

/** Takes one step of one token: a named one, or the one that leads on from where the token is. */
function stepping(named: Step | 'next', pick: number): Command {
  return {
    check: (model) => model.tokens.length > 0,
    toString: () => `${named}(${pick})`,
    async run(model, real) {
      const index = pick % model.tokens.length;
      const token = real.tokens[index] as Real['tokens'][number];
      const { core, place } = real;
      const step =
        named === 'next' ? (leadingOn[(model.tokens[index] as ModelToken).state] ?? 'verify') : named;
      const principal = (step === 'cancel' ? place.buyer : place.seller).principal;
      const call =
        step === 'verify'
          ? tokens.verify(core, { principal, token: token.signed })
          : tokens[step](core, { principal, tokenId: token.id });
      expect(await kindOf(call)).toBe(play(model, model.tokens[index] as ModelToken, step));
      await agree(model, real);
    },
  };
}

/** A dispute about the payment of a settled token is decided for the buyer. */
function disputing(pick: number): Command {
  const settled = (model: Model) => model.tokens.filter((token) => token.state === 'settled');
  return {
    check: (model) => settled(model).length > 0,
    toString: () => `dispute(${pick})`,
    async run(model, real) {
      const token = settled(model)[pick % settled(model).length] as ModelToken;
      const { core, place } = real;
      const { principal } = place.buyer;
      const tokenId = (real.tokens[model.tokens.indexOf(token)] as Real['tokens'][number]).id;
      const { paymentId } = await tokens.get(core, { principal, tokenId });
      const about = { principal, paymentId: paymentId as string, reason: 'not_delivered' };
      const { id: disputeId } = await disputes.open(core, about);
      await disputes.resolve(core, { principal: operator, disputeId, resolution: 'refund' });
      token.state = 'refunded';
      model.settled--;
      model.seller -= model.seller < PRICE ? model.seller : PRICE;
      model.trust = Math.max(0, model.trust - 10);
      await agree(model, real);
    },
  };
}

function waiting(ms: number): Command {
  return {
    check: () => true,
    toString: () => `wait(${ms})`,
    async run(model, real) {
      model.now += ms;
      real.clock.advance(ms);
    },
  };
}

function sweeping(sweep: 'sweep' | 'sweepTracked'): Command {
  return {
    check: () => true,
    toString: () => sweep,
    async run(model, real) {
      const lapsed = model.tokens.filter((token) => lapseIfDue(model, token));
      expect(await tokens[sweep](real.core)).toEqual({
        expired: lapsed.filter((token) => token.state === 'expired').length,
        breached: lapsed.filter((token) => token.state === 'sla_breached').length,
        failures: [],
      });
      await agree(model, real);
    },
  };
}

describe('payment tokens', () => {
  let db: Db;

  beforeAll(async () => {
    db = await ownDb();
  });
  afterAll(() => db.close());

  it('agree with the model, balances and books included, whatever is done in whatever order', async () => {
    const step = fc.constantFrom<Step>(
      'verify',
      'callStarted',
      'callAccepted',
      'callCompleted',
      'callFailed',
      'cancel',
    );
    const command = fc.oneof(
      { weight: 3, arbitrary: fc.constant(authorizing) },
      { weight: 9, arbitrary: fc.nat(3).map((pick) => stepping('next', pick)) },
      { weight: 4, arbitrary: fc.tuple(step, fc.nat(7)).map(([name, pick]) => stepping(name, pick)) },
      { weight: 1, arbitrary: fc.nat(3).map(disputing) },
      { weight: 2, arbitrary: fc.constantFrom(1, SLA_MS - 1, SLA_MS, TTL_MS - 1, TTL_MS).map(waiting) },
      {
        weight: 2,
        arbitrary: fc.constantFrom<'sweep' | 'sweepTracked'>('sweep', 'sweepTracked').map(sweeping),
      },
    );
    const seen = new Set<State>();
    const runs = fc.asyncProperty(
      fc.commands([command], { maxCommands: 40, size: 'max' }),
      async (commands) => {
        const { core, clock } = await testCore(db);
        const place = await market(core, { funds: FUNDS });
        const model: Model = { now: START_MS, trust: 50, settled: 0, seller: 0n, tokens: [] };
        try {
          await fc.asyncModelRun(() => ({ model, real: { core, clock, place, tokens: [] } }), commands);
          for (const { state } of model.tokens) seen.add(state);
        } finally {
          await tokens.sweep(core, { nowMs: model.now + 86_400_000, limit: 1_000 });
        }
      },
    );
    await fc.assert(runs, { numRuns: 40 });
    // The runs were worth something: every end of a token was reached.
    expect([...seen]).toEqual(
      expect.arrayContaining(['settled', 'sla_breached', 'expired', 'cancelled', 'failed', 'refunded']),
    );
  });
});
