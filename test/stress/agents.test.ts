import { agents, identity, marketplace } from '@agentpay/core';
import type { Core } from '@agentpay/core';
import { isAgentPayError } from '@agentpay/primitives';
import type { Db } from '@agentpay/primitives';
import { pgDb } from '@agentpay/storage';
import { testDatabase } from '@agentpay/testing';
import type { TestDatabase } from '@agentpay/testing';
import { signedIn, testCore } from '../flows/market.js';

let database: TestDatabase;
let db: Db;
let core: Core;

beforeAll(async () => {
  database = await testDatabase();
  db = pgDb({ url: database.url, max: 20, connectTimeoutMs: 300_000 });
  ({ core } = await testCore(db));
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

async function works(secret: string): Promise<boolean> {
  try {
    await identity.authenticate(core, { accepts: ['runtime', 'secret'], secret });
    return true;
  } catch (error) {
    if (isAgentPayError(error, 'unauthorized')) return false;
    throw error;
  }
}

describe('agents on PostgreSQL', () => {
  it('one pair of keys is left of 20 concurrent rotations, and none of the old', async () => {
    const { agent, apiKey, secretKey, principal } = await signedIn(core, 'Rotating');
    const rotations = await Promise.all(
      Array.from({ length: 20 }, () => agents.rotateKeys(core, { principal, agentId: agent.id })),
    );
    const alive = await Promise.all(
      rotations.map(async (keys) => [await works(keys.apiKey), await works(keys.secretKey)]),
    );
    expect(alive.filter((pair) => pair.includes(true))).toEqual([[true, true]]);
    expect(await Promise.all([apiKey, secretKey].map(works))).toEqual([false, false]);
  });

  it('a service name goes to one of 20 who ask for it at the same time', async () => {
    const { principal } = await signedIn(core, 'Seller');
    const attempts = Array.from({ length: 20 }, () =>
      marketplace.register(core, { principal, name: 'Weather', pricePerCall: 1n }),
    );
    const settled = await Promise.allSettled(attempts);
    expect(settled.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    for (const result of settled) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ kind: 'service_name_taken' });
    }
  });
});
