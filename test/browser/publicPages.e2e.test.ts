/// <reference lib="dom" />
import { eventually } from '@agentpay/testing';
import type { Browser, Page } from 'playwright-core';
import { listed } from '../families/gateway/listings.calls.js';
import { newBundle } from '../families/gateway/bundles.calls.js';
import { ADMIN_KEY } from '../families/testApi.js';
import { newWorld, type World } from '../families/world.js';
import { findings, keepLook, openBrowser, overflow } from './browser.js';

const HOSTILE = `<img src=x onerror="document.title='broken'">"'><script>document.title='broken'</script>`;

/** The public pages on one API, in one browser. */
let world: World;
let browser: Browser;
let listing: string;
let bundle: string;
/** What the pages reported that they should not have. */
let faults: string[];

beforeAll(async () => {
  [world, browser] = await Promise.all([newWorld(), openBrowser()]);
  listing = await listed(world, {
    name: HOSTILE.slice(0, 100),
    description: HOSTILE,
    methods: [{ name: 'summarize', description: HOSTILE, price_usdc: '2.50' }],
    sla: { uptime: '99.9%', p95_ms: 850 },
  });
  ({ bundle_id: bundle } = (await newBundle(world)).params);
  await world.api.http
    .post('/v1/services')
    .set(world.agent.auth)
    .send({ name: 'Weather <b>now</b>', price_per_call: 0.5, sla: { max_completion_seconds: 30 } })
    .expect(201);
});
afterAll(async () => {
  await browser?.close();
  await world?.api.close();
});
beforeEach(() => {
  faults = [];
});

/** A new page that notes what goes wrong in it. */
async function newPage(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on('pageerror', ({ message }) => faults.push(message));
  page.on('console', (said) => {
    if (said.type() === 'error') faults.push(said.text());
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(world.api.url).origin) faults.push(request.url());
  });
  return page;
}

const pages: readonly [path: string, heading: RegExp][] = [
  ['/', /Payments for software agents/],
  ['/docs', /Documentation/],
  ['/docs/quickstart-sellers', /seller/i],
  ['/docs/api', /API reference/],
  ['/docs/api/runtime.wallets', /Wallets/],
  ['/docs/sdk', /SDK/],
  ['/docs/search?q=webhook', /Search/],
  ['/integrations', /Integrations/],
  ['/storefront', /Storefront/],
  ['/storefront/agents/LISTING', /img src/],
  ['/storefront/bundles/BUNDLE', /Starter/],
  ['/explorer', /Explorer/],
  ['/ops/public-alpha', /operations/],
];

describe.each(pages)('%s', (path, heading) => {
  it.each(['light', 'dark'] as const)(
    'is whole, without faults, accessible and as wide as a phone (%s)',
    async (colorScheme) => {
      const page = await newPage({ colorScheme, viewport: { width: 390, height: 844 } });
      const target = path.replace('LISTING', listing).replace('BUNDLE', bundle);
      const response = await page.goto(world.api.url + target);
      expect(response?.status()).toBe(200);
      const headers = response?.headers() ?? {};
      expect(headers['content-security-policy']).toMatch(/frame-ancestors/);
      expect(headers['content-security-policy']).not.toMatch(/script-src[^;]*unsafe/);
      expect(await page.title()).toMatch(/. · AgentPay$/);
      expect(await page.locator('html').getAttribute('lang')).toBe('en');
      const headings = page.locator('h1:visible');
      expect([await headings.count(), await headings.first().innerText()]).toEqual([
        1,
        expect.stringMatching(heading),
      ]);
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      expect(await findings(page)).toEqual([]);
      expect(headers['content-security-policy']).toMatch(/style-src 'self'(;|$)/);
      expect(await page.locator('main img, main script:not([type="application/json"])').count()).toBe(0);
      await keepLook(page, path, [colorScheme]);
      expect(faults).toEqual([]);
      await page.context().close();
    },
  );
});

describe('/storefront', () => {
  it('can be read without JavaScript, hostile names and all', async () => {
    const page = await newPage({ javaScriptEnabled: false });
    await page.goto(`${world.api.url}/storefront`);
    const card = page.locator('article', { hasText: 'onerror' }).first();
    expect(await card.innerText()).toContain('2.50 USDC a call');
    await card.getByRole('link').first().click();
    expect(await page.locator('h1').innerText()).toBe(HOSTILE.slice(0, 100));
    expect(await page.getByRole('row', { name: /summarize/ }).innerText()).toContain('2.50 USDC');
    expect(await page.getByRole('row', { name: /Calls answered/ }).innerText()).toMatch(/99\.9 %\s+no calls/);
    await page.goto(`${world.api.url}/storefront?q=nothing-like-this`);
    expect(await page.getByText('No agent fits.').count()).toBe(1);
    expect(await page.getByText('Weather <b>now</b>').count()).toBe(1);
    await page.context().close();
  });
});

