import { createHash } from 'node:crypto';
import { x402v2 } from '@agentpay/protocol';
import { paywall } from '../../index.js';
import {
  acceptsIn,
  PAY_TO,
  fakeFacilitator,
  listen,
  pay,
  send,
  type Seller,
} from '../../seller.test.support.js';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';
const HOSTILE = `"><script>alert(1)</script><img src=x onerror=alert(2)> '&' </title></style>`;

let seller: Seller;
afterEach(() => seller?.close());

/** Opens a priced URL as a browser does. */
async function open(
  target = '/',
  { description = 'One forecast', network = 'base-sepolia', price = '$0.01', headers = {} } = {},
) {
  const wall = paywall({ logger: false, payTo: PAY_TO, network, facilitator: fakeFacilitator() });
  const charge = wall.charge({ price, description });
  seller = await listen((req, res) => charge(req, res, () => res.end('sold')));
  return send(seller, target, { headers: { accept: BROWSER, ...headers } });
}

/** The texts of all elements of this name. */
function contents(html: string, name: string): string[] {
  return [...html.matchAll(new RegExp(`<${name}[^>]*>([^]*?)</${name}>`, 'g'))].map(
    (match) => match[1] as string,
  );
}

describe('a browser that opens a priced URL', () => {
  it.each([
    ['$2.5', '$2.50', '2.50 USDC'],
    ['$3', '$3.00', '3.00 USDC'],
    ['$0.005', '$0.005', '0.005 USDC'],
  ])('reads %s as %s', async (price, shown, label) => {
    const { text } = await open('/', { price });
    expect([text.includes(`>${shown}<`), text.includes(`>${label} on Base Sepolia`)]).toEqual([true, true]);
  });

  it('gets a page with the status and the offers of every other 402', async () => {
    const page = await open('/weather');
    const offer = await send(seller, '/weather');
    expect([page.status, page.headers['content-type']]).toEqual([402, 'text/html; charset=utf-8']);
    expect(acceptsIn(page)).toEqual(acceptsIn(offer));
    expect(page.headers['www-authenticate']).toMatch(/^Payment id="/);
    expect(page.headers['cache-control']).toBe('no-store');
    expect(page.headers['vary']).toMatch(/, Accept$/);
    expect(page.text).toContain('$0.01');
    expect(page.text).toContain('0.01 USDC on Base Sepolia (test money)');
    expect(page.text).toContain(PAY_TO);
    expect(page.text).toContain(`curl -i &#39;${seller.url}/weather&#39;`);
    expect(
      (await send(seller, '/weather', { headers: { accept: BROWSER, ...pay(page, 'x402v2') } })).text,
    ).toBe('sold');
  });

  it('pays real money on Base', async () => {
    const page = await open('/', { network: 'base' });
    expect(page.text).toContain('0.01 USDC on Base<');
    const { choices } = JSON.parse(contents(page.text, 'script')[0] as string);
    expect(choices).toMatchObject([{ chainId: 8453, chain: { chainName: 'Base' } }]);
  });

  it('chooses among several ways to pay, and pays what was offered to this request', async () => {
    const accepts = [{ network: 'base' }, { network: 'base-sepolia' }];
    const wall = paywall({ logger: false, payTo: PAY_TO, facilitator: fakeFacilitator(), accepts });
    const charge = wall.charge(() => '$0.03');
    seller = await listen((req, res) => charge(req, res, () => res.end('sold')));
    const { text, headers } = await send(seller, '/', { headers: { accept: BROWSER } });
    const labels = contents(text, 'label').map((label) => label.replace(/<[^>]*>/, '').trim());
    expect(labels).toEqual(['0.03 USDC on Base', '0.03 USDC on Base Sepolia (test money)']);
    const { choices } = JSON.parse(contents(text, 'script')[0] as string) as {
      choices: { accepted: unknown }[];
    };
    const required = x402v2.decodePaymentRequired(headers['payment-required'] as string);
    expect(choices.map(({ accepted }) => accepted)).toEqual(required.accepts);
  });

  it('gets all of it in less than 30 kB, and nothing from elsewhere', async () => {
    const { text } = await open();
    expect(Buffer.byteLength(text)).toBeLessThan(30_000);
    expect(text).not.toMatch(/<link|<script[^>]+src=|@import|url\(|\b(?:src|href)="/);
  });

  it('runs the script and the style of the page and no other, and shows it in no frame', async () => {
    const { text, headers } = await open();
    const policy = String(headers['content-security-policy']);
    const [, script] = contents(text, 'script');
    const [style] = contents(text, 'style');
    for (const source of [script, style]) {
      expect(policy).toContain(
        `'sha256-${createHash('sha256')
          .update(source as string)
          .digest('base64')}'`,
      );
    }
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(policy).toMatch(/^default-src 'none'; .*frame-ancestors 'none'$/);
    expect(text).not.toMatch(/\son\w+=|\sstyle=/);
  });

  it.each([
    ['the description', '/', { description: HOSTILE }],
    ['the path and query', `/x?q=${HOSTILE.replaceAll(' ', '+')}`, {}],
    ['the host', '/', { headers: { host: 'x"><script>' } }],
  ])('is safe from a hostile text in %s', async (_, target, options) => {
    const plain = await open();
    await seller.close();
    const hostile = await open(target, options);
    const tags = (text: string) =>
      text.replace(/<script type="application\/json"[^]*?<\/script>/, '').match(/<\/?[a-z][^>]*>/gi);
    expect(tags(hostile.text)).toEqual(tags(plain.text));
    const [terms] = contents(hostile.text, 'script');
    expect(terms).not.toContain('<');
    expect(JSON.parse(terms as string).choices).toHaveLength(1);
  });

  it('can copy a command that no text breaks out of', async () => {
    const { text } = await open(`/x?q=';rm+-rf+~;'`);
    const command = (contents(text, 'pre')[0] as string).replaceAll('&#39;', "'");
    expect(command).toBe(`curl -i '${seller.url}/x?q='\\'';rm+-rf+~;'\\'''`);
  });

  it('is told the most that a price by use may be, and how to pay it', async () => {
    const kind = { x402Version: 2, scheme: 'upto', network: 'eip155:84532' };
    const kinds = [{ ...kind, extra: { facilitatorAddress: PAY_TO } }];
    const facilitator = fakeFacilitator({ supported: async () => ({ kinds, extensions: [], signers: {} }) });
    const charge = paywall({ logger: false, payTo: PAY_TO, network: 'base-sepolia', facilitator }).charge({
      upto: '$0.5',
    });
    seller = await listen((req, res) => charge(req, res, () => res.end('sold')));
    const { text, status } = await send(seller, '/', { headers: { accept: BROWSER } });
    expect(status).toBe(402);
    expect(text).toContain('<p class="price">up to $0.50</p>');
    expect(text).toContain(PAY_TO);
    expect(text).toContain('<details open>');
    expect(text).not.toContain('id="pay"');
  });

  it('is told why a payment was refused', async () => {
    const first = await open();
    const headers = { accept: BROWSER, ...pay(first, 'x402v2', { to: `0x${'11'.repeat(20)}` }) };
    const refused = await send(seller, '/', { headers });
    expect(refused.status).toBe(402);
    expect(refused.text).toContain(
      '<p id="status" role="status" class="fault">The authorization pays somebody else.</p>',
    );
  });
});

describe('the page is for', () => {
  it.each([
    ['Chrome', 'GET', BROWSER, true],
    ['a link checker', 'HEAD', 'text/html', true],
    ['any text', 'GET', 'text/html;q=0.5, application/json;q=0.4', true],
    ['fetch and curl', 'GET', '*/*', false],
    ['a client without preference', 'GET', undefined, false],
    ['a client that takes HTML as well', 'GET', 'application/json, text/html;q=0.9', false],
    ['a client that likes both', 'GET', 'application/json, text/html', false],
    ['a client that likes everything', 'GET', 'text/html, */*', false],
    ['a client that refuses HTML', 'GET', 'text/html;q=0, */*;q=0', false],
    ['a form, whose body the page could not send again', 'POST', BROWSER, false],
  ])('%s', async (_, method, accept, isPage) => {
    const wall = paywall({ logger: false, payTo: PAY_TO, facilitator: fakeFacilitator(), price: '$0.01' });
    seller = await listen((req, res) => wall(req, res, () => res.end()));
    const { headers } = await send(seller, '/', { method, headers: accept === undefined ? {} : { accept } });
    expect(headers['content-type']).toBe(
      isPage ? 'text/html; charset=utf-8' : 'application/problem+json; charset=utf-8',
    );
  });
});
