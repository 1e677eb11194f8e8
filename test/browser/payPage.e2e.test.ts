/// <reference lib="dom" />
import { paywall, type Price } from '@agentpay/paywall';
import express, { type RequestHandler } from 'express';
import type { Browser, Page } from 'playwright-core';
import { agentpayFacilitator } from '../interop/agentpayFacilitator.js';
import { PRICE, startInteropStack, type InteropStack } from '../interop/stack.js';
import { findings, giveWallet, keepLook, openBrowser, overflow } from './browser.js';

const HOSTILE = `<img src=x onerror="document.title='broken'"><script>document.title='broken'</script>`;

let stack: InteropStack;
let browser: Browser;
let page: Page;
let facilitator: string;
/** What the page reported that it should not have: script errors and violations of its policy. */
let faults: string[];

beforeAll(async () => {
  [stack, browser] = await Promise.all([startInteropStack(), openBrowser()]);
  facilitator = await agentpayFacilitator(stack);
});
afterAll(async () => {
  await browser?.close();
  await stack?.close();
});
beforeEach(async () => {
  page = await browser.newPage();
  faults = [];
  page.on('pageerror', ({ message }) => faults.push(message));
  page.on('console', (said) => {
    if (said.type() === 'error' && !/status of (?:402|5\d\d)|ERR_FAILED/.test(said.text()))
      faults.push(said.text());
  });
});
afterEach(() => page.close());

/** Sells the response of a handler; gives the URL and how often the handler ran. */
async function sell(
  handler: RequestHandler,
  price: Price = { price: '$0.01', description: 'One weather forecast' },
) {
  const served = { count: 0 };
  const wall = paywall({
    payTo: stack.payTo,
    network: 'base-sepolia',
    facilitator,
    logger: false,
  });
  const app = express();
  app.get('/weather', wall.charge(price), (req, res, next) => {
    served.count++;
    void handler(req, res, next);
  });
  return { url: `${await stack.serve(app)}/weather?city=Rome`, served };
}

const sunny: RequestHandler = (_req, res) => void res.json({ weather: 'sunny' });
const button = () => page.getByRole('button', { name: 'Pay $0.01 with your wallet' });
const status = () => page.getByRole('status').textContent();
const paidWith = async (work: () => Promise<unknown>) => {
  const before = await stack.usdc(stack.payTo);
  await work();
  return (await stack.usdc(stack.payTo)) - before;
};

