import { events, eventTypes, tokens } from '@agentpay/core';
import type { Core } from '@agentpay/core';
import type { Db, Tx } from '@agentpay/primitives';
import { z } from 'zod';
import { market, testCore } from '../flows/market.js';
import { freshDb } from './freshDb.js';

const happened = events.eventType('test.happened', { n: z.number() });
type Read = Awaited<ReturnType<typeof events.read>>;

describe.each(['PostgreSQL', 'PGlite'] as const)('events on %s', (kind) => {
  let db: Db;
  let core: Core;
  let close: () => Promise<void>;

  beforeAll(async () => {
    ({ db, close } = await freshDb(kind, 10));
    ({ core } = await testCore(db));
  });
  afterAll(() => close());

  const emit = (tx: Tx, n: number) =>
    events.emit(core, tx, happened, { subject: 'subject', audience: [], object: { n } });
  const emitted = (n: number) => db.tx((tx) => emit(tx, n));

  /** Everything after a position, in small readings. */
  async function drain(after?: events.EventPosition): Promise<Read> {
    const all: Read = [];
    for (;;) {
      const next = await events.read(db, { after: all.at(-1) ?? after, limit: 3 });
      if (next.length === 0) return all;
      all.push(...next);
    }
  }

  /** Waits until other transactions of the server no longer hold the reader back. */
  async function drainAll(after: events.EventPosition, count: number): Promise<Read> {
    for (let all: Read = []; ;) {
      all = [...all, ...(await drain(all.at(-1) ?? after))];
      if (all.length >= count) return all;
    }
  }

  let last: events.EventPosition | undefined;
  /** The position of an event of now, behind which nothing is left unread. */
  async function mark(): Promise<events.EventPosition> {
    const { id } = await emitted(-1);
    for (;;) {
      for (const event of await drain(last)) last = event;
      if ((last as Read[number] | undefined)?.id === id) return last as Read[number];
    }
  }

  it('are read once each, in pages, in the order of their transactions', async () => {
    const before = await mark();
    for (let n = 0; n < 10; n++) await emitted(n);
    const read = await drainAll(before, 10);
    expect(read.map((event) => event.data['n'])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await drain(read.at(-1))).toEqual([]);
  });

  it('tell the parties concerned, as their type says', async () => {
    const { seller, buyer, service } = await market(core);
    const { token } = await tokens.authorize(core, {
      principal: buyer.principal,
      serviceId: service.id,
      walletId: buyer.walletId,
    });
    await tokens.cancel(core, { principal: buyer.principal, tokenId: token.id });
    const told = await events.history(db, { subject: token.id });
    expect(told.map((event) => event.type)).toEqual(['token.reserved', 'token.cancelled']);
    for (const event of told) {
      expect([...event.audience].sort()).toEqual([buyer.agent.id, seller.agent.id].sort());
      const type = eventTypes.find((each) => each.name === event.type);
      expect(type?.object.strict().parse(event.data)).toEqual(event.data);
    }
  });

  it('are gone with the change they tell of', async () => {
    const before = await mark();
    const failed = db.tx(async (tx) => {
      await emit(tx, 1);
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    await emitted(2);
    expect((await drainAll(before, 1)).map((event) => event.data['n'])).toEqual([2]);
  });

  if (kind === 'PostgreSQL') {
    it('of a transaction that commits late are not passed over', async () => {
      const before = await mark();
      let wrote = (): void => {};
      let commit = (): void => {};
      const written = new Promise<void>((resolve) => (wrote = resolve));
      const late = db.tx(async (tx) => {
        await emit(tx, 1);
        wrote();
        await new Promise<void>((resolve) => (commit = resolve));
      });
      await written;
      await emitted(2);
      const meanwhile = await drain(before);
      expect(meanwhile).toEqual([]);
      commit();
      await late;
      const read = await drainAll(before, 2);
      expect(read.map((event) => event.data['n'])).toEqual([1, 2]);
    });

    it('of 200 transactions at once are each read exactly once by a reader that runs meanwhile', async () => {
      const before = await mark();
      let writing = true;
      const writers = Promise.all(Array.from({ length: 200 }, (_, n) => emitted(n))).then(
        () => (writing = false),
      );
      const read: Read = [];
      while (writing) read.push(...(await events.read(db, { after: read.at(-1) ?? before, limit: 7 })));
      await writers;
      read.push(...(await drainAll(read.at(-1) ?? before, 200 - read.length)));
      const numbers = read.map((event) => event.data['n'] as number);
      expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, n) => n));
    });
  }
});

it('types of events have different names', () => {
  const names = eventTypes.map((type) => type.name);
  expect(names.length).toBeGreaterThan(4);
  expect(new Set(names).size).toBe(names.length);
});
