import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { base, baseSepolia } from '@agentpay/primitives';
import { mpp, x402v1, x402v2 } from '@agentpay/protocol';
import { checkUrl } from './index.js';

const payTo = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const { usdc } = baseSepolia;
const SECRET = 's'.repeat(32);

/** What a seller says, and how it behaves; without changes, as it should. */
interface Behaviour {
  v2Amount?: string;
  /** In all dialects. */
  amount?: string;
  asset?: string;
  network?: typeof baseSepolia;
  described?: boolean;
  extra?: Record<string, string>;
  path?: string;
  expires?: string;
  fixedChallenge?: boolean;
  headers?: Record<string, string>;
  answer?: (req: IncomingMessage, res: ServerResponse) => boolean;
}

let server: Server;
let count = 0;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
});

function offerOf({
  amount = '10000',
  asset = usdc.address,
  network = baseSepolia,
  described = false,
  v2Amount = amount,
  extra = { ...usdc.eip712 },
  path = '/weather',
  expires,
  fixedChallenge,
}: Behaviour) {
  const offer = {
    scheme: 'exact',
    network: network.id,
    asset,
    payTo,
    maxTimeoutSeconds: 60,
    extra,
  };
  const resource = { url: `http://seller.example${path}`, ...(described && { description: 'Weather' }) };
  const v2 = x402v2.encodePaymentRequired({
    x402Version: 2,
    resource,
    accepts: [{ ...offer, amount: v2Amount }],
    ...(described && { extensions: { bazaar: { info: {} } } }),
  });
  const accepts = [x402v1.requirementsFromV2({ ...offer, amount }, resource)];
  const charge = {
    amount: BigInt(amount),
    currency: asset as `0x${string}`,
    recipient: payTo,
    chainId: network.chainId,
    decimals: 6,
  } as const;
  const challenge = mpp.createChallenge(
    {
      realm: 'seller',
      method: mpp.EVM_METHOD,
      intent: mpp.CHARGE_INTENT,
      request: mpp.evmChargeRequest(charge),
      expires: expires ?? '2999-01-01T00:00:00Z',
      opaque: { n: fixedChallenge ? 'n' : String(count++) },
    },
    SECRET,
  );
  return { v2, v1: JSON.stringify({ x402Version: 1, accepts }), mpp: mpp.serializeChallenge(challenge) };
}

