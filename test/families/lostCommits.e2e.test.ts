import type { Response } from 'supertest';
import { commitGate, type Catch, type CommitGate } from '../stress/commitGate.js';
import { callables, named, type Callable } from './calls.js';
import { newWorld, send, type Sent, type World } from './world.js';

/** Statements of one request outside of transactions. */
const MAX_STATEMENTS = 20;

const writes = callables.filter(({ endpoint }) => endpoint.method !== 'GET');

let gate: CommitGate;
let world: World;

beforeAll(async () => {
  const through = async (databaseUrl: string) => (gate = await commitGate(databaseUrl)).url;
  // A statement that is lost is unknown; the next connection may be lost with it, so that nothing was sent.
  world = await newWorld({ through, provoked: /"kind":"(outcome_unknown|unavailable)"/ });
});
afterAll(async () => {
  await world?.api.close();
  await gate?.close();
});

/** The request with one key for all its repetitions, where the endpoint takes one. */
async function prepared({ endpoint, call }: Callable): Promise<Sent> {
  const sent = await call(world);
  const [kind] = endpoint.auth;
  const headers = sent.headers ?? (kind === undefined ? {} : world.credential(kind));
  return { ...sent, headers: { ...headers, ...(endpoint.idempotent && { 'idempotency-key': newKey() }) } };
}
let keys = 0;
const newKey = () => `lost-commit-${++keys}`;

/** Sends the request, and breaks its connection to PostgreSQL when it is caught; undefined when it was not. */
async function sendAndCut(
  { endpoint }: Callable,
  sent: Sent,
  caught: Promise<unknown>,
): Promise<Response | undefined> {
  let cut = false;
  const cutting = caught.then(() => {
    cut = true;
    gate.cut();
  });
  const response = send(world, endpoint, sent).then((got) => got);
  await Promise.race([cutting, response]);
  const got = await response;
  gate.disarm();
  return cut ? got : undefined;
}

/** Of the response to the same request again. A request that takes a key gets its first response; another may be told that it was done. */
function expectRepeatable({ endpoint }: Callable, status: number, certain: boolean): void {
  const done = certain || endpoint.idempotent ? [] : [401, 404, 409];
  expect([endpoint.status, ...done]).toContain(status);
}

describe.each(named(writes))('%s, its connection to the database lost', (_id, callable) => {
  it.each(['before', 'after'] as const)(
    '%s its change is committed: says that the outcome is unknown or finds it out, and can be asked again',
    async (where) => {
      const sent = await prepared(callable);
      const lost = await sendAndCut(callable, sent, gate.catchNext(where));
      if (lost === undefined) return eachStatementLost(callable, where);
      // A batch leaves a mark by which its writer sees whether it was written; if it was not, it is written then.
      expect([504, callable.endpoint.status]).toContain(lost.status);
      expect(lost.type).toBe('application/json');
      const certain = where === 'before' && lost.status === 504;
      expectRepeatable(callable, (await send(world, callable.endpoint, sent)).status, certain);
    },
  );
});

/** An endpoint without a transaction: its change is one of its statements. */
async function eachStatementLost(callable: Callable, where: Catch): Promise<void> {
  const statuses: number[] = [];
  for (let passing = 0; passing < MAX_STATEMENTS; passing++) {
    const sent = await prepared(callable);
    const lost = await sendAndCut(callable, sent, gate.catchStatement(where, passing));
    if (lost === undefined) break;
    statuses.push(lost.status);
    // What only reads is read again on a fresh connection.
    expect([callable.endpoint.status, 503, 504]).toContain(lost.status);
    if (lost.status !== callable.endpoint.status)
      expectRepeatable(callable, (await send(world, callable.endpoint, sent)).status, where === 'before');
  }
  expect(statuses.length).toBeLessThan(MAX_STATEMENTS);
  expect(statuses.length).toBeGreaterThan(0);
}
