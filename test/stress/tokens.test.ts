import { ledger, marketplace, tokens } from '@agentpay/core';
import type { Core } from '@agentpay/core';
import { isAgentPayError } from '@agentpay/primitives';
import type { Db, ManualClock } from '@agentpay/primitives';
import { pgDb } from '@agentpay/storage';
import { testDatabase } from '@agentpay/testing';
import type { TestDatabase } from '@agentpay/testing';
import { FEE, market, money, PRICE, SLA_SECONDS, START_MS, testCore } from '../flows/market.js';
import type { SignedIn } from '../flows/market.js';

const TTL_MS = 300_000;
const FUNDS = 1_000_000n;
const SLA_MS = SLA_SECONDS * 1000;

let database: TestDatabase;
let db: Db;
let core: Core;
let clock: ManualClock;
let place: Awaited<ReturnType<typeof market>>;

beforeAll(async () => {
  database = await testDatabase();
  db = pgDb({ url: database.url, max: 30, connectTimeoutMs: 300_000 });
});
beforeEach(async () => {
  ({ core, clock } = await testCore(db));
  place = await market(core, { funds: FUNDS });
});
afterEach(async () => {
  await tokens.sweep(core, { nowMs: START_MS + 86_400_000, limit: 1_000 });
  expect(await ledger.verifyLedger(db)).toEqual([]);
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

function authorize() {
  const { buyer, service } = place;
  return tokens.authorize(core, {
    principal: buyer.principal,
    serviceId: service.id,
    walletId: buyer.walletId,
  });
}

async function accepted() {
  const { signed, token } = await authorize();
  const bySeller = { principal: place.seller.principal, tokenId: token.id };
  await tokens.verify(core, { principal: place.seller.principal, token: signed });
  await tokens.callStarted(core, bySeller);
  await tokens.callAccepted(core, bySeller);
  return bySeller;
}

/** What each call came to: "ok" or the kind of its error; anything else is thrown. */
async function outcomes(calls: Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(calls);
  return settled.map((result) => {
    if (result.status === 'fulfilled') return 'ok';
    if (isAgentPayError(result.reason)) return result.reason.kind;
    throw result.reason;
  });
}

const count = (kinds: string[], kind: string) => kinds.filter((other) => other === kind).length;
const tally = (kinds: string[]) => Object.fromEntries(kinds.map((kind) => [kind, count(kinds, kind)]));
const repeat = <T>(times: number, make: () => T) => Array.from({ length: times }, make);

describe('payment tokens on PostgreSQL', () => {
  it('a token is redeemed once under 50 concurrent verifies', async () => {
    const { signed } = await authorize();
    const verifies = repeat(50, () =>
      tokens.verify(core, { principal: place.seller.principal, token: signed }),
    );
    expect(tally(await outcomes(verifies))).toEqual({ ok: 1, token_already_redeemed: 49 });
  });

  it('the same holds when every node has a tracker of its own that has never seen the token', async () => {
    const { signed } = await authorize();
    const nodes = await Promise.all(repeat(10, () => testCore(db)));
    const request = { principal: place.seller.principal, token: signed };
    const verifies = nodes.flatMap((node) => repeat(5, () => tokens.verify(node.core, request)));
    expect(tally(await outcomes(verifies))).toEqual({ ok: 1, token_already_redeemed: 49 });
  });

  it('a call is paid once under 20 concurrent completions, and all of them say so', async () => {
    const bySeller = await accepted();
    expect(tally(await outcomes(repeat(20, () => tokens.callCompleted(core, bySeller))))).toEqual({ ok: 20 });
    expect(await money(core, place.seller)).toEqual({ available: PRICE - FEE, held: 0n });
    expect((await marketplace.get(core, { serviceId: place.service.id })).trustScore).toBe(51);
  });

  it('verify and cancel race: the money is spent or back, never both', async () => {
    const results: string[] = [];
    for (let round = 0; round < 20; round++) {
      const { signed, token } = await authorize();
      const calls = [
        () => tokens.verify(core, { principal: place.seller.principal, token: signed }),
        () => tokens.cancel(core, { principal: place.buyer.principal, tokenId: token.id }),
      ];
      const inOrder = round % 2 === 0 ? calls : calls.reverse();
      const kinds = await outcomes(inOrder.map((call) => call()));
      expect([...kinds].sort()).toEqual(['ok', 'token_wrong_state']);
      const { state } = await tokens.get(core, { principal: place.buyer.principal, tokenId: token.id });
      expect(['redeemed', 'cancelled']).toContain(state);
      results.push(state);
    }
    const redeemed = BigInt(results.filter((state) => state === 'redeemed').length);
    expect(await money(core, place.buyer)).toEqual({
      available: FUNDS - PRICE * redeemed,
      held: PRICE * redeemed,
    });
  });

  it('completed and failed race: paid or refunded, never both', async () => {
    let paid = 0n;
    for (let round = 0; round < 20; round++) {
      const bySeller = await accepted();
      const calls = [() => tokens.callCompleted(core, bySeller), () => tokens.callFailed(core, bySeller)];
      const kinds = await outcomes((round % 2 === 0 ? calls : calls.reverse()).map((call) => call()));
      expect([...kinds].sort()).toEqual(['ok', 'token_wrong_state']);
      if ((await tokens.get(core, bySeller)).state === 'settled') paid++;
    }
    expect(await money(core, place.buyer)).toEqual({ available: FUNDS - PRICE * paid, held: 0n });
    expect(await money(core, place.seller)).toEqual({ available: (PRICE - FEE) * paid, held: 0n });
  });

  it('completed on a node whose clock is behind races the sweeps of three others: paid or refunded, never both', async () => {
    const late = await Promise.all(repeat(3, () => testCore(db)));
    for (const node of late) node.clock.advance(SLA_MS);
    let paid = 0n;
    for (let round = 0; round < 20; round++) {
      const bySeller = await accepted();
      const completing = () => outcomes([tokens.callCompleted(core, bySeller)]);
      const sweeping = () => Promise.all(late.map((node) => tokens.sweep(node.core)));
      // Who is first to the wire alternates; who is first to the row is the race.
      const first = round % 2 === 0 ? completing() : undefined;
      const running = sweeping();
      const [completed, swept] = await Promise.all([first ?? completing(), running]);
      const breached = swept.reduce((sum, one) => sum + one.breached, 0);
      expect(swept.flatMap((one) => one.failures)).toEqual([]);
      const { state } = await tokens.get(core, bySeller);
      expect([state, completed, breached]).toEqual(
        state === 'settled' ? ['settled', ['ok'], 0] : ['sla_breached', ['token_wrong_state'], 1],
      );
      if (state === 'settled') paid++;
    }
    expect(await money(core, place.buyer)).toEqual({ available: FUNDS - PRICE * paid, held: 0n });
    expect(await money(core, place.seller)).toEqual({ available: (PRICE - FEE) * paid, held: 0n });
  });

  it('many sweeps at once release each of 60 due tokens exactly once', async () => {
    await Promise.all(repeat(60, authorize));
    clock.advance(TTL_MS);
    const swept = await Promise.all(repeat(8, () => tokens.sweep(core)));
    expect(swept.flatMap((one) => one.failures)).toEqual([]);
    // A sweep leaves alone what another one has in hand; what all left to each other, the next one takes.
    const last = await tokens.sweep(core);
    expect(swept.reduce((sum, one) => sum + one.expired, last.expired)).toBe(60);
    expect(await money(core, place.buyer)).toEqual({ available: FUNDS, held: 0n });
  });

  it('buyers and sellers who pay each other crosswise do not deadlock', async () => {
    const offer = { principal: place.buyer.principal, name: `Back ${place.service.id}`, pricePerCall: PRICE };
    const service = await marketplace.register(core, offer);
    const forth = { from: place.buyer, to: place.seller, serviceId: place.service.id };
    const back = { from: place.seller, to: place.buyer, serviceId: service.id };
    await Promise.all(repeat(12, () => settleOnce(forth)));
    const before = (await money(core, place.seller)).available;
    await Promise.all(repeat(10, () => [settleOnce(forth), settleOnce(back)]).flat());
    expect((await money(core, place.seller)).available).toBe(before - 10n * FEE);
  });
});

async function settleOnce({
  from,
  to,
  serviceId,
}: {
  from: SignedIn;
  to: SignedIn;
  serviceId: string;
}): Promise<void> {
  const { signed, token } = await tokens.authorize(core, {
    principal: from.principal,
    serviceId,
    walletId: from.walletId,
  });
  const request = { principal: to.principal, tokenId: token.id };
  await tokens.verify(core, { principal: to.principal, token: signed });
  await tokens.callStarted(core, request);
  await tokens.callAccepted(core, request);
  await tokens.callCompleted(core, request);
}
