import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { paywall, type PaywallOptions } from '../index.js';
import { fakeFacilitator, listen, PAY_TO, pay, send, type Seller } from '../seller.test.support.js';

const opened: Seller[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close()));
});

/** A server that gives this to every request. */
async function saying(status: number, body: unknown): Promise<string> {
  const server = await listen((req, res) => {
    req.resume();
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  opened.push(server);
  return server.url;
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const kinds = (network: string) => ({ kinds: [{ x402Version: 2, scheme: 'exact', network }] });

function wallOf(facilitator: string, onError: PaywallOptions['onError'] = () => undefined) {
  return paywall({
    logger: false,
    payTo: PAY_TO,
    facilitator,
    onError: onError as NonNullable<typeof onError>,
  });
}

describe('a facilitator that is none for this seller is told of at start, with what to do', () => {
  const cases: readonly (readonly [string, () => Promise<string>, RegExp])[] = [
    ['a path that is wrong', () => saying(404, { error: 'not found' }), /answered 404.*Is the path right\?/],
    ['one that wants a key', () => saying(401, {}), /answered 401.*It wants a key/],
    ['one out of order', () => saying(503, {}), /answered 503.*out of order/],
    ['some other server', () => saying(200, { hello: 1 }), /answered 200.*Is it a facilitator\?/],
    [
      'another network',
      () => saying(200, kinds('eip155:8453')),
      /does not settle on eip155:84532.*It settles on eip155:8453/,
    ],
    ['nothing that it settles', () => saying(200, { kinds: [] }), /It settles nothing/],
    [
      'a port where nobody listens',
      async () => `http://127.0.0.1:${await closedPort()}`,
      /nothing listens there/,
    ],
    ['a host that is none', async () => 'http://no-such-host.invalid', /no such host|cannot be looked up/],
  ];
  it.each(cases)('%s', async (_, open, line) => {
    const url = await open();
    const told: string[] = [];
    const heard = new Promise<void>((resolve) => {
      const wall = wallOf(url, ({ what }) => {
        told.push(what);
        resolve();
      });
      wall.ready().catch((error: Error) => told.push(error.message));
    });
    await heard;
    await expect(wallOf(url).ready()).rejects.toThrow(line);
    await expect(wallOf(url).ready()).rejects.toThrow(url);
    expect(told.some((what) => line.test(what) && what.includes(url) && !what.includes('\n'))).toBe(true);
  });

  it.each(['eip155:84532', 'base-sepolia'])('one that settles on %s is right', async (network) => {
    const told: string[] = [];
    await wallOf(await saying(200, kinds(network)), ({ what }) => told.push(what)).ready();
    expect(told).toEqual([]);
  });

  it('what goes wrong with it later names its URL, too', async () => {
    const url = await saying(404, {});
    const told: string[] = [];
    const wall = wallOf(url, ({ what }) => told.push(what));
    const seller = await listen((req, res) => wall.charge('$0.01')(req, res, () => res.end()));
    opened.push(seller);
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), 'x402v2') });
    expect([reply.status, reply.json().code]).toEqual([503, 'facilitator_unavailable']);
    expect(told.some((what) => what.includes(`${url} gives no usable response to /verify`))).toBe(true);
  });

  it('one in the same process is asked by ready() alone', async () => {
    const wall = paywall({ logger: false, payTo: PAY_TO, facilitator: fakeFacilitator() });
    await expect(wall.ready()).rejects.toThrow('the facilitator in this process');
  });
});
