import { createHmac } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { table, triggers } from '@agentpay/cli';
import { developers, eventTypes, parties } from '@agentpay/core';
import { createApiClient } from '@agentpay/sdk';
import { runCommands } from '@agentpay/http/commands';
import { eventually } from '@agentpay/testing';
import { signedIn, type Browser } from '../families/signedIn.js';
import { ADMIN_KEY, testApi, type TestApi } from '../families/testApi.js';

/** `agentpay events`, `trigger` and `logs`, beside an API that is described as `agentpay dev` describes its own. */
const SECRET = 'whsec_b3V0IG9mIHRoaXJ0eSB0d28gYnl0ZXM=';
let api: TestApi;
let owner: Browser;
let folder: string;
let buyer: { id: string; api_key: string; wallet_id: string };
let receiver: Server;
const received: { headers: Record<string, unknown>; body: string }[] = [];

beforeAll(async () => {
  api = await testApi({ DEV_SIGN_IN: 'true' });
  owner = await signedIn(api);
  const made = await api.http.post('/v1/agents').set(owner.writes).send({ name: 'Buyer', operator: 'local' });
  buyer = made.body as typeof buyer;
  const { key } = (await api.http.post(`/api/agents/${buyer.id}/api-keys`).set(owner.writes)).body as {
    key: string;
  };
  const client = createApiClient({ url: api.url, apiKey: buyer.api_key });
  await client.wallets.fund({ wallet_id: buyer.wallet_id, amount: 10, source: 'test_faucet' });
  const seller = await client.agents.create({ name: 'Seller', operator: 'local' });
  const service = await createApiClient({ url: api.url, apiKey: seller.api_key }).services.create({
    name: 'Films',
    price_per_call: 0.01,
  });
  const { core } = api.composition;
  const { developer } = await developers.register(core, { email: 'dev@example.com', name: 'Dev' });
  const principal = { party: parties.platform, scopes: [], credentialId: 'admin' } as const;
  const { key: developerKey } = await developers.approve(core, { principal, developerId: developer.id });
  folder = mkdtempSync(join(tmpdir(), 'agentpay-platform-'));
  mkdirSync(join(folder, '.agentpay'));
  const described = {
    api: { url: api.url },
    facilitator: { url: '' },
    chain: { rpcUrl: '' },
    keys: {
      runtime: buyer.api_key,
      seller: seller.api_key,
      agent: key,
      admin: ADMIN_KEY,
      developer: developerKey,
    },
    ids: {
      agent: buyer.id,
      wallet: buyer.wallet_id,
      sellerWallet: seller.wallet_id,
      service: service.id,
      developer: developer.id,
    },
    pids: { supervisor: process.pid },
  };
  writeFileSync(join(folder, '.agentpay', 'dev.json'), JSON.stringify(described));
  receiver = createServer((req, res) => {
    let body = '';
    req.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    req.once('end', () => {
      received.push({ headers: req.headers, body });
      res.writeHead(body.includes('"type":"payment.completed"') ? 500 : 204).end();
    });
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
});
afterAll(async () => {
  await new Promise((resolve) => receiver?.close(resolve));
  rmSync(folder, { recursive: true, force: true });
  await api?.close();
});

async function agentpay(...words: string[]) {
  const lines: string[] = [];
  const keep = (line: string) => void lines.push(line);
  const around = { print: keep, note: keep, write: async () => undefined, env: {}, folder };
  return { code: await runCommands(table, words, around), lines };
}

/** Listens until so many lines came: transactions of others on the same server hold events back for a moment. */
async function listenFor(count: number, ...words: string[]) {
  return eventually(async () => {
    const heard = await agentpay('events', 'listen', '--no-follow', ...words);
    if (heard.code === 0) expect(heard.lines.length).toBeGreaterThanOrEqual(count);
    return heard;
  });
}

it('makes events happen, and tells them from any place on', async () => {
  // What needs a chain, or an agent to call, `flows/start` makes happen.
  const ofStack: readonly string[] = ['payment.initiated', 'payment.confirmed', 'gateway.call_completed'];
  const events = triggers.filter((event) => !ofStack.includes(event));
  for (const event of events) {
    const { code, lines } = await agentpay('trigger', event, '--json');
    const said = JSON.parse(lines.join('\n')) as { id: string };
    expect([event, code, said]).toEqual([event, 0, { ok: true, event, id: expect.any(String) }]);
    const happened = await api.composition.core.db.query(
      'select 1 from events where type = $1 and subject = $2',
      [event, said.id],
    );
    expect([event, happened.length]).toEqual([event, 1]);
  }
  // What the operator's rule was for is over.
  expect(await agentpay('trigger', 'payment.completed')).toMatchObject({ code: 0 });
  const [first] = await api.composition.core.db.query<{ id: string }>(
    'select id from events where $1 = any(audience) order by sequence limit 1',
    [buyer.id],
  );
  // The first one is that of which they come after.
  await eventually(async () => {
    const { lines } = await agentpay(
      'events',
      'listen',
      '--no-follow',
      '--after',
      String(first?.id),
      '--json',
    );
    const heard = lines.map((line) => (JSON.parse(line) as { type: string }).type);
    const ofDeveloper = /^(invoice|subscription)\./;
    const ofAgent = events.filter((event) => !ofDeveloper.test(event));
    expect(heard).toEqual(expect.arrayContaining(ofAgent));
  });
});

it('knows every event, and says of those that it does not make happen what they wait for', async () => {
  const { lines } = await agentpay('trigger', '--help');
  const named = [...lines.join('\n').matchAll(/^ {2}(\w+\.\w+)$/gm)].map(([, event]) => event as string);
  expect(named.sort()).toEqual(eventTypes.map(({ name }) => name).sort());
});

it('forwards them as webhooks are delivered, and shows what became of each', async () => {
  const [last] = await api.composition.core.db.query<{ id: string }>(
    'select id from events where $1 = any(audience) order by sequence desc limit 1',
    [buyer.id],
  );
  await agentpay('trigger', 'dispute.opened');
  const address = `127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  const words = ['--after', String(last?.id), '--events', 'payment.completed,dispute.opened'];
  const { lines } = await listenFor(3, ...words, '--forward-to', address, '--secret', SECRET);
  expect(lines).toEqual([
    `Forwarding to http://${address}, signed with ${SECRET}`,
    expect.stringMatching(/^payment\.completed {2}evt_\w+ {2}500$/),
    expect.stringMatching(/^dispute\.opened {2}evt_\w+ {2}204$/),
  ]);
  for (const { headers, body } of received) {
    expect(headers['x-agentpay-signature']).toBe(createHmac('sha256', SECRET).update(body).digest('hex'));
    expect(JSON.parse(body)).toMatchObject({
      id: headers['webhook-id'],
      data: { object: expect.any(Object) },
    });
  }
});

it('shows what was done, by the audit log', async () => {
  const { code, lines } = await agentpay('logs', 'tail', '--no-follow', '--json');
  const entries = lines.map((line) => JSON.parse(line) as { act: string });
  expect(code).toBe(0);
  expect(entries.length).toBeGreaterThan(0);
  const [{ act } = { act: '' }] = entries;
  const { lines: some } = await agentpay('logs', 'tail', '--no-follow', '--act', act, '--lines', '1');
  expect(some).toEqual([expect.stringContaining(act)]);
});

it('says what is missing', async () => {
  expect(
    await agentpay('events', 'listen', '--no-follow', '--after', 'evt_01kb3x9v7f5m2q8r4t6w0y1z3h'),
  ).toMatchObject({
    code: 1,
    lines: [expect.stringMatching(/^The API responded with 400: /)],
  });
  expect(await agentpay('trigger', 'payment.completed', '--api', 'http://127.0.0.1:1')).toMatchObject({
    code: 1,
    lines: [expect.stringContaining('AGENTPAY_API_KEY')],
  });
});
