import { agreements, disputes, ledger, parties, policies } from '@agentpay/core';
import type { Core, Principal } from '@agentpay/core';
import type { Db, ManualClock } from '@agentpay/primitives';
import fc from 'fast-check';
import { market, money, ownDb, START_MS, testCore } from '../flows/market.js';
import type { SignedIn } from '../flows/market.js';
import { command, kindOf, playSequences } from './play.js';

const FUNDS = 300n;
const UNIT = 10n;
const DAILY = 500n;
const PROPOSAL_MS = 10_000;
const WINDOW_SECONDS = 2;
const operator: Principal = { party: parties.platform, scopes: [], credentialId: 'admin' };

// ---- the model: what each agreement is, and where the money is

interface Deal {
  status: agreements.AgreementStatus;
  cap: bigint;
  used: bigint;
  events: Set<number>;
  due: number;
}
interface Model {
  now: number;
  buyer: bigint;
  seller: bigint;
  /** What the daily limit counts. */
  counted: bigint;
  deals: Deal[];
}
interface Real {
  core: Core;
  clock: ManualClock;
  buyer: SignedIn;
  seller: SignedIn;
  serviceId: string;
  ids: string[];
  disputes: Map<string, string>;
}

function settle(model: Model, deal: Deal, paid: bigint): void {
  model.buyer += deal.cap - paid;
  model.seller += paid;
  model.counted -= deal.cap - paid;
  deal.status = 'settled';
}

function complete(model: Model, deal: Deal): void {
  deal.status = 'challenge_window';
  deal.due = model.now + WINDOW_SECONDS * 1000;
}

/** What the clock has moved by now. */
function tick(model: Model): void {
  for (const deal of model.deals) {
    if (model.now < deal.due) continue;
    if (deal.status === 'challenge_window') settle(model, deal, deal.used);
    if (deal.status === 'proposed' || deal.status === 'accepted') {
      deal.status = 'expired';
      model.counted -= deal.cap;
    }
  }
}

const at = (model: Model, n: number): [Deal, number] => {
  const index = n % model.deals.length;
  return [model.deals[index] as Deal, index];
};
const some = (model: Readonly<Model>) => model.deals.length > 0;

// ---- commands

const propose = (units: bigint) =>
  command<Model, Real>(`propose ${units} units`, async (model, real) => {
    const cap = units * UNIT;
    const { core, buyer, serviceId, ids } = real;
    const allowed = model.counted + cap <= DAILY;
    const terms = { cap, unitPrice: UNIT, challengeSeconds: WINDOW_SECONDS };
    const kind = await kindOf(
      agreements
        .propose(core, { principal: buyer.principal, serviceId, terms })
        .then(({ id }) => void ids.push(id)),
    );
    expect(kind).toBe(allowed ? undefined : 'policy_denied');
    if (!allowed) return;
    const due = model.now + PROPOSAL_MS;
    model.deals.push({ status: 'proposed', cap, used: 0n, events: new Set(), due });
    model.counted += cap;
  });

/** Something that one side does, which the model says from which states it goes. */
function step(
  name: 'accept' | 'reject' | 'activate' | 'complete',
  n: number,
  expected: (model: Model, deal: Deal) => 'again' | string | (() => void),
) {
  return command<Model, Real>(
    `${name} ${n}`,
    async (model, { core, buyer, seller, ids }) => {
      const [deal, index] = at(model, n);
      const side = name === 'activate' || name === 'complete' ? buyer : seller;
      const request = { principal: side.principal, agreementId: ids[index] as string };
      const outcome = expected(model, deal);
      const kind = await kindOf(agreements[name](core, request));
      expect(kind).toBe(typeof outcome === 'string' && outcome !== 'again' ? outcome : undefined);
      if (typeof outcome === 'function') outcome();
    },
    some,
  );
}

const WRONG = 'agreement_wrong_state';
const accept = (n: number) =>
  step('accept', n, (model, deal) =>
    deal.status === 'accepted'
      ? 'again'
      : deal.status === 'proposed'
        ? () => {
            deal.status = 'accepted';
            deal.due = model.now + PROPOSAL_MS;
          }
        : WRONG,
  );
const reject = (n: number) =>
  step('reject', n, (model, deal) =>
    deal.status === 'rejected'
      ? 'again'
      : deal.status === 'proposed'
        ? () => {
            deal.status = 'rejected';
            model.counted -= deal.cap;
          }
        : WRONG,
  );
const activate = (n: number) =>
  step('activate', n, (model, deal) => {
    if (deal.status === 'active') return 'again';
    if (deal.status !== 'accepted') return WRONG;
    if (model.buyer < deal.cap) return 'insufficient_funds';
    return () => {
      model.buyer -= deal.cap;
      deal.status = 'active';
      deal.due = Infinity;
    };
  });
const finish = (n: number) =>
  step('complete', n, (model, deal) =>
    deal.status === 'challenge_window'
      ? 'again'
      : deal.status === 'active'
        ? () => complete(model, deal)
        : WRONG,
  );

