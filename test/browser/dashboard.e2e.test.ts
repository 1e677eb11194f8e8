/// <reference lib="dom" />
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { AGREEMENT_OPERATOR } from '@agentpay/protocol';
import { readConfig, start, type RunningServer } from '@agentpay/server';
import { eventually, testDatabase, type TestDatabase } from '@agentpay/testing';
import { pino } from 'pino';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { agentpayFacilitator } from '../interop/agentpayFacilitator.js';
import { startInteropStack, type InteropStack } from '../interop/stack.js';
import { agreeTo, findings, keepLook, openBrowser } from './browser.js';
import { holdKeys } from './holdKeys.js';
import { journeys } from './journeys.js';
import { questions } from './questions.js';

const HOSTILE = `<img src=x onerror="document.title='broken'">`;
const ADMIN_KEY = 'operator-key-of-the-dashboard-tests-0123456789';

let stack: InteropStack;
let browser: Browser;
let database: TestDatabase;
let server: RunningServer;
let receiver: Server;
/** Bodies that the webhook's receiver was sent. */
const received: string[] = [];
let context: BrowserContext;
let page: Page;
/** What the pages reported that they should not have. */
let faults: string[] = [];
let agentId: string;

beforeAll(async () => {
  const built = spawnSync(process.execPath, [join(process.cwd(), 'packages/dashboard/build.mjs')]);
  expect([built.status, String(built.stderr)]).toEqual([0, '']);
  [stack, browser, database] = await Promise.all([startInteropStack(), openBrowser(), testDatabase()]);
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      received.push(body);
      response.end();
    });
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const config = readConfig({
    PORT: '0',
    ADMIN_KEY,
    DATABASE_URL: database.url,
    JWT_SECRET: 'secret-of-the-dashboard-tests-0123456789',
    RPC_URLS: `base-sepolia=${stack.rpcUrl}`,
    FACILITATOR_URL: await agentpayFacilitator(stack, { OPERATOR_ADDRESS: AGREEMENT_OPERATOR }),
    GAS_WALLET_KEY: await stack.newFacilitatorKey(),
    DEMO_PAY_TO: stack.payTo,
    DEV_SIGN_IN: 'true',
    OUTBOUND_LOOPBACK: 'true',
    SANDBOX_AUTO_APPROVE: 'true',
  });
  server = await start(config, { log: pino({ level: 'silent' }) });
  context = await browser.newContext();
  page = await context.newPage();
  page.on('pageerror', ({ message }) => faults.push(message));
  page.on('console', (said) => {
    const fault = `${said.text()} (${said.location().url})`;
    if (said.type() === 'error' && !/favicon/.test(fault)) faults.push(fault);
  });
});
afterAll(async () => {
  await browser?.close();
  await server?.close(0);
  await database?.drop();
  receiver?.close();
  await stack?.close();
});
beforeEach(() => {
  faults = [];
});

