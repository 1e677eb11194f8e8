import { createHmac } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { table } from '@agentpay/cli';
import { createApiClient } from '@agentpay/sdk';
import { runCommands } from '@agentpay/server/commands';
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
  folder = mkdtempSync(join(tmpdir(), 'agentpay-platform-'));
  mkdirSync(join(folder, '.agentpay'));
  const described = {
    api: { url: api.url },
    facilitator: { url: '' },
    chain: { rpcUrl: '' },
    keys: { runtime: buyer.api_key, seller: seller.api_key, agent: key, admin: ADMIN_KEY },
    ids: { agent: buyer.id, wallet: buyer.wallet_id, sellerWallet: seller.wallet_id },
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
  const events = [
    'payment.completed',
    'payment.refunded',
    'dispute.opened',
    'dispute.evidence_added',
    'dispute.withdrawn',
  ];
  events.push(
    'dispute.under_review',
    'dispute.resolved_refunded',
    'dispute.resolved_denied',
    'payment.initiated',
  );
  for (const event of events) {
    const { code, lines } = await agentpay('trigger', event, '--json');
    expect([event, code, JSON.parse(lines.join('\n'))]).toEqual([
      event,
      0,
      { ok: true, event, id: expect.any(String) },
    ]);
  }
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
    expect(heard).toEqual(expect.arrayContaining(events.slice(0, -1)));
  });
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
