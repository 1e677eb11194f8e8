import { eventually } from '@agentpay/testing';
import supertest, { type Response } from 'supertest';
import { callables, type Callable } from '../families/calls.js';
import { settingsOn } from '../families/testApi.js';
import { newWorld, send, worldSettings, type Sent, type World } from '../families/world.js';
import { startNode, type ApiNode } from './apiNode.js';
import { bareNodes, type BareNodes } from './bareNodes.js';
import { contradictions } from './books.js';
import type { Catch } from './commitGate.js';
import { openReceiver, type Receiver } from './receiver.js';

/** Processes are started; on a busy machine that is most of a test's time. */
const TIMEOUT_MS = 300_000;
/** Commits of one command. */
const MAX_COMMITS = 4;

/** Steps of a token's life are killed in `apiKilled`; a renewed session is a signature and writes nothing. */
const elsewhere =
  /^runtime\.(services\.authorize|tokens\.(verify|call(Started|Accepted|Completed))|explorer\.renew)$/;
/** Every other command of the document, killed in turn before and after its commits. */
const commands = callables
  .filter(
    ({ family, endpoint: { id, method, tool } }) =>
      family.id === 'runtime' && method !== 'GET' && tool?.readOnly !== true && !elsewhere.test(id),
  )
  .map((callable, index) => {
    const where: Catch = index % 2 === 0 ? 'before' : 'after';
    return { id: callable.endpoint.id, where, callable };
  });

let world: World;
let databaseUrl: string;
let nodes: BareNodes;
let receiver: Receiver;
const settings = (url: string) => ({ ...settingsOn(url), ...worldSettings });

beforeAll(async () => {
  const through = async (url: string) => (databaseUrl = url);
  world = await newWorld({ through, startMs: Date.now() });
  nodes = bareNodes(databaseUrl, settings);
  receiver = await openReceiver();
  const { http } = world.api;
  const hook = { url: receiver.url, events: ['*'] };
  await http.post('/v1/webhooks').set(world.agent.auth).send(hook).expect(201);
}, TIMEOUT_MS);
afterAll(async () => {
  receiver?.close();
  await nodes?.close();
  await world?.api.close();
});

const db = () => world.api.composition.core.db;

/**
 * What a command leaves there depends on who was there before: claims of keys, chains of processes, sums and first meetings; or on when it
 * is looked at: requests are noted a moment later.
 */
const DERIVED = `'kept_requests', 'idempotency_keys', 'ledger_chains', 'ledger_balances', 'ledger_totals', 'spend_windows',
  'policy_sets', 'service_totals'`;

/** Rows of each table. */
async function rows(): Promise<Map<string, number>> {
  const tables = await db().query<{ name: string }>(
    `select table_name as name from information_schema.tables
     where table_schema = 'public' and table_name not in (${DERIVED})`,
  );
  const counts = tables.map(({ name }) => `select '${name}' as name, count(*) as n from "${name}"`);
  const counted = await db().query<{ name: string; n: bigint }>(counts.join(' union all '));
  return new Map(counted.map(({ name, n }) => [name, Number(n)]));
}

/** Rows that have come or gone since then. */
async function changeSince(before: Map<string, number>): Promise<Record<string, number>> {
  const changed = [...(await rows())].map(([name, n]) => [name, n - (before.get(name) ?? 0)] as const);
  return Object.fromEntries(changed.filter(([, n]) => n !== 0));
}

/** The request with one key for all its repetitions, where the endpoint takes one. */
async function prepared({ endpoint, call }: Callable): Promise<Sent> {
  world.api.clock.advance(Math.max(0, Date.now() - world.api.clock.now()));
  const { shared: _, ...sent } = await call(world);
  const [kind] = endpoint.auth;
  const headers = sent.headers ?? (kind === undefined ? {} : world.credential(kind));
  return {
    ...sent,
    headers: { ...headers, ...(endpoint.idempotent && { 'idempotency-key': `kill-${++keys}` }) },
  };
}
let keys = 0;

const ask = async ({ endpoint }: Callable, sent: Sent): Promise<Response> =>
  send(world, endpoint, sent, supertest((await nodes.current()).url));