describe('/explorer', () => {
  const open = async (page: Page) => {
    await page.goto(`${world.api.url}/explorer`);
    await page.getByRole('button', { name: 'Open a session' }).click();
    await page.locator('#role', { hasText: 'host' }).waitFor();
  };
  const balance = (page: Page, text: string) => page.locator('#balance', { hasText: text }).waitFor();
  const call = async (page: Page, label: string) => {
    await page.getByRole('combobox', { name: 'Call' }).selectOption({ label });
  };

  it('lets a guest in by the link of an invite, who watches live and cannot write', async () => {
    const host = await newPage();
    await open(host);
    await host.getByRole('button', { name: 'Add 10 of test money' }).click();
    await balance(host, '10.00 USD');
    await host.getByRole('button', { name: 'Make an invite' }).click();
    await host.locator('#link:visible').waitFor();
    const link = await host.getByLabel('Link').inputValue();
    expect(link).toMatch(/\/explorer#invite=inv_code_[0-9a-f]{48}$/);

    const guest = await newPage();
    await guest.goto(link);
    await guest.locator('#role', { hasText: 'guest' }).waitFor();
    await balance(guest, '10.00 USD');
    expect(await guest.locator('#writes').innerText()).toBe('reads only');
    expect(guest.url()).toBe(`${world.api.url}/explorer`);
    expect(await guest.getByRole('button', { name: 'Add 10 of test money' }).isVisible()).toBe(false);
    expect(await findings(guest)).toEqual([]);

    await call(guest, 'POST /v1/wallets/{wallet_id}/fund');
    expect(faults.splice(0)).toEqual([]);
    await guest.getByRole('button', { name: 'Send' }).click();
    await guest.locator('#status', { hasText: '403' }).waitFor();
    expect(await guest.locator('#response').innerText()).toContain('DEMO_READ_ONLY');
    // The browser itself notes the refusal.
    await eventually(() => expect(faults).toEqual([expect.stringContaining('403')]));
    faults = [];

    await host.getByRole('button', { name: 'Add 10 of test money' }).click();
    await balance(guest, '20.00 USD');
    expect(faults).toEqual([]);
    await Promise.all([host.context().close(), guest.context().close()]);
  });

  it('shows each call as curl without its token, pays, and finds the session again after a reload', async () => {
    const page = await newPage();
    await open(page);
    await page.getByRole('button', { name: 'Add 10 of test money' }).click();
    await balance(page, '10.00 USD');
    await call(page, 'POST /v1/payments');
    const body = JSON.parse(await page.getByLabel('Body').inputValue()) as Record<string, unknown>;
    const paid = {
      ...body,
      amount: 2.5,
      to_external: 'merchant:demo',
      description: HOSTILE.slice(0, 60),
      rail: 'internal',
    };
    await page.getByLabel('Body').fill(JSON.stringify(paid));
    const curl = await page.locator('#curl').innerText();
    expect(curl).toContain(`curl -X POST '${world.api.url}/v1/payments'`);
    expect(curl).toContain('x-explorer-access: $AGENTPAY_EXPLORER_TOKEN');
    expect(curl).toContain('"amount":2.5');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.locator('#status', { hasText: '201' }).waitFor();
    await page.locator('#payments tr', { hasText: '2.50 USD' }).waitFor();
    expect(await page.locator('#payments').innerText()).toContain(HOSTILE.slice(0, 60));
    expect(await page.locator('#payments img').count()).toBe(0);
    await page.reload();
    await page.locator('#payments tr', { hasText: '2.50 USD' }).waitFor();
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    expect(await findings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Leave' }).click();
    await page.reload();
    await page.getByRole('button', { name: 'Open a session' }).waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it('tells somebody with an invite that is not good', async () => {
    const page = await newPage();
    await page.goto(`${world.api.url}/explorer#invite=inv_code_${'0'.repeat(48)}`);
    await page
      .getByRole('alert')
      .getByText(/invite/i)
      .waitFor();
    await page.context().close();
  });
});

describe('/ops/public-alpha', () => {
  const url = () => `${world.api.url}/ops/public-alpha`;

  it('asks for the key, shows the state with it, stops all payments, and signs out', async () => {
    const page = await newPage({ viewport: { width: 390, height: 844 } });
    await page.goto(url());
    await page.getByLabel('Admin key').fill('not-the-key');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText(/key/i).waitFor();
    await eventually(() => expect(faults).toEqual([expect.stringContaining('401')]));
    faults = [];
    await page.getByLabel('Admin key').fill(ADMIN_KEY);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Kill switch' }).waitFor();
    expect(await page.getByRole('heading', { name: /^Sessions/ }).count()).toBe(1);
    expect(await page.getByLabel('Admin key').inputValue()).toBe('');
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    expect(await findings(page)).toEqual([]);
    const isStopped = async () =>
      (await world.api.http.get('/ops/public-alpha/state').set('x-admin-key', ADMIN_KEY)).body
        .kill_switch as boolean;
    await page.getByRole('button', { name: 'Stop all payments' }).click();
    await page.getByRole('button', { name: 'Let payments go on' }).waitFor();
    expect(await isStopped()).toBe(true);
    await page.getByRole('button', { name: 'Let payments go on' }).click();
    await page.getByRole('button', { name: 'Stop all payments' }).waitFor();
    expect(await isStopped()).toBe(false);
    expect(await page.content()).not.toContain(ADMIN_KEY);
    await page.getByRole('button', { name: 'Sign out' }).click();
    expect(await page.locator('#state').innerText()).toBe('');
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it('shows the state at once to whoever sends the key, and refuses a wrong one', async () => {
    const page = await newPage({ extraHTTPHeaders: { 'x-admin-key': ADMIN_KEY } });
    await page.goto(url());
    expect(await page.getByRole('heading', { name: 'Kill switch' }).count()).toBe(1);
    expect(await page.getByLabel('Admin key').isVisible()).toBe(false);
    expect(faults).toEqual([]);
    await page.context().close();
    await world.api.http.get('/ops/public-alpha').set('x-admin-key', 'wrong').expect(401);
  });
});
