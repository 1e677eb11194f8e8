import { sqlState } from '@agentpay/primitives';
import type { Db } from '@agentpay/primitives';
import { migrate } from '@agentpay/storage';

/** What every driver behind `Db` guarantees. `open` gives an empty database; the suite closes it. */
export function dbCases(name: string, open: () => Promise<Db>): void {
  describe(`Db: ${name}`, () => {
    let db: Db;

    beforeAll(async () => {
      db = await open();
    });
    afterAll(() => db.close());
    beforeEach(() =>
      db.exec('drop table if exists notes; create table notes (id bigint primary key, body text)'),
    );

    const count = async () => (await db.query<{ count: bigint }>('select count(*) from notes'))[0]?.count;

    describe('values', () => {
      it.each([
        ['int8 beyond doubles', 'bigint', 9_007_199_254_740_993n],
        ['a negative int8', 'bigint', -1n],
        ['int4', 'integer', 7],
        ['text', 'text', "it's — ünï\ncode"],
        ['a timestamp', 'timestamptz', new Date('2026-05-08T13:05:00.123Z')],
        ['a boolean', 'boolean', false],
        ['null', 'text', null],
        ['an array of text', 'text[]', ['a', 'b "c"', '']],
        ['an array of int8', 'bigint[]', [9_007_199_254_740_993n, 2n]],
        ['bytes', 'bytea', new Uint8Array([0, 255, 39])],
      ])('%s comes back as it went in', async (_what, type, value) => {
        const [row] = await db.query<{ value: unknown }>(`select $1::${type} as value`, [value]);
        expect(row?.value instanceof Uint8Array ? new Uint8Array(row.value) : row?.value).toEqual(value);
      });

      it('jsonb goes in as text and comes back parsed', async () => {
        const [row] = await db.query('select $1::jsonb as value', [JSON.stringify({ a: [1, 'x'], b: null })]);
        expect(row).toEqual({ value: { a: [1, 'x'], b: null } });
      });

      it('count(*) is a bigint', async () => {
        expect(await count()).toBe(0n);
      });
    });

    describe('errors', () => {
      it('a unique violation carries its SQLSTATE', async () => {
        await db.query("insert into notes values (1, 'a')");
        const error = await db.query("insert into notes values (1, 'b')").catch((thrown: unknown) => thrown);
        expect(sqlState(error)).toBe('23505');
      });

      it('a statement that fails leaves the database usable', async () => {
        await expect(db.query('select nonsense')).rejects.toThrow('nonsense');
        expect(await count()).toBe(0n);
      });
    });

    describe('statements in order', () => {
      const write = (body: string) =>
        db.query('insert into notes select count(*), $1 from notes', [body], { inOrder: true });
      const bodies = async () =>
        (await db.query<{ body: string }>('select body from notes order by id')).map(({ body }) => body);

      it('given at once are carried out one after the other, each by itself', async () => {
        const all = Array.from({ length: 50 }, (_, n) => `${n}`);
        await Promise.all(all.map(write));
        expect(await bodies()).toEqual(all);
      });

      it('go on after one that fails', async () => {
        const fails = db.query('insert into notes values (0, null), (0, null)', [], { inOrder: true });
        const [, outcome] = await Promise.allSettled([write('a'), fails, write('b')]);
        expect(outcome.status).toBe('rejected');
        expect(await bodies()).toEqual(['a', 'b']);
      });

      it('leave transactions and other statements alone', async () => {
        const moves = Array.from({ length: 20 }, (_, n) =>
          n % 2 === 0
            ? write(`${n}`)
            : db.tx(async (tx) => {
                await tx.query('select 1');
                await expect(tx.query('select 2')).resolves.toHaveLength(1);
              }),
        );
        await Promise.all(moves);
        expect(await bodies()).toEqual(Array.from({ length: 10 }, (_, n) => `${2 * n}`));
      });
    });

    describe('tx', () => {
      it('commits what its function wrote and gives what it returned', async () => {
        const result = await db.tx(async (tx) => {
          await tx.query("insert into notes values (1, 'a')");
          return 'done';
        });
        expect(result).toBe('done');
        expect(await count()).toBe(1n);
      });

      it('rolls back when its function rejects, and rejects with the same error', async () => {
        const failure = new Error('changed my mind');
        const writing = db.tx(async (tx) => {
          await tx.query("insert into notes values (1, 'a')");
          throw failure;
        });
        await expect(writing).rejects.toBe(failure);
        expect(await count()).toBe(0n);
      });

      it('never passes for committed when a statement in it failed and the function went on', async () => {
        const swallowing = db.tx(async (tx) => {
          await tx.query("insert into notes values (1, 'a')");
          await tx.query("insert into notes values (1, 'b')").catch(() => undefined);
        });
        await expect(swallowing).rejects.toThrow();
        expect(await count()).toBe(0n);
      });

      it('refuses statements after its end', async () => {
        const leaked = await db.tx(async (tx) => ({ tx }));
        await expect(leaked.tx.query("insert into notes values (1, 'a')")).rejects.toThrow();
        expect(await count()).toBe(0n);
      });

      it('runs deferred constraints at the commit', async () => {
        await db.exec(
          'alter table notes add constraint body_unique unique (body) deferrable initially deferred',
        );
        const error = await db
          .tx((tx) => tx.query("insert into notes values (1, 'a'), (2, 'a')"))
          .catch((thrown: unknown) => thrown);
        expect(sqlState(error)).toBe('23505');
        expect(await count()).toBe(0n);
      });

      it('does not mix the statements of concurrent transactions', async () => {
        const writers = Array.from({ length: 20 }, (_, index) =>
          db.tx(async (tx) => {
            const id = BigInt(index);
            await tx.query("insert into notes values ($1, 'a')", [id]);
            const [row] = await tx.query<{ id: bigint }>('select id from notes where id = $1 for update', [
              id,
            ]);
            if (index % 2 === 1) throw new Error('odd');
            return row?.id;
          }),
        );
        const results = await Promise.allSettled(writers);
        expect(results.filter((result) => result.status === 'rejected')).toHaveLength(10);
        expect(
          (await db.query<{ id: bigint }>('select id from notes order by id')).map((row) => row.id),
        ).toEqual(Array.from({ length: 10 }, (_, index) => BigInt(index * 2)));
      });
    });

    describe('migrate', () => {
      const first = { name: 'first', sql: 'create table migrated (x int); insert into migrated values (1)' };

      beforeEach(() => db.exec('drop table if exists migrations, migrated'));

      it('runs each migration once, also when several start at the same time', async () => {
        await Promise.all([migrate(db, [first]), migrate(db, [first]), migrate(db, [first])]);
        await migrate(db, [first, { name: 'second', sql: 'insert into migrated values (2)' }]);
        expect(await db.query('select x from migrated order by x')).toEqual([{ x: 1 }, { x: 2 }]);
      });

      it('refuses a migration that was changed after it ran', async () => {
        await migrate(db, [first]);
        await expect(migrate(db, [{ ...first, sql: `${first.sql} ` }])).rejects.toThrow(
          'Migration first was changed',
        );
      });

      it('refuses two migrations of one name', async () => {
        await expect(migrate(db, [first, first])).rejects.toThrow('Two migrations are named first');
      });

      it('runs none when one fails', async () => {
        await expect(migrate(db, [first, { name: 'broken', sql: 'create nonsense' }])).rejects.toThrow(
          'Migration broken failed',
        );
        await migrate(db, [first]);
        expect(await db.query('select x from migrated')).toEqual([{ x: 1 }]);
      });

      it('leaves migrations of others alone', async () => {
        await migrate(db, [first]);
        await migrate(db, [{ name: 'other/first', sql: 'insert into migrated values (3)' }]);
        expect(await db.query('select x from migrated order by x')).toEqual([{ x: 1 }, { x: 3 }]);
      });
    });
  });
}
