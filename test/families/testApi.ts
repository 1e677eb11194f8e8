import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { ledger, type Core } from '@agentpay/core';
import { manualClock, systemRandom, type ManualClock } from '@agentpay/primitives';
import { compose, createApp, createLogger, migrations, readConfig, type Composition } from '@agentpay/server';
import { scratchDb } from '@agentpay/storage';
import supertest from 'supertest';

export const ADMIN_KEY = 'operator-key-for-the-tests-0123456789';
export const DEMO_ADMIN_KEY = 'demo-operator-key-for-the-tests-987654321';
export const START = Date.UTC(2026, 4, 8, 13, 0, 0);

/** The whole API on a database of its own, with time that stands still. */
export interface TestApi {
  readonly url: string;
  readonly composition: Composition;
  readonly clock: ManualClock;
  /** Lines that were logged. */
  readonly logged: readonly string[];
  readonly http: ReturnType<typeof supertest>;
  close(): Promise<void>;
}

/** The settings of an API on a database. */
export const settingsOn = (databaseUrl: string): Record<string, string> => ({
  ADMIN_KEY,
  PUBLIC_DEMO_ADMIN_TOKEN: DEMO_ADMIN_KEY,
  DATABASE_URL: databaseUrl,
  JWT_SECRET: 'secret-of-the-tests-that-signs-0123456789',
  KEY_PEPPER: 'pepper-of-the-tests-0123456789-abcdefghij',
  RATE_LIMIT_PER_MINUTE: '1000000',
  RATE_LIMIT_BURST: '1000000',
});

/** What a test does to the API. */
export interface TestApiOptions {
  /** The time at which it stands still. */
  readonly startMs?: number;
  /** The way that the API takes to its database. */
  readonly through?: (databaseUrl: string) => Promise<string>;
  /** What the demo seller works with; it may change the core before the API serves. */
  readonly demo?: (core: Core) => Composition['demo'];
  /** Where payments on a chain go, and by whom they are settled. */
  readonly till?: Composition['till'];
  /** Whether absolute URLs lead to where the API listens; else to a host that does not exist. */
  readonly reachable?: boolean;
  /** Log lines of the faults that the test provokes. */
  readonly provoked?: RegExp;
}

export async function testApi(
  env: Record<string, string> = {},
  {
    startMs = START,
    through = async (url) => url,
    provoked = /(?!)/,
    demo,
    till,
    reachable = false,
  }: TestApiOptions = {},
): Promise<TestApi> {
  const clock = manualClock(startMs);
  const logged: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      logged.push(String(chunk));
      done();
    },
  });
  const database = await scratchDb({ server: process.env['DATABASE_URL'] as string, migrations });
  const config = readConfig({ ...settingsOn(await through(database.url)), ...env });
  let url = 'http://api.test';
  const composition = await compose(config, {
    log: createLogger('info', sink),
    baseUrl: () => url,
    clock,
    random: systemRandom,
  });
  Object.assign(composition.core.ports, till && { settleChain: till.settle });
  const parts = { ...composition, demo: demo?.(composition.core), till: till ?? composition.till };
  const server = createApp(parts, config).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const listening = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  if (reachable) url = listening;
  return {
    url: listening,
    composition,
    clock,
    logged,
    http: supertest(server),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      // A test that failed may have left a stream open.
      server.closeAllConnections();
      await closed;
      await composition.close();
      await database.close();
      // Callers program against the documented errors, and no test provokes another fault of ours.
      expect(
        logged.filter((line) => /undocumented error|request failed/.test(line) && !provoked.test(line)),
      ).toEqual([]);
    },
  };
}

/** An agent with its key and wallet. */
export interface TestAgent {
  readonly id: string;
  readonly key: string;
  readonly wallet: string;
  /** The headers of its requests. */
  readonly auth: { readonly authorization: string };
}

export async function newAgent(
  api: TestApi,
  fields: { name?: string; operator?: string; funds?: number; by?: Record<string, string> } = {},
): Promise<TestAgent> {
  const { funds, by = {}, ...body } = fields;
  const response = await api.http
    .post('/v1/agents')
    .set(by)
    .send({ name: 'Tester', ...body })
    .expect(201);
  const {
    id,
    api_key: key,
    wallet_id: wallet,
  } = response.body as Record<'id' | 'api_key' | 'wallet_id', string>;
  const agent = { id, key, wallet, auth: { authorization: `Bearer ${key}` } };
  if (funds)
    await api.http
      .post(`/v1/wallets/${wallet}/fund`)
      .set(agent.auth)
      .send({ amount: funds, source: 'test_faucet' })
      .expect(200);
  return agent;
}

let services = 0;

/** Registers a service of the agent under a name of its own; gives its id. */
export async function newService(
  api: TestApi,
  provider: TestAgent,
  fields: Record<string, unknown> = {},
): Promise<string> {
  const body = { name: `Service ${++services}`, price_per_call: 0.005, ...fields };
  const response = await api.http.post('/v1/services').set(provider.auth).send(body).expect(201);
  return (response.body as { id: string }).id;
}

/** Buys a token for one call. */
export async function authorize(
  api: TestApi,
  consumer: TestAgent,
  serviceId: string,
): Promise<{ token: string; token_id: string }> {
  const body = { from_wallet_id: consumer.wallet };
  const response = await api.http
    .post(`/v1/services/${serviceId}/authorize`)
    .set(consumer.auth)
    .send(body)
    .expect(201);
  return response.body as { token: string; token_id: string };
}

/** Available and held money of an agent's wallet. */
export async function balanceOf(
  api: TestApi,
  agent: TestAgent,
): Promise<{ available: number; held: number }> {
  const { body } = await api.http.get(`/v1/wallets/${agent.wallet}/balance`).set(agent.auth).expect(200);
  const { available, held } = body as { available: number; held: number };
  return { available, held };
}

/** Closes the API; its books must be right. */
export async function closeBalanced(api: TestApi): Promise<void> {
  const differences = await ledger.verifyLedger(api.composition.core.db);
  await api.close();
  expect(differences).toEqual([]);
}