const use = (n: number, event: number, units: bigint) =>
  command<Model, Real>(
    `use ${units} units of ${n} as event ${event}`,
    async (model, { core, seller, ids }) => {
      const [deal, index] = at(model, n);
      const request = { principal: seller.principal, agreementId: ids[index] as string };
      const kind = await kindOf(agreements.record(core, { ...request, units, eventId: `event ${event}` }));
      if (deal.events.has(event)) return void expect([undefined, 'conflict']).toContain(kind);
      if (deal.status !== 'active') return void expect(kind).toBe(WRONG);
      if (deal.used + units * UNIT > deal.cap) return void expect(kind).toBe('usage_exhausted');
      expect(kind).toBeUndefined();
      deal.events.add(event);
      deal.used += units * UNIT;
      if (deal.used === deal.cap) complete(model, deal);
    },
    some,
  );

const challenge = (n: number) =>
  command<Model, Real>(
    `challenge ${n}`,
    async (model, { core, buyer, ids, disputes: opened }) => {
      const [deal, index] = at(model, n);
      const agreementId = ids[index] as string;
      const kind = await kindOf(
        disputes
          .openOnAgreement(core, { principal: buyer.principal, agreementId, reason: 'calls_failed' })
          .then(({ dispute }) => void opened.set(agreementId, dispute.id)),
      );
      const may = deal.status === 'challenge_window';
      expect(kind).toBe(may ? undefined : WRONG);
      if (may) deal.status = 'challenged';
    },
    some,
  );

const decide = (n: number, part: bigint | undefined) =>
  command<Model, Real>(
    `decide ${n}, refund ${part ?? 'all'}`,
    async (model, { core, ids, disputes: opened }) => {
      const [deal, index] = at(model, n);
      if (deal.status !== 'challenged') return;
      const disputeId = opened.get(ids[index] as string) as string;
      const back = part ?? deal.used;
      const request = { principal: operator, disputeId, resolution: 'refund', refundAmount: part } as const;
      const kind = await kindOf(disputes.resolve(core, request));
      expect(kind).toBe(back > deal.used ? 'invalid_amount' : undefined);
      if (back <= deal.used) settle(model, deal, deal.used - back);
    },
    some,
  );

const wait = (ms: number) =>
  command<Model, Real>(`wait ${ms} ms`, async (model, { core, clock }) => {
    model.now += ms;
    clock.advance(ms);
    const { failures } = await agreements.work(core, { limit: 100 });
    expect(failures).toEqual([]);
    tick(model);
  });

async function compare(model: Model, { core, buyer, seller, ids }: Real): Promise<void> {
  expect(await money(core, buyer)).toEqual({ available: model.buyer, held: 0n });
  expect(await money(core, seller)).toEqual({ available: model.seller, held: 0n });
  const found = await Promise.all(
    ids.map((agreementId) => agreements.get(core, { principal: operator, agreementId })),
  );
  expect(found.map(({ status, used }) => ({ status, used }))).toEqual(
    model.deals.map(({ status, used }) => ({ status, used })),
  );
  const [spent] = await policies.spendingOf(core.db, {
    partyIds: [buyer.agent.id],
    atMs: core.clock.now(),
  });
  expect(spent?.monthSpent ?? 0n).toBe(model.counted);
}

describe('agreements', () => {
  let db: Db;
  beforeAll(async () => void (db = await ownDb()));
  afterAll(() => db.close());

  it('keep the money where their state says, and the limits count what may still be spent', async () => {
    const n = fc.nat(2);
    const commands = [
      fc.constantFrom(3n, 5n, 20n).map(propose),
      n.map(accept),
      n.map(accept),
      n.map(reject),
      n.map(activate),
      n.map(activate),
      n.map(finish),
      fc.tuple(n, fc.nat(9), fc.constantFrom(1n, 2n, 4n)).map(([of, event, units]) => use(of, event, units)),
      n.map(challenge),
      fc.tuple(n, fc.constantFrom(undefined, 10n, 40n)).map(([of, part]) => decide(of, part)),
      fc.constantFrom(500, 2_000, 10_000).map(wait),
    ];
    const setUp = async () => {
      const settings = { agreements: { proposalMs: PROPOSAL_MS } };
      const { core, clock } = await testCore(db, { settings });
      const { buyer, seller, service } = await market(core, { funds: FUNDS });
      const terms = { kind: 'daily', amount: DAILY } as const;
      await policies.create(core, { principal: operator, partyId: buyer.agent.id, terms });
      const model: Model = { now: START_MS, buyer: FUNDS, seller: 0n, counted: 0n, deals: [] };
      const real = { core, clock, buyer, seller, serviceId: service.id, ids: [], disputes: new Map() };
      return { model, real };
    };
    await playSequences<Model, Real>(commands, { setUp, finish: compare, runs: 25 });
    expect(await ledger.verifyLedger(db)).toEqual([]);
  });
});
