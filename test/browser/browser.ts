/// <reference lib="dom" />
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { authorizationTypedData } from '@agentpay/protocol';
import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import type { PrivateKeyAccount } from 'viem/accounts';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Longest wait for what must happen in a page; a busy machine takes its time. */
const BOUND_MS = 180_000;

/** Headless Chromium: the one `npm test` found, else Debian's. Its pages wait as long as a test may. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath, args: FLAGS, timeout: BOUND_MS });
  const newContext = browser.newContext.bind(browser);
  // Pages that are opened without a context get theirs by this, too.
  browser.newContext = async (options) => {
    const context = await newContext(options);
    context.setDefaultTimeout(BOUND_MS);
    return context;
  };
  return browser;
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Found {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly target: unknown; readonly failureSummary: string }[];
}

interface Checked {
  /** Selects the part of the page that is looked at. */
  readonly part?: string;
  readonly rules?: readonly string[];
}

/** Serious and critical findings of axe on the page as it stands, or on a part of it: by all its rules, or by some. */
export async function findings(page: Page, { part = ':root', rules }: Checked = {}): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe);
  const { violations, passes } = await page.evaluate(
    async ([selector, runOnly]) => {
      const { axe: checker } = globalThis as unknown as {
        axe: { run(part: string, options: object): Promise<Record<'violations' | 'passes', Found[]>> };
      };
      return checker.run(selector, runOnly ? { runOnly } : {});
    },
    [part, rules] as const,
  );
  expect(passes.length).toBeGreaterThan(0);
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${JSON.stringify(nodes[0]?.target)} ${nodes[0]?.failureSummary}`);
}

/** What has the focus, as its text. */
const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent);

/** What the dialogs of a page agree to that were looked at. */
const lookedAt = new WeakMap<Page, Set<string>>();
export const questionsOf = (page: Page): ReadonlySet<string> => lookedAt.get(page) ?? new Set();

/**
 * Presses a button that asks first, and looks at the question: it can be read in both schemes, keeps the keyboard within, ends with Escape
 * and gives the focus back. Nothing was agreed to then.
 */
export async function lookAtQuestion(page: Page, button: Locator): Promise<void> {
  const name = await button.innerText();
  const dialog = page.getByRole('dialog');
  await button.click();
  await dialog.waitFor();
  const part = 'dialog[open]';
  await page.emulateMedia({ colorScheme: 'light' });
  expect([name, await findings(page, { part })]).toEqual([name, []]);
  await page.emulateMedia({ colorScheme: 'dark' });
  expect([name, 'dark', await findings(page, { part, rules: ['color-contrast'] })]).toEqual([
    name,
    'dark',
    [],
  ]);
  expect(await focused(page)).toBe('No');
  for (let turn = 0; turn < 4; turn++) {
    await page.keyboard.press('Tab');
    // Beside its two buttons the browser's own bar is all that the keyboard reaches, and then the page has no focus at all.
    expect([name, 'No', '']).toContain(
      await page.evaluate(() => {
        const { activeElement, body } = document;
        return activeElement === body ? '' : activeElement?.textContent;
      }),
    );
  }
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  expect(await button.evaluate((node) => node === node.ownerDocument.activeElement)).toBe(true);
  lookedAt.set(page, new Set([...questionsOf(page), name]));
}

/** {@link lookAtQuestion}; then the button is pressed again, its question kept as a picture and agreed to. */
export async function agreeTo(page: Page, button: Locator): Promise<void> {
  await lookAtQuestion(page, button);
  const name = await button.innerText();
  const dialog = page.getByRole('dialog');
  await button.click();
  await dialog.waitFor();
  await keepLook(page, `question ${name}`);
  await dialog.getByRole('button', { name, exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
}

/** By how many pixels the page is wider than its window. */
export const overflow = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** With `LOOKS=1` a run keeps how the pages look, for people to see: one folder, which git does not have. */
const KEPT = process.env['LOOKS'] === '1';
const SHOTS = join(process.cwd(), 'test/artifacts/pages');
const devices = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } } as const;

/** Keeps how a page looks on a desktop and on a phone, as it is left: in light and dark, or in one of them. */
export async function keepLook(
  page: Page,
  name: string,
  schemes: readonly ('light' | 'dark')[] = ['light', 'dark'],
): Promise<void> {
  if (KEPT) mkdirSync(SHOTS, { recursive: true });
  const file = name.replaceAll(/[^a-z0-9]+/gi, '-').replaceAll(/^-|-$/g, '') || 'home';
  for (const [device, size] of Object.entries(devices)) {
    await page.setViewportSize(size);
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme });
      if (!KEPT) continue;
      const path = join(SHOTS, `${file}.${device}.${colorScheme}.jpg`);
      // Playwright hides carets by an inline style, which the pages refuse.
      await page.screenshot({ path, type: 'jpeg', quality: 60, caret: 'initial' });
    }
  }
}

/** A wallet in a page, and what it was asked. */
export interface TestWallet {
  readonly calls: string[];
  /** Makes the person at the wallet decline the next signature. */
  decline: boolean;
}

type TypedData = ReturnType<typeof authorizationTypedData>;

/** Puts an EIP-1193 wallet into every document of the page; it signs with the account's key and starts on another network. */
export async function giveWallet(page: Page, account: PrivateKeyAccount): Promise<TestWallet> {
  const wallet: TestWallet = { calls: [], decline: false };
  let known = false;
  await page.exposeFunction('askWallet', async (method: string, params: readonly unknown[] = []) => {
    wallet.calls.push(method);
    if (method === 'eth_requestAccounts') return { result: [account.address] };
    if (method === 'wallet_addEthereumChain') known = true;
    if (method === 'wallet_switchEthereumChain' && !known)
      return { error: { code: 4902, message: 'Unrecognized chain' } };
    if (method !== 'eth_signTypedData_v4') return { result: null };
    if (!wallet.decline)
      return { result: await account.signTypedData(JSON.parse(params[1] as string) as TypedData) };
    wallet.decline = false;
    return { error: { code: 4001, message: 'User rejected the request.' } };
  });
  await page.addInitScript(`
    class Wallet {
      #ask = globalThis.askWallet;
      async request({ method, params }) {
        const { result, error } = await this.#ask(method, params);
        if (error) throw Object.assign(new Error(error.message), error);
        return result;
      }
    }
    globalThis.ethereum = new Wallet();`);
  return wallet;
}
