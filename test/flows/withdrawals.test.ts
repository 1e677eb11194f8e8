import { ledger, purchases, type Core } from '@agentpay/core';
import type { Db } from '@agentpay/primitives';
import { honestSeller, PRICE, purchaseBed, type Buyer, type PurchaseBed } from './purchaseBed.js';

/** Money of a wallet on a chain leaves it to its owner's address: once, and never what payments may still take. */
let bed: PurchaseBed;
let addresses = 0;
beforeAll(async () => {
  bed = await purchaseBed();
});
afterAll(() => bed.close());

const newAddress = () => `0x${(0xabc000 + ++addresses).toString(16).padStart(40, '0')}`;
const prepare = (buyer: Buyer, to: string, amount?: bigint) =>
  purchases.prepareWithdrawal(bed.core, { principal: buyer.principal, to, amount });
const confirm = (buyer: Buyer, { id }: { id: string }, core: Core = bed.core) =>
  purchases.confirmWithdrawal(core, { principal: buyer.principal, withdrawalId: id });

it('what was prepared is sent once it is confirmed, and not before; limits, rules and approvals are not asked', async () => {
  const rules = [
    { kind: 'daily', amount: 1n },
    { kind: 'allowlist', sellers: ['nobody'] },
    { kind: 'approval_over', amount: 0n },
  ] as const;
  const [buyer, to] = [await bed.buyer(1_000_000n, rules), newAddress()];
  const [some, all] = [await prepare(buyer, to, 400_000n), await prepare(buyer, to)];
  expect([some.state, all.terms?.amount, bed.paid(to)]).toEqual(['requested', '1000000', 0n]);
  expect(await confirm(buyer, some)).toMatchObject({
    state: 'confirmed',
    reference: expect.stringMatching(/^0x/),
  });
  expect(bed.paid(to)).toBe(400_000n);
  await expect(confirm(buyer, all)).rejects.toMatchObject({ kind: 'insufficient_funds' });
  expect((await confirm(buyer, await prepare(buyer, to))).state).toBe('confirmed');
  expect(bed.paid(to)).toBe(1_000_000n);
  const told = await bed.core.db.query<{ type: string }>(
    `select type from events where type like 'withdrawal.%' and $1 = any(audience) order by sequence`,
    [buyer.id],
  );
  expect(told.map(({ type }) => type.slice('withdrawal.'.length))).toEqual([
    'requested',
    'requested',
    'completed',
    'requested',
    'completed',
  ]);
  await bed.settleAll();
  await bed.expectSettled();
});

it('SBC on Radius leaves by a permit, for which the wallet has no gas', async () => {
  const [buyer, to] = [await bed.buyer(3n * PRICE, [], 'permit2'), newAddress()];
  expect(await confirm(buyer, await prepare(buyer, to, PRICE))).toMatchObject({
    state: 'confirmed',
    reference: expect.stringMatching(/^0x/),
  });
  expect((await confirm(buyer, await prepare(buyer, to))).state).toBe('confirmed');
  expect([bed.paid(to), bed.radius.balanceOf(buyer.wallet.address)]).toEqual([3n * PRICE, 0n]);
  await bed.expectSettled();
});

it('what payments hold is not free to leave', async () => {
  const [buyer, to] = [await bed.buyer(3n * PRICE), newAddress()];
  // A seller that takes the proof and tells nothing: the money may move until the authorization ends.
  const url = await bed.serve((request, response) => {
    if (request.headers['payment-signature']) return response.writeHead(200).end('{}');
    return honestSeller(bed.facilitator, 'x402v2').handle(request as never, response);
  });
  const { purchase } = await purchases.buy(bed.core, { principal: buyer.principal, url });
  expect(purchase.state).toBe('delivered');
  await expect(prepare(buyer, to, 2n * PRICE + 1n)).rejects.toMatchObject({ kind: 'insufficient_funds' });
  const rest = await prepare(buyer, to);
  expect(rest.terms?.amount).toBe(String(2n * PRICE));
  expect((await confirm(buyer, rest)).state).toBe('confirmed');
  bed.clock.shift(70_000);
  await bed.settleAll();
  expect((await prepare(buyer, to)).terms?.amount).toBe(String(PRICE));
  await bed.expectSettled();
});

it('confirmed by many instances at once it is sent once', async () => {
  const [buyer, to] = [await bed.buyer(10n * PRICE), newAddress()];
  const prepared = await prepare(buyer, to, PRICE);
  const cores = Array.from({ length: 10 }, () => bed.another());
  await Promise.allSettled(cores.map((core) => confirm(buyer, prepared, core)));
  expect((await confirm(buyer, prepared)).state).toBe('confirmed');
  expect(bed.paid(to)).toBe(PRICE);
  await bed.expectSettled();
});

it('a process that dies within it, after whatever step: sent once or not at all, and nothing stays reserved', async () => {
  for (let n = 1; ; n++) {
    expect(n).toBeLessThan(60);
    const [buyer, to] = [await bed.buyer(PRICE), newAddress()];
    const prepared = await prepare(buyer, to);
    let effects = 0;
    const alive = async <T>(work: () => Promise<T>): Promise<T> => {
      if (effects >= n) throw new Error('died');
      const result = await work();
      if (++effects >= n) throw new Error('died');
      return result;
    };
    const { db, ports } = bed.core;
    const dying: Db = {
      ...db,
      query: (sql, params, options) => alive(() => db.query(sql, params, options)),
      tx: (fn, options) => alive(() => db.tx(fn, options)),
    };
    const facilitator = {
      ...ports.facilitator,
      verify: (request: never) => alive(() => bed.facilitator.verify(request)),
      settle: (request: never) => alive(() => bed.facilitator.settle(request)),
    } as unknown as Core['ports']['facilitator'];
    await confirm(buyer, prepared, bed.another({ facilitator }, dying)).catch(() => undefined);
    if (effects < n) break;
    bed.clock.shift(41_000);
    await purchases.work(bed.core, { limit: 100 });
    const again = await confirm(buyer, prepared);
    expect([n, again.state, bed.paid(to)]).toEqual([n, 'confirmed', PRICE]);
  }
  await bed.settleAll();
  await bed.expectSettled();
  expect(await ledger.verifyLedger(bed.core.db)).toEqual([]);
});

it('it is refused when nobody confirmed it for ten minutes, to a mistyped address, or while payments are switched off', async () => {
  const [buyer, to] = [await bed.buyer(PRICE), newAddress()];
  const prepared = await prepare(buyer, to);
  bed.clock.shift(600_000);
  await expect(confirm(buyer, prepared)).rejects.toMatchObject({ reason: 'expired' });
  for (const wrong of [
    '0x3c44CdDdB6a900fa2b585dd299e03d12FA4293BC',
    `0x${'0'.repeat(40)}`,
    buyer.wallet.address,
  ])
    await expect(prepare(buyer, wrong)).rejects.toMatchObject({ kind: 'invalid_request', param: 'to' });
  const other = await bed.buyer(PRICE);
  await expect(confirm(other, await prepare(buyer, to))).rejects.toMatchObject({
    kind: 'withdrawal_not_found',
  });
  const stopped = await bed.buyer(PRICE, [{ kind: 'kill_switch' }]);
  await expect(confirm(stopped, await prepare(stopped, to))).rejects.toMatchObject({ reason: 'kill_switch' });
  expect(bed.paid(to)).toBe(0n);
  await bed.expectSettled();
});
