import { approvals, ledger, parties, payments, policies } from '@agentpay/core';
import type { Core, Principal } from '@agentpay/core';
import { isAgentPayError } from '@agentpay/primitives';
import type { Db, ManualClock } from '@agentpay/primitives';
import fc from 'fast-check';
import { fund, money, ownDb, signedIn, START_MS, testCore } from '../flows/market.js';
import type { SignedIn } from '../flows/market.js';

const TTL_MS = 1_000;
const OVER = 10n;
const FUNDS = 300n;
const KEYS = ['a', 'b', 'c'];
const operator: Principal = { party: parties.platform, scopes: [], credentialId: 'admin' };

// ---- the model: of each key what was paid, or what its approval is

interface Asked {
  status: 'pending' | 'approved' | 'rejected';
  amount: bigint;
  expiresAt: number;
  used: boolean;
}
interface Model {
  now: number;
  available: bigint;
  paid: Map<string, bigint>;
  asked: Map<string, Asked>;
}

/** What paying under a key comes to, and what it changes. */
function payInModel(model: Model, key: string, amount: bigint): string {
  const paid = model.paid.get(key);
  if (paid !== undefined) return paid === amount ? 'paid' : 'conflict';
  if (amount > OVER) {
    const asked = model.asked.get(key);
    const stands = asked && !asked.used && model.now < asked.expiresAt;
    if (!stands) {
      model.asked.set(key, { status: 'pending', amount, expiresAt: model.now + TTL_MS, used: false });
      return 'approval_required';
    }
    if (amount > asked.amount) return 'conflict';
    if (asked.status !== 'approved')
      return asked.status === 'rejected' ? 'approval_rejected' : 'approval_required';
    if (amount > model.available) return 'insufficient_funds';
    asked.used = true;
  }
  if (amount > model.available) return 'insufficient_funds';
  model.available -= amount;
  model.paid.set(key, amount);
  return 'paid';
}

function decideInModel(model: Model, key: string, event: 'approve' | 'reject'): string {
  const asked = model.asked.get(key) as Asked;
  const to = event === 'approve' ? 'approved' : 'rejected';
  if (asked.status === to) return to;
  if (asked.status !== 'pending' || model.now >= asked.expiresAt) return 'refused';
  asked.status = to;
  asked.expiresAt = model.now + TTL_MS;
  return to;
}

// ---- the real thing

interface Real {
  core: Core;
  clock: ManualClock;
  payer: SignedIn;
  /** The last approval of each key. */
  ids: Map<string, string>;
}
type Command = fc.AsyncCommand<Model, Real>;

const pay = (key: string, amount: bigint): Command => ({
  check: () => true,
  async run(model, { core, payer, ids }) {
    const expected = payInModel(model, key, amount);
    const from = { principal: payer.principal, fromWalletId: payer.walletId };
    const outcome = await payments
      .create(core, { ...from, toExternal: 'x', amount, idempotencyKey: key })
      .then(
        () => 'paid',
        (error: unknown) => {
          if (!isAgentPayError(error)) throw error;
          const id = error.details?.['approvalId'];
          if (typeof id === 'string') ids.set(key, id);
          return error.reason ?? error.kind;
        },
      );
    expect(outcome).toBe(expected);
    expect(await money(core, payer)).toEqual({ available: model.available, held: 0n });
  },
  toString: () => `pay ${amount} under ${key}`,
});

const decide = (key: string, event: 'approve' | 'reject'): Command => ({
  check: (model) => model.asked.has(key),
  async run(model, { core, ids }) {
    const expected = decideInModel(model, key, event);
    const approvalId = ids.get(key) as string;
    const outcome = await approvals[event](core, { principal: operator, approvalId }).then(
      ({ status }) => status,
      (error: unknown) => {
        if (isAgentPayError(error, 'approval_wrong_state')) return 'refused';
        throw error;
      },
    );
    expect(outcome).toBe(expected);
  },
  toString: () => `${event} ${key}`,
});

const wait = (ms: number): Command => ({
  check: () => true,
  async run(model, { core, clock }) {
    model.now += ms;
    clock.advance(ms);
    if (ms > 300) await approvals.expireDue(core, { limit: 100 });
  },
  toString: () => `wait ${ms} ms`,
});

describe('approvals', () => {
  let db: Db;
  beforeAll(async () => void (db = await ownDb()));
  afterAll(() => db.close());

  it('let each key pay at most once, above the limit only what its owner allowed in time', async () => {
    const key = fc.constantFrom(...KEYS);
    const commands = [
      fc.tuple(key, fc.constantFrom(5n, 20n, 30n, 200n)).map(([of, amount]) => pay(of, amount)),
      fc.tuple(key, fc.constantFrom('approve', 'reject')).map(([of, event]) => decide(of, event)),
      key.map((of) => decide(of, 'approve')),
      fc.constantFrom(100, 400, TTL_MS).map(wait),
    ];
    const setUp = async () => {
      const settings = { approvals: { ttlMs: TTL_MS }, fees: { payment: { ppm: 0n } } };
      const { core, clock } = await testCore(db, { settings });
      const payer = await signedIn(core, 'Payer');
      await fund(core, payer, FUNDS);
      const terms = { kind: 'approval_over', amount: OVER } as const;
      await policies.create(core, { principal: operator, partyId: payer.agent.id, terms });
      const model: Model = { now: START_MS, available: FUNDS, paid: new Map(), asked: new Map() };
      return { model, real: { core, clock, payer, ids: new Map<string, string>() } };
    };
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: 40 }), async (sequence) => {
        const { model, real } = await setUp();
        await fc.asyncModelRun(() => ({ model, real }), sequence);
      }),
      { numRuns: 25 },
    );
    expect(await ledger.verifyLedger(db)).toEqual([]);
  });
});
