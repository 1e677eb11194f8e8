import { decodeResponse, encodeResponse } from '@agentpay/api';
import { parties, requests, sealedColumns, vault, type Principal } from '@agentpay/core';
import { idTime, systemRandom } from '@agentpay/primitives';
import { callables, named } from './calls.js';
import { newWorld, send, type World } from './world.js';

/** What every endpoint answers when all is well, by a call that its noun's file prepares. */
let world: World;

beforeAll(async () => {
  world = await newWorld();
});

afterAll(() => world.api.close());

describe.each(named(callables))('%s', (_id, { endpoint, call }) => {
  it('answers with the documented status and shape, and nothing that is not declared', async () => {
    const { shared: _, ...sent } = await call(world);
    const response = await send(world, endpoint, sent);
    expect([response.status, response.body]).toEqual([endpoint.status, response.body]);
    expect(response.headers['cache-control']).toBe('no-store');
    expect(response.headers['x-ratelimit-limit']).toBe(endpoint.rate === 'standard' ? '1000000' : '60000');
    if (endpoint.kind !== 'json') return;
    expect(encodeResponse(endpoint, decodeResponse(endpoint, response.body))).toEqual(response.body);
    const made = newIn(response.body, sent);
    if (endpoint.status !== 201 || made.length === 0) return;
    const kept = await keptOf(response.headers['x-request-id'] as string);
    expect(kept).toMatchObject({ endpoint: endpoint.id, status: 201, error: null });
    expect(made).toContain(kept?.made[0]);
  });
});

describe.each(named(callables.filter(({ endpoint }) => endpoint.idempotent)))(
  '%s',
  (_id, { endpoint, call }) => {
    const bodyOf = (sent: { body?: unknown }) => (sent.body ?? endpoint.example.body ?? {}) as object;

    it('answers the same idempotency key with the same response, and another body with 409', async () => {
      const { shared: _, ...sent } = await call(world);
      const [kind] = endpoint.auth;
      const headers = {
        ...(sent.headers ?? (kind && world.credential(kind))),
        'idempotency-key': `key of ${endpoint.id}`.replaceAll(' ', '-'),
      };
      const first = await send(world, endpoint, { ...sent, headers });
      expect(first.status).toBe(endpoint.status);
      const again = await send(world, endpoint, { ...sent, headers });
      expect([again.status, again.body]).toEqual([first.status, first.body]);
      const other = await send(world, endpoint, { ...sent, headers, body: changed(bodyOf(sent)) });
      expect([other.status, other.body.error.reason]).toEqual([409, expect.any(String)]);
    });
  },
);

it('all that was sealed on the way is sealed anew under another master key, and nothing is left under the former', async () => {
  const { db, ports } = world.api.composition.core;
  const anew = vault.createVault([{ id: 'anew', bytes: new Uint8Array(32).fill(5) }], systemRandom);
  const { mark, open } = ports.vault;
  const both = { ...anew, open: (text: string, place: string) => open(text, place) };
  const before = await columnsWith(mark);
  expect(before.length).toBeGreaterThan(4);
  expect(await vault.reseal({ db, vault: both }, sealedColumns)).toMatchObject({
    unreadable: 0,
    left: false,
  });
  expect([await columnsWith(mark), await columnsWith(anew.mark)]).toEqual([[], before]);
});

/** Ids in a response that the request did not name. */
function newIn(body: unknown, sent: object): string[] {
  const [answered, asked] = [body, sent].map((part) => JSON.stringify(part));
  const ids = [...(answered ?? '').matchAll(/"([a-z_]+_[0-9a-z]{26})"/g)].map(([, id]) => id as string);
  return ids.filter((id) => idTime(id) !== undefined && !asked?.includes(id));
}

async function keptOf(requestId: string): Promise<requests.LoggedRequest | undefined> {
  const { core, requestLog } = world.api.composition;
  await requestLog.written();
  const principal: Principal = { party: parties.platform, scopes: [], credentialId: 'admin' };
  return (await requests.list(core, { principal, requestId })).requests[0];
}

/** Columns of the database in which something has this within. */
async function columnsWith(mark: string): Promise<string[]> {
  const { db } = world.api.composition.core;
  const columns = await db.query<{ table: string; column: string }>(
    `select table_name as table, column_name as column from information_schema.columns
     where table_schema = 'public' and data_type in ('text', 'jsonb') order by 1, 2`,
  );
  const found: string[] = [];
  for (const { table, column } of columns) {
    const rows = await db.query(`select 1 from "${table}" where strpos("${column}"::text, $1) > 0 limit 1`, [
      mark,
    ]);
    if (rows.length > 0) found.push(`${table}.${column}`);
  }
  return found;
}

/**
 * The body with one amount that is a little more, or with another URL, id, reason or content; in what it contains where it has none itself.
 */
function changed(body: object): object {
  const isDecimal = (value: unknown) => typeof value === 'string' && /^\d+\.\d{2}$/.test(value);
  const entries = Object.entries(body);
  const amount = entries.find(([, value]) => typeof value === 'number' || isDecimal(value));
  if (amount) {
    const more = Number(amount[1]) + 1;
    return { ...body, [amount[0]]: typeof amount[1] === 'string' ? more.toFixed(2) : more };
  }
  const url = entries.find(([, value]) => typeof value === 'string' && URL.canParse(value));
  const inner = entries.find(([, value]) => typeof value === 'object' && value !== null);
  if (!url && inner) return { ...body, [inner[0]]: changed(inner[1] as object) };
  if (url) return { ...body, [url[0]]: `${url[1] as string}x` };
  const id = entries.find(([name]) => name.endsWith('_id') || ['reason', 'content'].includes(name));
  if (!id) throw new Error('The example has no amount, URL, id, reason or content to change.');
  return {
    ...body,
    [id[0]]: `${(id[1] as string).slice(0, -1)}${(id[1] as string).endsWith('0') ? '1' : '0'}`,
  };
}
