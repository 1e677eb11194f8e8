import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { tokens } from '@agentpay/core';
import { systemClock, type MachineClock } from '@agentpay/primitives';
import { compose, createApp, createLogger, migrations, readConfig, type Composition } from '@agentpay/server';
import { scratchDb, type ScratchDb } from '@agentpay/storage';
import { testRedis } from '@agentpay/testing';
import supertest from 'supertest';

const MINUTE_MS = 60_000;

/** A replica on a machine whose clock can be set. */
interface Replica {
  readonly http: ReturnType<typeof supertest>;
  readonly composition: Composition;
  readonly logged: readonly string[];
  set(aheadMs: number): void;
  close(): Promise<void>;
}

async function replica(options: { aheadMs?: number; redisUrl?: string } = {}): Promise<Replica> {
  let { aheadMs = 0 } = options;
  const machine: MachineClock = { ...systemClock, now: () => systemClock.now() + aheadMs };
  const logged: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      logged.push(String(chunk));
      done();
    },
  });
  const config = readConfig({
    DATABASE_URL: database.url,
    JWT_SECRET: 'k3vX9mQ2pL7wR4tY8uZ1aB5cD6eF0gH_',
    // Calls of earlier tests are still under way; a busy machine must not be late with them, but whoever is ten minutes ahead would be.
    DEFAULT_SLA_SECONDS: '300',
    ...(options.redisUrl === undefined ? {} : { REDIS_URL: options.redisUrl }),
  });
  const log = createLogger('info', sink);
  const composition = await compose(config, { log, machine, baseUrl: () => 'http://api.test' });
  const server = createApp(composition, config).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    http: supertest(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    composition,
    logged,
    set: (ms) => (aheadMs = ms),
    async close() {
      await new Promise((resolve) => server.close(resolve));
      await composition.close();
    },
  };
}

let database: ScratchDb;
let right: Replica;
const wrong: Record<string, Replica> = {};

beforeAll(async () => {
  database = await scratchDb({ server: process.env['DATABASE_URL'] as string, migrations });
  right = await replica();
  wrong['10 minutes ahead'] = await replica({ aheadMs: 10 * MINUTE_MS });
  wrong['an hour behind'] = await replica({ aheadMs: -60 * MINUTE_MS });
});

afterAll(async () => {
  await Promise.all([right, ...Object.values(wrong)].map((each) => each.close()));
  await database.close();
});

async function shop({ http }: Replica) {
  const { body: agent } = await http.post('/v1/agents').send({ name: 'Clockmaker' }).expect(201);
  const auth = { authorization: `Bearer ${agent.api_key}` };
  const wallet = agent.wallet_id as string;
  const money = { amount: 1, source: 'test_faucet' };
  await http.post(`/v1/wallets/${wallet}/fund`).set(auth).send(money).expect(200);
  const service = { name: `Service of ${agent.id}`, price_per_call: 0.25 };
  const { body } = await http.post('/v1/services').set(auth).send(service).expect(201);
  /** Buys a token by one replica. */
  const buy = async (by: Replica): Promise<{ token: string; token_id: string }> =>
    (
      await by.http
        .post(`/v1/services/${body.id}/authorize`)
        .set(auth)
        .send({ from_wallet_id: wallet })
        .expect(201)
    ).body;
  return { auth, buy };
}

describe.each(['10 minutes ahead', 'an hour behind'])('a replica whose clock is %s', (which) => {
  const off = () => wrong[which] as Replica;

  it('lets calls under way be, and settles one', async () => {
    const { auth, buy } = await shop(right);
    const { token, token_id } = await buy(right);
    await right.http.post('/v1/x402/verify').set(auth).send({ token }).expect(200);
    await right.http.post(`/v1/x402/tokens/${token_id}/call-started`).set(auth).expect(200);
    const nothing = { expired: 0, breached: 0, failures: [] };
    expect(await tokens.sweep(off().composition.core)).toEqual(nothing);
    await tokens.rebuildTracker(off().composition.core);
    expect(await tokens.sweepTracked(off().composition.core)).toEqual(nothing);
    await off().http.post(`/v1/x402/tokens/${token_id}/call-accepted`).set(auth).expect(200);
    await off().http.post(`/v1/x402/tokens/${token_id}/call-completed`).set(auth).expect(200);
  });

  it('sells tokens that others honour, and honours theirs', async () => {
    const { auth, buy } = await shop(right);
    for (const [seller, buyer] of [
      [off(), right],
      [right, off()],
    ] as const) {
      const { token } = await buy(buyer);
      await seller.http.post('/v1/x402/verify').set(auth).send({ token }).expect(200);
    }
  });

  it('releases what is due by the clock of the database', async () => {
    const { buy } = await shop(right);
    const { token_id } = await buy(right);
    const { db } = right.composition.core;
    await db.query(
      `update payment_tokens set deadline = date_trunc('milliseconds', clock_timestamp()) - interval '1 second' where id = $1`,
      [token_id],
    );
    expect(await tokens.sweep(off().composition.core)).toMatchObject({ expired: 1, breached: 0 });
  });

  it('says so, and is sent requests all the same', async () => {
    const { body } = await off().http.get('/readyz').expect(200);
    const aheadMs = which === '10 minutes ahead' ? 10 * MINUTE_MS : -60 * MINUTE_MS;
    expect(body.checks).toMatchObject({ database: 'ok', clock: 'off' });
    expect(Math.round(body.checks.clock_ahead_ms / MINUTE_MS)).toBe(aheadMs / MINUTE_MS);
    expect(off().logged.filter((line) => line.includes("the machine's clock is off"))).toHaveLength(1);
    expect((await right.http.get('/readyz').expect(200)).body.checks).toMatchObject({ clock: 'ok' });
    expect(right.logged.filter((line) => line.includes('clock'))).toEqual([]);
  });
});

describe('a clock that is set while the replica runs', () => {
  it('breaches nothing, expires nothing, and is told at once', async () => {
    const node = await replica();
    try {
      const { auth, buy } = await shop(node);
      const { token } = await buy(node);
      for (const aheadMs of [10 * MINUTE_MS, -60 * MINUTE_MS]) {
        node.set(aheadMs);
        expect(await tokens.sweep(node.composition.core)).toMatchObject({ expired: 0, breached: 0 });
        expect((await node.http.get('/readyz').expect(200)).body.checks).toMatchObject({ clock: 'off' });
      }
      await node.http.post('/v1/x402/verify').set(auth).send({ token }).expect(200);
    } finally {
      await node.close();
    }
  });

  it.each(['memory', 'Redis'])('refuses nobody for longer than before: limits in %s', async (kind) => {
    const redis = await testRedis();
    const redisUrl = process.env['REDIS_URL'] as string;
    const node = await replica(kind === 'Redis' ? { redisUrl } : {});
    try {
      const key = `${redis.prefix}:${kind}`;
      const limit = { perMinute: 60_000, burst: 1 }; // one a millisecond
      const { limiter } = node.composition;
      await limiter.take(key, limit);
      node.set(-60 * MINUTE_MS);
      let verdict = await limiter.take(key, limit);
      for (let tries = 0; !verdict.allowed && tries < 10_000; tries++)
        verdict = await limiter.take(key, limit);
      expect(verdict.allowed).toBe(true);
    } finally {
      await node.close();
      await redis.close();
    }
  });
});
