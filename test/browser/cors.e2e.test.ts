/// <reference lib="dom" />
import { paywall, type Cors } from '@agentpay/paywall';
import type { Browser, Page } from 'playwright-core';
import { newAccount } from '../attacks/payment.js';
import { agreeable } from '../conformance/mppFlows.js';
import { closeServers, dialects, proofOf, serve } from '../attacks/paywallSeller.js';
import { openBrowser } from './browser.js';

let browser: Browser;
let page: Page;
/** Origin of a page that wants to buy elsewhere. */
let origin: string;

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser?.close());
beforeEach(async () => {
  origin = await serve(
    (_req, res) => void res.setHeader('Content-Type', 'text/html').end('<title>Elsewhere</title>'),
  );
  page = await browser.newPage();
  await page.goto(origin);
});
afterEach(async () => {
  await page.close();
  await closeServers();
});

function sell(cors: Cors): Promise<string> {
  const pay = paywall({
    logger: false,
    payTo: newAccount().address,
    facilitator: agreeable,
    routes: { 'GET /weather': '$0.01' },
    cors,
  });
  return serve((req, res) => pay(req, res, () => res.end('sunny')));
}

/** What a script of the page reads of the response; undefined where the browser keeps it from it. */
function ask(url: string, headers: Record<string, string> = {}) {
  const script = async ({ url, headers }: { url: string; headers: Record<string, string> }) => {
    const response = await fetch(url, { headers }).catch(() => undefined);
    return (
      response && { status: response.status, headers: [...response.headers], body: await response.text() }
    );
  };
  return page.evaluate(script, { url, headers });
}

describe('a page of another origin, in a browser', () => {
  it.each(dialects)('reads the offer, pays in %s and reads the receipt', async (dialect) => {
    const url = `${await sell(true)}/weather`;
    const offered = await ask(url, { 'X-Own': 'needs a preflight' });
    const offer = new Response(offered?.body ?? '', {
      status: offered?.status ?? 599,
      headers: offered?.headers ?? [],
    });
    const [name, value] = await proofOf(newAccount(), offer, dialect);
    const paid = await ask(url, { [name]: value });
    expect([offered?.status, paid?.status, paid?.body]).toEqual([402, 200, 'sunny']);
    const receipt = { x402v2: 'payment-response', x402v1: 'x-payment-response', mpp: 'payment-receipt' }[
      dialect
    ];
    expect(new Headers(paid?.headers).has(receipt)).toBe(true);
  });

  it('is let in where it is listed, and by nobody else', async () => {
    expect((await ask(`${await sell({ origins: [origin] })}/weather`))?.status).toBe(402);
    expect(await ask(`${await sell({ origins: ['https://other.example'] })}/weather`)).toBeUndefined();
    expect(await ask(`${await sell(false)}/weather`)).toBeUndefined();
  });
});
