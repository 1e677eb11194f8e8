/// <reference lib="dom" />
import { createHash, randomBytes } from 'node:crypto';
import { readConfig, start, type FacilitatorServer } from '@agentpay/facilitator';
import { newId, systemRandom } from '@agentpay/primitives';
import { testDatabase, type TestDatabase } from '@agentpay/testing';
import { Client } from 'pg';
import { pino } from 'pino';
import type { Browser, Page } from 'playwright-core';
import { startInteropStack, type InteropStack } from '../interop/stack.js';
import { paymentOf } from '../stress/facilitatorNode.js';
import { findings, keepLook, openBrowser, overflow } from './browser.js';

const key = `fk_${randomBytes(32).toString('base64url')}`;
const apiKeys = `boss:admin:${createHash('sha256').update(key).digest('hex')}`;

describe('the admin page', () => {
  let stack: InteropStack;
  let browser: Browser;
  let database: TestDatabase;
  let server: FacilitatorServer;
  let page: Page;
  let faults: string[];

  beforeAll(async () => {
    [stack, browser, database] = await Promise.all([startInteropStack(), openBrowser(), testDatabase()]);
    const own = { RPC_URLS: stack.rpcUrl, SIGNER_KEYS: stack.facilitatorKey, DATABASE_URL: database.url };
    const node = { ...own, SETTLE_TIMEOUT_MS: '200000' };
    server = await start(
      readConfig({ PORT: '0', HOST: '127.0.0.1', API_KEYS: apiKeys, ...node }),
      pino({ level: 'silent' }),
    );
    const body = JSON.stringify(await paymentOf(stack.buyer, stack.payTo));
    const settled = await fetch(`${server.url}/settle`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(await settled.json()).toMatchObject({ success: true });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await database?.drop();
    await stack?.close();
  });
  beforeEach(async () => {
    page = await browser.newPage();
    faults = [];
    page.on('pageerror', ({ message }) => faults.push(message));
    page.on('console', (said) => {
      if (said.type() === 'error' && !/status of 401|favicon/.test(said.text())) faults.push(said.text());
    });
    await page.goto(`${server.url}/admin`);
  });
  afterEach(() => page.close());

  const run = async (sql: string, params: unknown[] = []) => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query(sql, params).finally(() => client.end());
  };
  const open = async (text: string) => {
    await page.getByLabel('Admin key').fill(text);
    await page.getByRole('button', { name: 'Open' }).click();
  };

  it('shows nothing without the key', async () => {
    await open('fk_wrong');
    await page.getByRole('status').getByText('This API key is not known.').waitFor();
    expect(await page.locator('#content').isVisible()).toBe(false);
    expect(await page.locator('#rows tr').count()).toBe(0);
    expect(faults).toEqual([]);
  });

  it('lists settlements with state and link, draws the day, and keeps the key out of the page', async () => {
    await open(key);
    await page.locator('#rows tr').waitFor();
    const shortHex = expect.stringMatching(/^0x.{6}….{6}$/);
    expect(await page.locator('#rows td').allTextContents()).toEqual([
      expect.any(String),
      'settled',
      '0.01',
      shortHex,
      shortHex,
      shortHex,
      '',
    ]);
    expect(await page.locator('#rows a').getAttribute('href')).toMatch(
      /^https:\/\/sepolia\.basescan\.org\/tx\/0x[0-9a-f]{64}$/,
    );
    await page.locator('#volume-sum').getByText('0.01').waitFor();
    expect(await page.locator('#success-sum').textContent()).toBe('1 / 0');
    const gas = (await page.locator('#gas-sum').textContent()) ?? '';
    expect(Number(gas.replaceAll(',', ''))).toBeGreaterThan(21_000);
    expect(await page.locator('svg rect.good').count()).toBe(24);
    expect(await page.getByLabel('Admin key').inputValue()).toBe('');
    expect(await page.content()).not.toContain(key);
    expect(faults).toEqual([]);
  });

  it('shows health and the gas of the signers, has axes and tables behind its bars, and signs out', async () => {
    await open(key);
    await page.locator('#rows tr').waitFor();
    expect(await page.locator('#ready').innerText()).toBe('ready');
    expect(await page.locator('#checks').innerText()).toMatch(/^database\nok\nchain\nok\nsigners\nok/);
    expect(await page.locator('#signers dd').innerText()).toMatch(/^\d+\.\d{6} ETH$/);
    for (const chart of ['volume', 'success', 'gas']) {
      const labels = await page.locator(`#${chart} text`).allTextContents();
      expect(labels).toHaveLength(7);
      expect(labels.slice(3)).toEqual(Array(4).fill(expect.stringMatching(/^\d\d:00$/)));
      expect(await page.locator(`#${chart}-table tbody tr`).count()).toBe(24);
    }
    await page.getByRole('button', { name: 'Sign out' }).click();
    expect(await page.locator('#content').isVisible()).toBe(false);
    expect(await page.locator('#rows tr').count()).toBe(0);
    expect(await page.getByLabel('Admin key').isVisible()).toBe(true);
    expect(faults).toEqual([]);
  });

  it.each(['light', 'dark'] as const)('fits a phone and is accessible (%s)', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 360, height: 800 });
    expect(await findings(page)).toEqual([]);
    await open(key);
    await page.locator('#rows tr').waitFor();
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    expect(await findings(page)).toEqual([]);
    await keepLook(page, 'facilitator admin', [colorScheme]);
    expect(faults).toEqual([]);
  });

  it('filters by state and reconciles an open settlement at a click', async () => {
    // As after a fault: the money moved, and the record does not know it yet.
    await run(
      `update facilitator_settlements set state = 'failed', reason = 'validBefore', message = '<b>x</b>'`,
    );
    await open(key);
    await page.getByLabel('State').selectOption('settled');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.locator('#rows tr').waitFor({ state: 'detached' });
    await page.getByLabel('State').selectOption('failed');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.locator('#rows td.state-failed').waitFor();
    await page.getByRole('button', { name: 'Reconcile' }).click();
    await page.locator('#rows td.state-settled').waitFor();
    expect(await page.getByRole('button', { name: 'Reconcile' }).count()).toBe(0);
    expect(faults).toEqual([]);
  });

  it('goes back page by page, and shows what one payer paid', async () => {
    const payer = `0x${'ab'.repeat(20)}`;
    const anHourAgo = Date.now() - 3_600_000;
    const clockAt = (ms: number) => ({ now: () => ms, timer: () => () => {} });
    const ids = Array.from({ length: 30 }, (_, i) =>
      newId('settlement', { clock: clockAt(anHourAgo - i), random: systemRandom }),
    );
    await run(
      `insert into facilitator_settlements
         (id, network, asset, payer, nonce, fingerprint, scheme, amount, "authorization", signature, by_account,
          state, reason, created_at, updated_at)
       select more.id, network, asset, $2, 'nonce of ' || more.id, fingerprint, scheme, '1500000', "authorization", signature, by_account,
              'failed', 'insufficientFunds', created_at, updated_at
         from facilitator_settlements, unnest($1::text[]) as more(id)`,
      [ids, payer],
    );
    await open(key);
    await page.locator('#rows tr').nth(24).waitFor();
    expect(await page.locator('#rows tr').count()).toBe(25);
    await page.getByRole('button', { name: 'More' }).click();
    await page.locator('#rows tr').nth(30).waitFor();
    const shown = await page
      .locator('#rows tr')
      .evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset['id']));
    expect(shown.slice(1)).toEqual(ids);
    expect(await page.getByRole('button', { name: 'More' }).isVisible()).toBe(false);
    await page.locator('#success-sum').getByText('1 / 30').waitFor();

    await page.getByLabel('Payer').fill(stack.buyer.address);
    await page.getByRole('button', { name: 'Show' }).click();
    await page.locator('#rows tr').nth(1).waitFor({ state: 'detached' });
    expect(await page.locator('#rows tr').count()).toBe(1);
    await page.getByLabel('Payer').fill(payer);
    await page.getByRole('button', { name: 'Show' }).click();
    await page.locator('#rows tr').nth(24).waitFor();
    const cells = await page.locator('#rows tr').first().locator('td').allTextContents();
    expect(cells.slice(1, 4)).toEqual(['failed: insufficientFunds', '1.50', '0xababab…ababab']);
    expect(faults).toEqual([]);
  });
});