describe('the pay page', () => {
  it('pays with the wallet of the browser, on the right network, and shows what was bought', async () => {
    const { url, served } = await sell(sunny);
    const wallet = await giveWallet(page, stack.buyer);
    await page.goto(url);
    expect(await page.title()).toBe('One weather forecast');
    const paid = await paidWith(async () => {
      await button().click();
      await page.getByRole('heading', { name: 'Here is what you paid for' }).waitFor();
    });
    expect(paid).toBe(PRICE);
    expect(JSON.parse(await page.locator('#content pre').innerText())).toEqual({ weather: 'sunny' });
    expect(await page.getByRole('link', { name: 'Save as a file' }).isVisible()).toBe(true);
    const receipt = await page.locator('#receipt').innerText();
    expect(receipt).toContain('0.01 USDC on Base Sepolia');
    expect(receipt).toContain(stack.payTo);
    expect(await page.locator('#receipt a').getAttribute('href')).toMatch(
      /^https:\/\/sepolia\.basescan\.org\/tx\/0x[0-9a-f]{64}$/,
    );
    expect(await findings(page)).toEqual([]);
    const signing = [
      'eth_requestAccounts',
      'wallet_switchEthereumChain',
      'wallet_addEthereumChain',
      'eth_signTypedData_v4',
    ];
    expect([wallet.calls, served.count, faults]).toEqual([signing, 1, []]);
  });

  it('can be used with the keyboard alone, and moves the focus to what was bought', async () => {
    const { url } = await sell(sunny);
    await giveWallet(page, stack.buyer);
    await page.goto(url);
    await page.keyboard.press('Tab');
    expect(await button().evaluate((node) => node === node.ownerDocument.activeElement)).toBe(true);
    expect(await button().evaluate((node) => getComputedStyle(node).outlineStyle)).toBe('solid');
    await page.keyboard.press('Enter');
    await page.locator('#bought-title:focus').waitFor();
  });

  it('says so when the person declines or has no wallet, and pays nothing', async () => {
    const { url, served } = await sell(sunny);
    await page.goto(url);
    await button().click();
    await page.locator('#status.fault').waitFor();
    expect(await status()).toMatch(/^No wallet was found/);
    const { host, pathname, search } = new URL(url);
    expect(await page.getByRole('link', { name: 'Open in MetaMask' }).getAttribute('href')).toBe(
      `https://metamask.app.link/dapp/${host}${pathname}${search}`,
    );
    expect(await page.getByRole('link', { name: 'Open in Coinbase Wallet' }).isVisible()).toBe(true);
    await page.setViewportSize({ width: 360, height: 780 });
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    const wallet = await giveWallet(page, stack.buyer);
    wallet.decline = true;
    await page.goto(url);
    const paid = await paidWith(async () => {
      await button().click();
      await page.locator('#status.fault').waitFor();
    });
    expect([await status(), paid, served.count]).toEqual([
      'You declined in your wallet. Nothing was paid.',
      0n,
      0,
    ]);
    await button().click();
    await page.locator('#bought-title').waitFor();
  });

  it('sends the same payment again after a response got lost, also when the page was reloaded', async () => {
    const { url, served } = await sell(sunny);
    const wallet = await giveWallet(page, stack.buyer);
    await page.goto(url);
    await page.route('**/weather?*', async (route) => {
      if (!route.request().headers()['payment-signature']) return route.continue();
      await route.fetch();
      return route.abort();
    });
    const again = page.getByRole('button', { name: 'Send the same payment again' });
    const paid = await paidWith(async () => {
      await button().click();
      await again.waitFor();
      await page.unroute('**/weather?*');
      await page.reload();
      await again.click();
      await page.locator('#bought-title').waitFor();
    });
    expect([paid, served.count]).toEqual([PRICE, 1]);
    expect(wallet.calls.filter((method) => method === 'eth_signTypedData_v4')).toHaveLength(1);
  });

  it('pays in a browser that keeps storage from pages', async () => {
    const { url } = await sell(sunny);
    await giveWallet(page, stack.buyer);
    await page.addInitScript(
      `Object.defineProperty(globalThis, 'sessionStorage', { get() { throw new Error('Access is denied'); } });`,
    );
    await page.goto(url);
    await button().click();
    await page.locator('#bought-title').waitFor();
    expect(faults).toEqual([]);
  });

  it('shows bought HTML in a frame that runs no script, and gives anything else as a file', async () => {
    await giveWallet(page, stack.buyer);
    const html = await sell(
      (_req, res) =>
        void res.type('html').send(`<h2>Sunny</h2><script>parent.document.title='broken'</script>`),
    );
    await page.goto(html.url);
    await button().click();
    await page.frameLocator('iframe').getByRole('heading', { name: 'Sunny' }).waitFor();
    expect(await page.title()).toBe('One weather forecast');

    const bytes = Buffer.from([0, 1, 2, 250]);
    const file = await sell((_req, res) => void res.attachment('sky.bin').send(bytes));
    await page.goto(file.url);
    await button().click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Save as a file' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('sky.bin');
    const chunks = await (await download.createReadStream()).toArray();
    expect(Buffer.concat(chunks)).toEqual(bytes);
  });

  it('runs no script of a hostile description or URL', async () => {
    const { url } = await sell(sunny, { price: '$0.01', description: HOSTILE });
    await page.goto(`${url}&x=${HOSTILE}</script>`);
    expect(await page.title()).toBe(HOSTILE);
    expect(await page.locator('img, body script:not([id]):not([type=module])').count()).toBe(0);
    expect(faults).toEqual([]);
  });

  it('says what to do without JavaScript', async () => {
    const { url } = await sell(sunny);
    const plain = await browser.newPage({ javaScriptEnabled: false });
    await plain.goto(url);
    expect(await plain.locator('noscript').isVisible()).toBe(true);
    expect(await plain.locator('noscript').innerText()).toContain('Paying here needs JavaScript.');
    await plain.close();
  });

  it.each(['light', 'dark'] as const)(
    'has a contrast of 4.5 or more in the %s scheme',
    async (colorScheme) => {
      const { url } = await sell(sunny);
      await page.emulateMedia({ colorScheme });
      await page.goto(url);
      await button().click();
      await page.locator('#status.fault').waitFor();
      const ratios = await page.evaluate(contrasts, [
        '.kicker',
        'h1',
        '.price',
        '.unit',
        'dt',
        'dd',
        '#pay',
        '#status',
        'summary',
      ]);
      expect(ratios.filter(({ ratio }) => ratio < 4.5)).toEqual([]);
      expect(ratios).toHaveLength(9);
      await keepLook(page, 'pay page', [colorScheme]);
    },
  );
});

/** Runs in the page: the contrast of the text of elements to what is behind it (WCAG 2 section 1.4.3). */
function contrasts(selectors: readonly string[]): { selector: string; ratio: number }[] {
  const luminance = (colour: string) => {
    const [r = 0, g = 0, b = 0] = (colour.match(/[\d.]+/g) ?? []).map((part) => {
      const value = Number(part) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node: Element): string => {
    const { backgroundColor } = getComputedStyle(node);
    return backgroundColor === 'rgba(0, 0, 0, 0)' ? behind(node.parentElement as Element) : backgroundColor;
  };
  return selectors.map((selector) => {
    const node = document.querySelector(selector) as Element;
    const [dark, bright] = [luminance(getComputedStyle(node).color), luminance(behind(node))].sort(
      (a, b) => a - b,
    ) as [number, number];
    return { selector, ratio: (bright + 0.05) / (dark + 0.05) };
  });
}
