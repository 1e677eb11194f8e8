import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { gzipSync } from 'node:zlib';
import { manualClock, systemClock } from '@agentpay/primitives';
import { createOutbound, OutboundError, type Outbound, type OutboundRequest } from './index.js';

const servers: Server[] = [];
const clients: Outbound[] = [];
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function client(options: Partial<Parameters<typeof createOutbound>[0]> = {}): Outbound {
  const made = createOutbound({ clock: systemClock, rules: { loopback: true }, ...options });
  clients.push(made);
  return made;
}

const limits = { timeoutMs: 10_000, maxBytes: 1_000 };
const fault = (made: Outbound, request: Partial<OutboundRequest> & { url: string }) =>
  made.request({ ...limits, ...request }).then(
    () => 'a response',
    (error: unknown) => (error as OutboundError).fault,
  );

/** Resolves every name to these addresses, one after another. */
const resolving =
  (...addresses: string[]): LookupFunction =>
  (_hostname, _options, done) => {
    const address = (addresses.length > 1 ? addresses.shift() : addresses[0]) as string;
    (done as unknown as (error: null, all: object[]) => void)(null, [
      { address, family: address.includes(':') ? 6 : 4 },
    ]);
  };

it('gives status, headers and body', async () => {
  const url = await serve((req, res) => {
    res.writeHead(201, { 'x-method': req.method ?? '', 'set-cookie': ['a=1', 'b=2'] });
    req.pipe(res);
  });
  const response = await client().request({
    ...limits,
    url: `${url}/path?q=1`,
    method: 'POST',
    body: 'hello',
  });
  expect(response).toMatchObject({ status: 201, headers: { 'x-method': 'POST', 'set-cookie': 'a=1, b=2' } });
  expect(response.body.toString()).toBe('hello');
});

describe('names', () => {
  it('that resolve to a closed address are not connected to, nor are those of which one is closed', async () => {
    let calls = 0;
    const url = new URL(await serve((_req, res) => void res.end(String(++calls))));
    const named = `http://seller.example:${url.port}/`;
    const rebound = client({ rules: {}, lookup: resolving('127.0.0.1') });
    expect(await fault(rebound, { url: named })).toBe('forbidden_address');
    const both: LookupFunction = (_hostname, _options, done) =>
      (done as unknown as (error: null, all: object[]) => void)(null, [
        { address: '8.8.8.8', family: 4 },
        { address: '::ffff:127.0.0.1', family: 6 },
      ]);
    expect(await fault(client({ rules: {}, lookup: both }), { url: named })).toBe('forbidden_address');
    expect(calls).toBe(0);
  });

  it('that change their address between two calls are checked at each (DNS rebinding)', async () => {
    const url = new URL(await serve((_req, res) => void res.end('inside')));
    const named = `http://seller.example:${url.port}/`;
    const lookup = resolving('::1', '127.0.0.1');
    const guarded = client({ rules: { hosts: [] }, lookup });
    expect(await fault(guarded, { url: named })).toBe('forbidden_address');
    expect(await fault(guarded, { url: named })).toBe('forbidden_address');
  });
});

describe('redirects', () => {
  it('are the response unless they may be followed, are checked, and end', async () => {
    const inside = await serve((_req, res) => void res.end('inside'));
    const url = await serve((req, res) => {
      const to = new URL(req.url ?? '/', 'http://x').searchParams.get('to') ?? req.url;
      res.writeHead(302, { location: to ?? '/' }).end();
    });
    const outbound = client();
    expect(await outbound.request({ ...limits, url })).toMatchObject({ status: 302 });
    const to = (target: string) => `${url}/?to=${encodeURIComponent(target)}`;
    const followed = await outbound.request({ ...limits, url: to(inside), maxRedirects: 3 });
    expect([followed.status, followed.url, followed.body.toString()]).toEqual([200, `${inside}/`, 'inside']);
    expect(await fault(outbound, { url, maxRedirects: 3 })).toBe('redirects');
    for (const target of [
      'http://169.254.169.254/',
      'http://10.0.0.1/',
      'file:///etc/passwd',
      'http://a:b@example.com/',
    ])
      expect([target, await fault(outbound, { url: to(target), maxRedirects: 3 })]).toEqual([
        target,
        'forbidden_address',
      ]);
    const post = await outbound.request({ ...limits, url: to(inside), method: 'POST', maxRedirects: 3 });
    expect(post.status).toBe(302);
  });

  it('carry no secrets to another origin', async () => {
    const seen: unknown[] = [];
    const other = await serve((req, res) => {
      seen.push(req.headers);
      res.end();
    });
    const url = await serve((_req, res) => void res.writeHead(307, { location: other }).end());
    const headers = {
      authorization: 'Bearer secret',
      cookie: 'a=1',
      'x-api-key': 'k',
      'payment-signature': 'p',
      accept: 'text/plain',
    };
    await client().request({ ...limits, url, headers, maxRedirects: 1 });
    expect(Object.keys(seen[0] as object).sort()).toEqual([
      'accept',
      'accept-encoding',
      'connection',
      'host',
    ]);
  });
});

describe('limits', () => {
  it('count bytes as they come and as they unpack', async () => {
    const url = await serve((req, res) => {
      if (req.url === '/long') return void res.end('x'.repeat(1_001));
      res.setHeader('content-encoding', 'gzip');
      res.end(gzipSync('x'.repeat(req.url === '/bomb' ? 1_000_000 : 999)));
    });
    const outbound = client();
    expect(await fault(outbound, { url: `${url}/long` })).toBe('too_large');
    expect(await fault(outbound, { url: `${url}/bomb` })).toBe('too_large');
    expect((await outbound.request({ ...limits, url })).body).toHaveLength(999);
  });

  it('cover a response that never ends, one clock for all', async () => {
    const url = await serve((_req, res) => void res.write('x'));
    const clock = manualClock(0);
    const pending = fault(client({ clock }), { url });
    clock.advance(9_999);
    clock.advance(1);
    expect(await pending).toBe('timeout');
  });

  it('say whether anything was sent', async () => {
    const gone = await serve(() => undefined);
    const server = servers.at(-1) as Server;
    await new Promise((resolve) => server.close(resolve));
    expect(await fault(client(), { url: gone })).toBe('no_connection');
    const cut = await serve((req) => void req.socket.destroy());
    expect(await fault(client(), { url: cut })).toBe('broken');
    expect([
      new OutboundError('no_connection', '').wasNotSent,
      new OutboundError('broken', '').wasNotSent,
    ]).toEqual([true, false]);
  });
});
