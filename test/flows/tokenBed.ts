import { ledger, marketplace, tokens } from '@agentpay/core';
import type { Core } from '@agentpay/core';
import type { Db, ManualClock } from '@agentpay/primitives';
import { pgliteDb } from '@agentpay/storage';
import { market, START_MS, testCore } from './market.js';

export const TTL_MS = 300_000;
export const FUNDS = 1_000_000n;
export const unspent = { available: FUNDS, held: 0n };

export const refused = (kind: string, reason?: string) =>
  expect.objectContaining({ name: 'AgentPayError', kind, reason });

/** A market of its own for each test, on one database for the file; its books are checked after each. */
export interface TokenBed {
  db: Db;
  core: Core;
  clock: ManualClock;
  place: Awaited<ReturnType<typeof market>>;
}

type More = { maxAmount?: bigint; walletId?: string; serviceId?: string };
const order = ['reserved', 'redeemed', 'in_flight', 'accepted', 'settled'] as const;

/** Registers the hooks; `use` is called before each test with what it has. */
export function tokenBed(use: (bed: TokenBed) => void) {
  let bed: TokenBed;
  let db: Db;
  beforeAll(async () => {
    db = await pgliteDb();
  });
  beforeEach(async () => {
    const { core, clock } = await testCore(db);
    bed = { db, core, clock, place: await market(core, { funds: FUNDS }) };
    use(bed);
  });
  afterEach(async () => {
    await tokens.sweep(bed.core, { nowMs: START_MS + 86_400_000, limit: 1_000 });
    expect(await ledger.verifyLedger(db)).toEqual([]);
    expect(await ledger.verifyChains(bed.core)).toEqual([]);
  });
  afterAll(() => db.close());

  function authorize(more: More = {}) {
    const { buyer, service } = bed.place;
    const request = { principal: buyer.principal, serviceId: service.id, walletId: buyer.walletId };
    return tokens.authorize(bed.core, { ...request, ...more });
  }

  /** A token taken as far as `state`, with the requests of its two sides. */
  async function tokenIn(state: (typeof order)[number]) {
    const { core, place } = bed;
    const { signed, token } = await authorize();
    const bySeller = { principal: place.seller.principal, tokenId: token.id };
    const byBuyer = { principal: place.buyer.principal, tokenId: token.id };
    const reach = order.indexOf(state);
    if (reach >= 1) await tokens.verify(core, { principal: place.seller.principal, token: signed });
    if (reach >= 2) await tokens.callStarted(core, bySeller);
    if (reach >= 3) await tokens.callAccepted(core, bySeller);
    if (reach >= 4) await tokens.callCompleted(core, bySeller);
    return { signed, bySeller, byBuyer, stateNow: async () => (await tokens.get(core, byBuyer)).state };
  }

  const trust = async () => (await marketplace.get(bed.core, { serviceId: bed.place.service.id })).trustScore;

  return { authorize, tokenIn, trust };
}