const open = (path: string) => page.goto(server.url + path);
const heading = (name: string) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
const part = (name: string) => page.getByRole('region', { name, exact: true });
const webhookUrl = () => `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;

describe('the dashboard', () => {
  it('leads to the sign-in page without a session, and back after it', async () => {
    await open('/dashboard/agents?sort=name');
    expect(new URL(page.url()).pathname).toBe('/signin');
    await page.getByLabel('Login').fill('developer');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await heading('Agents');
    expect(page.url()).toBe(`${server.url}/dashboard/agents?sort=name`);
    await page.getByText('You have no agents yet.').waitFor();
    expect(faults).toEqual([]);
  });

  it('makes an agent, whose name is text and nothing else', async () => {
    await page.getByLabel('Name').fill(HOSTILE);
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('link', { name: HOSTILE, exact: true }).click();
    await heading(HOSTILE);
    await eventually(async () => expect(await page.title()).toBe(`${HOSTILE} · AgentPay`));
    agentId = new URL(page.url()).pathname.split('/').pop() as string;
    expect(await page.content()).not.toContain('<img src=x');
    expect(faults).toEqual([]);
  });

  it('shows a key once, and not in the page of the agent', async () => {
    await part('API keys').getByRole('button', { name: 'Generate API key' }).click();
    const key = await part('API keys').locator('output').textContent();
    expect(key).toMatch(/^ak_live_/);
    const html = await page.reload().then((response) => response?.text());
    await part('API keys').locator('tbody tr').waitFor();
    expect(await page.content()).not.toContain(key);
    expect(html).not.toMatch(/ak_live_|ses_|csrf/);
    expect(faults).toEqual([]);
  });

  it('buys step by step: the 402, the decision, the proof on the chain, the response', async () => {
    const address = await part('Wallet')
      .getByText(/^0x[0-9a-fA-F]{40}$/)
      .textContent();
    await stack.fund(address as `0x${string}`, 5_000_000n);
    await part('Webhooks').getByLabel('URL').fill(webhookUrl());
    await part('Webhooks').getByRole('button', { name: 'Add webhook' }).click();
    await part('Webhooks').getByText('Signing secret').waitFor();
    await part('Test Buy').getByRole('button', { name: 'Test Buy' }).click();
    await part('Test Buy').getByText('allowed').waitFor();
    for (const step of ['The seller asked for a payment (402)', 'The proof', "The seller's response"])
      await part('Test Buy').getByRole('heading', { name: step }).waitFor();
    expect(await part('Test Buy').getByRole('link').getAttribute('href')).toMatch(/\/tx\/0x[0-9a-f]{64}$/);
    await part('Payments').getByRole('cell', { name: 'completed' }).waitFor();
    expect(await stack.usdc(stack.payTo)).toBe(10_000n);
    expect(faults).toEqual([]);
  });

  it('shows the delivery of the webhook and replays it', async () => {
    const deliveries = page.getByRole('region', { name: /^Deliveries to/ });
    await deliveries.getByRole('cell', { name: 'delivered' }).waitFor();
    expect(received).toHaveLength(1);
    await deliveries.getByRole('button', { name: 'Replay' }).click();
    while (received.length < 2) await page.waitForTimeout(50);
    expect(received[1]).toBe(received[0]);
    await deliveries.getByRole('cell', { name: 'delivered' }).waitFor();
    expect(faults).toEqual([]);
  });

  it('shows the payment with its entries in the books, its events and who was told', async () => {
    await part('Payments').getByRole('link', { name: /^tx_/ }).first().click();
    await heading('Payment');
    await part('Ledger').getByRole('cell', { name: 'purchase.hold' }).first().waitFor();
    const sums = new Map<string, number>();
    for (const row of await part('Ledger').locator('tbody tr').all()) {
      const [, entry = '', , side, amount] = await row.locator('td').allTextContents();
      sums.set(entry, (sums.get(entry) ?? 0) + (side === 'debit' ? -1 : 1) * Number(amount) * 1e6);
    }
    // Reserved, and then paid.
    expect([...sums.values()]).toEqual([0, 0]);
    await part('Events').getByRole('cell', { name: 'payment.confirmed' }).waitFor();
    await part('Webhook deliveries').getByRole('cell', { name: 'delivered' }).first().waitFor();
    expect(await part('Payment').getByRole('link').getAttribute('href')).toMatch(/\/tx\/0x[0-9a-f]{64}$/);
    expect(await findings(page)).toEqual([]);
    await keepLook(page, 'payment');
    await page.getByRole('link', { name: 'The agent', exact: true }).click();
    await heading(HOSTILE);
    expect(faults).toEqual([]);
  });

  it('sets limits and a rule, which stop the next Test Buy before anything is signed', async () => {
    await part('Spending limits').getByLabel('A day').fill('20');
    await part('Spending limits').getByRole('button', { name: 'Save limits' }).click();
    await part('Spending limits').getByText('Saved.').waitFor();
    await part('Policy rules').getByLabel('Amount', { exact: true }).fill('0.005');
    await part('Policy rules').getByRole('button', { name: 'Add rule' }).click();
    await part('Policy rules').getByRole('cell', { name: 'at most 0.005 a payment' }).waitFor();
    await part('Policy rules').getByRole('button', { name: 'Try' }).click();
    await part('Policy rules').getByText('refused', { exact: true }).waitFor();
    await part('Test Buy').getByRole('button', { name: 'Test Buy' }).click();
    await part('Test Buy').getByText('Nothing was signed and nothing was paid.').waitFor();
    expect(await stack.usdc(stack.payTo)).toBe(10_000n);
    // The browser itself notes the status of the refusal.
    expect(faults.filter((fault) => !/status of 4\d\d/.test(fault))).toEqual([]);
    faults = [];
  });

  it('asks above a threshold, and pays once it is approved in the inbox', async () => {
    await agreeTo(page, part('Policy rules').getByRole('button', { name: 'Delete' }));
    await part('Policy rules').getByText('There are no rules.').waitFor();
    await part('Policy rules').getByLabel('Type of the rule').selectOption('approval_over');
    await part('Policy rules').getByLabel('Amount', { exact: true }).fill('0.005');
    await part('Policy rules').getByRole('button', { name: 'Add rule' }).click();
    await part('Policy rules')
      .getByRole('cell', { name: 'what is above 0.005 needs your approval' })
      .waitFor();
    await part('Test Buy').getByRole('button', { name: 'Test Buy' }).click();
    await part('Test Buy').getByText('waits for you').waitFor();
    expect(await stack.usdc(stack.payTo)).toBe(10_000n);
    await open('/dashboard/approvals');
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByText('Nothing waits for you.').waitFor();
    while ((await stack.usdc(stack.payTo)) < 20_000n) await page.waitForTimeout(100);
    expect(faults).toEqual([]);
  });

  it('shows an approval in the inbox as it is asked for, by server-sent events', async () => {
    const streams = page.waitForResponse((response) => response.url().endsWith('/events'));
    await page.reload();
    expect((await streams).headers()['content-type']).toMatch('text/event-stream');
    await page.getByText('Nothing waits for you.').waitFor();
    await page.evaluate(async (id) => {
      const { csrfToken } = (await (await fetch('/api/auth/csrf')).json()) as { csrfToken: string };
      const headers = { 'x-csrf-token': csrfToken, 'content-type': 'application/json' };
      await fetch(`/api/agents/${id}/test-buy`, { method: 'POST', headers, body: '{}' });
    }, agentId);
    await agreeTo(page, page.getByRole('button', { name: 'Reject' }));
    await page.getByText('Nothing waits for you.').waitFor();
    expect(await stack.usdc(stack.payTo)).toBe(20_000n);
    expect(faults).toEqual([]);
  });

  it('counts it on the overview, and refuses a write from a page of somebody else', async () => {
    await open('/dashboard');
    await heading('Overview');
    await page.getByRole('heading', { name: 'Spend by seller' }).waitFor();
    await part('Balances').getByRole('link', { name: HOSTILE }).waitFor();
    await page.getByText('Spent, in USDC@base-sepolia').waitFor();
    const forged = await fetch(`${server.url}/api/agents/${agentId}/archive`, {
      method: 'POST',
      headers: {
        cookie: (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; '),
        origin: 'https://evil.example',
        'content-type': 'application/json',
      },
      body: '{}',
    });
    expect(forged.status).toBe(403);
    expect(faults).toEqual([]);
  });
});

describe('journeys', () => {
  journeys(() => ({
    page,
    url: server.url,
    stack,
    adminKey: ADMIN_KEY,
    post,
    violations: () => findings(page),
    faults: () => faults,
  }));
});

describe('every page of the dashboard', () => {
  const paths = async () => [
    '/signin',
    '/dashboard',
    '/dashboard/agents',
    `/dashboard/agents/${agentId}`,
    '/dashboard/payments',
    '/dev/dashboard',
    ...(await linked()),
  ];
  const areas = ['own', 'runtime', 'gateway', 'operator', 'dev'];
  const areaOf = (path: string) => areas.find((area) => path.includes(`/${area}/`)) ?? 'own';
  /** Whatever the navigation leads to. */
  const linked = async () => {
    await open('/dashboard');
    await heading('Overview');
    return page
      .locator('nav.side a')
      .evaluateAll((links) => links.map((link) => link.getAttribute('href') as string));
  };

  it('folds its menu on a phone', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await open('/dashboard/agents');
    await heading('Agents');
    const entry = page.getByRole('link', { name: 'Approvals' }).first();
    await entry.waitFor({ state: 'hidden' });
    await page.getByText('Menu', { exact: true }).click();
    await entry.click();
    await heading('Approvals');
    await entry.waitFor({ state: 'hidden' });
    expect(faults).toEqual([]);
  });

  it('asks for a key where it takes one, keeps it for the tab, and shows what it opens', async () => {
    await open('/dev/dashboard/invoices');
    await heading('Invoices');
    await page.getByLabel('Developer key').fill(await developerKey());
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByText('There are no invoices.').waitFor();
    await page.getByRole('button', { name: 'Forget the developer key' }).click();
    await page.getByLabel('Developer key').waitFor();
    expect(faults).toEqual([]);
  });

  describe('seen with all keys', () => {
    let ids: Record<string, string>;
    beforeAll(async () => {
      ids = await holdKeys(page, { post, developerKey, adminKey: ADMIN_KEY, name: HOSTILE });
    });

    it.each(areas)(
      'is named, accessible and whole, in light and dark, and fits a phone (%s)',
      async (area) => {
        await page.setViewportSize({ width: 390, height: 844 });
        const own = new Set((await paths()).filter((path) => areaOf(path) === area));
        expect(own.size).toBeGreaterThan(2);
        for (const path of own) {
          const response = await open(path);
          await page.locator('h1:visible').first().waitFor();
          await page.locator('[role=status]', { hasText: 'Loading' }).first().waitFor({ state: 'detached' });
          expect([path, response?.status()]).toEqual([path, 200]);
          expect(response?.headers()['content-security-policy']).toMatch(/script-src 'self'(;|$)/);
          expect(response?.headers()['content-security-policy']).toMatch(/style-src 'self'(;|$)/);
          expect(response?.headers()['content-security-policy']).toContain("frame-ancestors 'none'");
          await eventually(async () => expect(await page.title()).toMatch(/ · AgentPay$/));
          expect(await page.locator('html').getAttribute('lang')).toBe('en');
          expect([path, await page.locator('h1:visible').count()]).toEqual([path, 1]);
          expect([path, await page.locator('h1', { hasText: 'Not found' }).count()]).toEqual([path, 0]);
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          expect([path, overflow]).toEqual([path, 0]);
          await page.emulateMedia({ colorScheme: 'light' });
          expect([path, await findings(page)]).toEqual([path, []]);
          await page.emulateMedia({ colorScheme: 'dark' });
          expect([path, 'dark', await findings(page, { rules: ['color-contrast'] })]).toEqual([
            path,
            'dark',
            [],
          ]);
          expect([path, faults]).toEqual([path, []]);
          await keepLook(page, path.replace(agentId, 'AGENT'));
        }
      },
      600_000,
    );

    questions(() => ({ page, open, agentId, ids, faults: () => faults }));
  });

  it('loads less than 250 kB before anything is shown, and nothing from elsewhere', async () => {
    const sizes: Promise<number>[] = [];
    const origins = new Set<string>();
    const fresh = await browser.newContext();
    await fresh.addCookies(await context.cookies());
    const first = await fresh.newPage();
    first.on('request', (request) => origins.add(new URL(request.url()).origin));
    first.on('requestfinished', (request) =>
      sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize)),
    );
    await first.goto(`${server.url}/dashboard/agents`);
    await first.getByRole('heading', { level: 1, name: 'Agents' }).waitFor();
    await first.getByRole('button', { name: 'Create' }).waitFor();
    const interactive = await first.evaluate(() => performance.now());
    const asked = await first.evaluate(() =>
      performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname),
    );
    await first.waitForLoadState('networkidle');
    const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    await fresh.close();
    expect([...origins]).toEqual([server.url]);
    console.log(`Dashboard: interactive after ${Math.round(interactive)} ms, by ${total} bytes.`);
    // The page names its first call, and its script makes no second one of it.
    expect(asked.filter((path) => path === '/api/agents')).toHaveLength(1);
    expect(total).toBeGreaterThan(50_000);
    expect(total).toBeLessThan(250_000);
  });
});

async function post(path: string, body: object, headers = {}): Promise<Record<string, string>> {
  const init = { method: 'POST', body: JSON.stringify(body) };
  const response = await fetch(server.url + path, {
    ...init,
    headers: { 'content-type': 'application/json', ...headers },
  });
  expect([path, response.status < 300]).toEqual([path, true]);
  return (await response.json()) as Record<string, string>;
}

let developers = 0;
async function developerKey(): Promise<string> {
  const email = `dev${++developers}@example.com`;
  const { developer_key } = await post('/developers/register', { email, name: HOSTILE });
  return developer_key as string;
}