async function sell(behaviour: Behaviour): Promise<string> {
  server = createServer((req, res) => {
    if (behaviour.answer?.(req, res)) return;
    if (req.method === 'OPTIONS') return void res.writeHead(204).end();
    const offer = offerOf(behaviour);
    const headers = {
      'Cache-Control': 'no-store',
      [x402v2.PAYMENT_REQUIRED]: offer.v2,
      [mpp.WWW_AUTHENTICATE]: offer.mpp,
    };
    res.writeHead(402, { ...headers, ...behaviour.headers }).end(offer.v1);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/weather`;
}

const answering = (status: number, when: (req: IncomingMessage) => boolean): Behaviour => ({
  answer(req, res) {
    if (!when(req)) return false;
    res.writeHead(status, { 'Cache-Control': 'no-store' }).end();
    return true;
  },
});

const failures = async (behaviour: Behaviour) =>
  (await checkUrl(await sell(behaviour))).findings
    .filter(({ verdict }) => verdict === 'fail')
    .map(({ check }) => check);

describe('the check of a paid URL', () => {
  it('finds nothing where all is well', async () => {
    const report = await checkUrl(
      await sell({ headers: { 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': '*' } }),
    );
    // This one is on a machine of its own.
    const others = report.findings.filter(({ check }) => check !== 'indexer');
    expect(others.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
    expect([report.ok, report.findings.length]).toEqual([true, 18]);
  });

  const unknownToken = `0x${'12'.repeat(20)}`;
  it.each<[string, RegExp, Behaviour]>([
    ['costs too much', /\$1\.5 is more than the \$1 that it pays/, { amount: '1500000' }],
    ['wants a token that nobody knows', /does not know the token 0x1212/, { asset: unknownToken }],
  ])('warns of what a client refuses as it is installed: what %s', async (_, reason, behaviour) => {
    const report = await checkUrl(await sell(behaviour));
    const found = report.findings.find(({ check }) => check === 'stock_client');
    expect([report.ok, found]).toEqual([
      true,
      { check: 'stock_client', verdict: 'warn', reason: expect.stringMatching(reason) },
    ]);
  });

  it('says why an indexer would skip it, and nothing where it has all', async () => {
    const { url: _, ...rest } = await checkUrl(await sell({}));
    expect(rest.findings.find(({ check }) => check === 'indexer')).toEqual({
      check: 'indexer',
      verdict: 'warn',
      reason:
        'An indexer would skip it: its address leads to a private network; its address has no TLS; it takes test money only; ' +
        'the offer has no description; the offer has no bazaar extension, which says how it is called.',
    });
    const { v2 } = offerOf({ network: base, described: true });
    const fetch = async () => new Response('{}', { status: 402, headers: { [x402v2.PAYMENT_REQUIRED]: v2 } });
    const { findings } = await checkUrl('https://seller.example/weather', 'GET', { fetch });
    expect(findings.find(({ check }) => check === 'indexer')).toMatchObject({ verdict: 'pass' });
  });

  it.each<[string, string[], Behaviour]>([
    ['is free', ['status'], answering(200, () => true)],
    ['offers nothing', ['offers'], answering(402, ({ method }) => method !== 'OPTIONS')],
    [
      'writes x402 v2 that nobody can read',
      ['shape.x402v2'],
      { headers: { [x402v2.PAYMENT_REQUIRED]: 'e30=' } },
    ],
    ['does not name the domain to sign under', ['shape.x402v2', 'shape.x402v1'], { extra: {} }],
    ['sends expired challenges', ['shape.mpp'], { expires: '2020-01-01T00:00:00Z' }],
    ['asks for another price in another dialect', ['same_terms'], { v2Amount: '20000' }],
    ['names another path', ['resource'], { path: '/other' }],
    ['lets caches keep the 402', ['caching'], { headers: { 'Cache-Control': 'max-age=60' } }],
    ['hides the offers from other origins', ['cors'], { headers: { 'Access-Control-Allow-Origin': '*' } }],
    ['serves HEAD for nothing', ['head'], answering(200, ({ method }) => method === 'HEAD')],
    ['charges for OPTIONS', ['options'], answering(402, ({ method }) => method === 'OPTIONS')],
    [
      'serves nonsense',
      ['malformed.x402v2'],
      answering(200, ({ headers }) => 'payment-signature' in headers),
    ],
    ['breaks on nonsense', ['malformed.x402v1'], answering(500, ({ headers }) => 'x-payment' in headers)],
    ['repeats its challenges', ['unique_challenges'], { fixedChallenge: true }],
    ['has headers too long for proxies', ['header_size'], { headers: { 'X-Long': 'x'.repeat(8000) } }],
  ])('fails a seller that %s', async (_, expected, behaviour) => {
    expect(await failures(behaviour)).toEqual(expected);
  });

  it('fails a seller that goes silent', async () => {
    const silent: Behaviour = { answer: ({ method }, res) => method === 'HEAD' && Boolean(res.destroy()) };
    const { findings, ok } = await checkUrl(await sell(silent));
    expect(ok).toBe(false);
    const head = findings.find(({ check }) => check === 'head');
    expect(head).toMatchObject({ verdict: 'fail', reason: expect.stringMatching(/^There is no response: /) });
  });

  it('asks with the method it is told', async () => {
    const url = await sell(answering(404, ({ method }) => method !== 'POST' && method !== 'OPTIONS'));
    expect(await checkUrl(url, 'POST')).toMatchObject({ ok: true });
    expect(await checkUrl(url)).toMatchObject({
      ok: false,
      findings: [{ check: 'status', verdict: 'fail' }],
    });
  });

  it.each([
    ['seller.example/weather', 'GET', 'needs an http or https URL'],
    ['ftp://seller.example', 'GET', 'needs an http or https URL'],
    ['http://127.0.0.1:9', 'LOOK', '--method must be one of GET, POST'],
    ['http://127.0.0.1:9', 'GET', 'gives no response'],
  ])('says in one sentence why %s with %s cannot be checked', async (url, method, message) => {
    await expect(checkUrl(url, method)).rejects.toMatchObject({
      name: 'CheckFault',
      message: expect.stringContaining(message),
    });
  });
});
