import { idempotency, wallets } from '@agentpay/core';
import type { Core } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import type { Db, ManualClock } from '@agentpay/primitives';
import { money, signedIn, testCore } from '../flows/market.js';
import type { SignedIn } from '../flows/market.js';
import { freshDb } from './freshDb.js';

const AMOUNT = 1_000_000n;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

describe.each(['PostgreSQL', 'PGlite'] as const)('an idempotency key on %s', (kind) => {
  let db: Db;
  let core: Core;
  let clock: ManualClock;
  let close: () => Promise<void>;
  let owner: SignedIn;
  let keys = 0;

  beforeAll(async () => {
    ({ db, close } = await freshDb(kind, 20));
    ({ core, clock } = await testCore(db));
  });
  beforeEach(async () => {
    owner = await signedIn(core, 'Owner');
  });
  afterAll(() => close());

  const newKey = () => `key-${++keys}`;
  const request = (key: string, input: unknown = { amount: 1 }) => ({
    partyId: owner.agent.id,
    endpoint: 'runtime.wallets.fund',
    key,
    input,
  });
  /** Gives money and answers with the transaction's id, which differs each time it really happens. */
  const give = async (within: Core) => {
    const { principal, walletId } = owner;
    const source = 'test_faucet';
    const { transactionId } = await wallets.fund(within, { principal, walletId, amount: AMOUNT, source });
    return { status: 201, body: JSON.stringify({ transactionId }) };
  };

  it('gives the same request the same response and moves its money once', async () => {
    const key = newKey();
    const first = await idempotency.once(core, request(key, { amount: 1, to: 'a' }), give);
    clock.advance(DAY - 1);
    expect(await idempotency.once(core, request(key, { to: 'a', amount: 1 }), give)).toEqual(first);
    expect(await money(core, owner)).toEqual({ available: AMOUNT, held: 0n });
  });

  it('refuses another request, and forgets the key after 24 hours', async () => {
    const key = newKey();
    const first = await idempotency.once(core, request(key), give);
    await expect(idempotency.once(core, request(key, { amount: 2 }), give)).rejects.toMatchObject({
      kind: 'conflict',
      reason: 'idempotency_key_reused',
    });
    clock.advance(DAY);
    expect(await idempotency.once(core, request(key, { amount: 2 }), give)).not.toEqual(first);
  });

  it('of a request whose outcome is unknown says so, also when the database stays away and the key cannot be freed', async () => {
    const key = newKey();
    const cutOff: Db = {
      ...core.db,
      async tx(work, options) {
        await core.db.tx(work, options);
        cutOff.query = () =>
          Promise.reject(new AgentPayError('unavailable', 'No connection to the database.'));
        throw new AgentPayError('outcome_unknown', 'The database did not confirm the change.');
      },
    };
    await expect(idempotency.once({ ...core, db: cutOff }, request(key), give)).rejects.toMatchObject({
      kind: 'outcome_unknown',
    });
    await idempotency.once(core, request(key), give);
    expect((await money(core, owner)).available).toBe(AMOUNT);
  });

  it('is another key for another party and at another endpoint', async () => {
    const key = newKey();
    const other = await signedIn(core, 'Other');
    await idempotency.once(core, request(key), give);
    await idempotency.once(core, { ...request(key), partyId: other.agent.id }, give);
    await idempotency.once(core, { ...request(key), endpoint: 'runtime.wallets.other' }, give);
    expect((await money(core, owner)).available).toBe(3n * AMOUNT);
  });

  it('moves money once for 50 that ask at the same time; those that come meanwhile are told when to ask again', async () => {
    const key = newKey();
    const settled = await Promise.allSettled(
      Array.from({ length: 50 }, () => idempotency.once(core, request(key), give)),
    );
    const bodies = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value.body] : []));
    expect(new Set(bodies).size).toBe(1);
    for (const result of settled) {
      if (result.status === 'rejected')
        expect(result.reason).toMatchObject({
          kind: 'conflict',
          reason: 'idempotency_in_progress',
          retryAfter: 1,
        });
    }
    expect(await idempotency.once(core, request(key), give)).toMatchObject({ body: bodies[0] });
    expect((await money(core, owner)).available).toBe(AMOUNT);
  });

  it('is free again after a request that failed, which changed nothing', async () => {
    const key = newKey();
    const fails = async (within: Core) => {
      await give(within);
      throw new AgentPayError('insufficient_funds', 'Not enough.');
    };
    await expect(idempotency.once(core, request(key), fails)).rejects.toMatchObject({
      kind: 'insufficient_funds',
    });
    expect((await money(core, owner)).available).toBe(0n);
    await idempotency.once(core, request(key), give);
    expect((await money(core, owner)).available).toBe(AMOUNT);
  });

  it('does not commit what an operation gave up, even when its error is swallowed', async () => {
    const swallows = async (within: Core) => {
      await give(within);
      await within.db.tx(() => Promise.reject(new Error('gave up'))).catch(() => undefined);
      return { status: 200, body: '{}' };
    };
    await expect(idempotency.once(core, request(newKey()), swallows)).rejects.toThrow('gave up');
    expect((await money(core, owner)).available).toBe(0n);
  });

  it('of a request that died unfinished is taken over after a minute; the first then cannot commit', async () => {
    const key = newKey();
    const claimed = await idempotency.claim(core, request(key));
    if (!('claim' in claimed)) throw new Error('the key is new');
    clock.advance(MINUTE - 1);
    await expect(idempotency.once(core, request(key), give)).rejects.toMatchObject({
      reason: 'idempotency_in_progress',
    });
    clock.advance(1);
    await expect(idempotency.once(core, request(key, { amount: 2 }), give)).rejects.toMatchObject({
      reason: 'idempotency_key_reused',
    });
    const second = await idempotency.once(core, request(key), give);
    const late = db.tx(async (tx) => {
      await tx.query('update parties set kind = kind where id = $1', [owner.agent.id]);
      await idempotency.finish(tx, { claim: claimed.claim, response: { status: 200, body: 'late' } });
    });
    await expect(late).rejects.toMatchObject({ kind: 'outcome_unknown' });
    await idempotency.release(core, claimed.claim);
    expect(await idempotency.once(core, request(key), give)).toEqual(second);
  });

  it('is deleted when its time is over, and not before', async () => {
    clock.advance(1);
    const key = newKey();
    const first = await idempotency.once(core, request(key), give);
    clock.advance(DAY - 1);
    while ((await idempotency.purge(core, { limit: 100 })) > 0);
    expect(await idempotency.once(core, request(key), give)).toEqual(first);
    clock.advance(1);
    expect(await idempotency.purge(core, { limit: 100 })).toBe(1);
    expect(await idempotency.purge(core, { limit: 100 })).toBe(0);
  });
});