/** Sends the request, and kills its process at the commit after `passing` others. @returns whether there was such a commit */
async function killedAt(where: Catch, passing: number, callable: Callable, sent: Sent): Promise<boolean> {
  const { gate } = await nodes.current();
  let killed = false;
  const caught = gate.catchWrite(where, passing).then(async () => {
    killed = true;
    await nodes.kill();
  });
  const response = ask(callable, sent).catch((error: unknown) => {
    if (!killed) throw error;
    return undefined;
  });
  await Promise.race([caught, response]);
  const got = await response;
  if (killed) await caught;
  gate.disarm();
  expect(got?.status).toBe(killed ? undefined : callable.endpoint.status);
  return killed;
}

/** A minute passes: nobody holds a key any more whose process has died. */
async function letClaimsLapse(): Promise<void> {
  await db().query(
    `update idempotency_keys set claimed_until = now() - interval '1 second' where state = 'in_progress'`,
  );
}

/** The same request again, and again: one response. A command that takes no key may be told that it was done. */
async function askAgain(callable: Callable, sent: Sent, where: Catch): Promise<void> {
  const { idempotent, status } = callable.endpoint;
  const again = await ask(callable, sent);
  const done = idempotent || where === 'before' ? [] : [401, 404, 409];
  expect([again.body, [status, ...done]]).toEqual([again.body, expect.arrayContaining([again.status])]);
  if (!idempotent) return;
  const third = await ask(callable, sent);
  expect([third.status, third.body]).toEqual([again.status, again.body]);
}

it.each(commands)(
  '$id, its process killed by SIGKILL $where a commit: the books are right, and the same request again has one effect',
  async ({ where, callable }) => {
    const effects: Record<string, number>[] = [];
    for (;;) {
      const sent = await prepared(callable);
      const before = await rows();
      const killed = await killedAt(where, effects.length, callable, sent);
      expect(await contradictions(db())).toEqual([]);
      if (killed) {
        await letClaimsLapse();
        await askAgain(callable, sent, where);
      }
      const effect = await changeSince(before);
      if (killed) effects.push(effect);
      else return expectOneEffect(callable, effects, effect);
    }
  },
  TIMEOUT_MS,
);

/** @param whole what the command does when nobody kills it */
function expectOneEffect(
  { endpoint }: Callable,
  effects: readonly Record<string, number>[],
  whole: Record<string, number>,
): void {
  expect(effects.length).toBeGreaterThan(0);
  expect(effects.length).toBeLessThanOrEqual(MAX_COMMITS);
  for (const effect of effects) {
    if (endpoint.idempotent) expect(effect).toEqual(whole);
    // Without a key the request is another one, or finds that it was done, which the audit log tells all the same.
    const tables = Object.keys({ ...whole, ...effect });
    const parts = tables.filter((name) => ![1, 2].includes((effect[name] ?? 0) / (whole[name] ?? 0)));
    expect([parts, effect, whole]).toEqual([[], effect, whole]);
  }
}

it(
  'what these commands told is delivered at least once, each event under its one id, also by a process that is killed meanwhile',
  async () => {
    await killedAtDelivery(3, () => startNode({ database: databaseUrl }, settings(databaseUrl)));
    await db().query(`update webhook_deliveries set claimed_until = now() where state = 'pending'`);
    const second = await startNode({ database: databaseUrl }, settings(databaseUrl));
    try {
      const told = await db().query<{ id: string }>('select id from events where $1 = any (audience)', [
        world.agent.id,
      ]);
      expect(told.length).toBeGreaterThan(20);
      await eventually(() => {
        const ids = receiver.got.map(({ header }) => header);
        expect(told.filter(({ id }) => !ids.includes(id))).toEqual([]);
        // The one at which the process was killed comes again.
        expect(ids.length).toBeGreaterThan(new Set(ids).size);
      }, TIMEOUT_MS);
      for (const { header, body } of receiver.got) expect(body).toBe(header);
    } finally {
      await second.kill();
    }
  },
  3 * TIMEOUT_MS,
);

/** Starts a process, and resolves when it was killed: at a delivery, which is not answered. */
function killedAtDelivery(count: number, start: () => Promise<ApiNode>): Promise<void> {
  return new Promise((resolve, reject) => {
    const before = receiver.got.length;
    let node: Promise<ApiNode>;
    receiver.onDelivery(async () => {
      if (receiver.got.length !== before + count) return;
      await node.then((started) => started.kill()).then(resolve, reject);
    });
    // It may deliver before its start is heard of here.
    node = start();
    node.catch(reject);
  });
}
