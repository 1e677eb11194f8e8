import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { manualClock, OutboundError, systemClock, type OutgoingRequest } from '@agentpay/primitives';
import { outbound, type Outbound } from './outbound.js';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

async function serve(listener: RequestListener): Promise<{ port: number; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const server: Server = createServer((request, response) => {
    seen.push(request);
    listener(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({ close: () => (server.closeAllConnections(), server.close()) });
  return { port: (server.address() as AddressInfo).port, seen };
}

function out(options: Partial<Parameters<typeof outbound>[0]> = {}): Outbound {
  const made = outbound({
    clock: systemClock,
    allowHosts: ['127.0.0.1', 'seller.test', 'other.test'],
    ...options,
  });
  open.push(made);
  return made;
}
const home = async () => ['127.0.0.1'];

async function faultOf(call: Promise<unknown>): Promise<OutboundError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(OutboundError);
  return error as OutboundError;
}
const refused = async (url: string, options = {}, request: OutgoingRequest = {}) =>
  (await faultOf(out(options).fetchOut(url, request))).fault;

describe('where it goes', () => {
  it.each([
    ['another scheme', 'ftp://example.com/'],
    ['a file', 'file:///etc/passwd'],
    ['no URL', 'example.com'],
    ['user name and password', 'http://user:secret@example.com/'],
    ['a user name', 'http://user@example.com/'],
    ['2048 characters and more', `https://example.com/${'x'.repeat(2048)}`],
    ['an address as a number', 'http://2130706433/'],
    ['an address in octal', 'http://0177.0.0.1/'],
    ['an address in hexadecimal', 'http://0x7f000001/'],
    ['a short address', 'http://127.1/'],
    ['a public address as a number', 'http://134744072/'],
    ['an address in fullwidth digits', 'http://１２７.0.0.1/'],
    ['an address with backslashes', 'http:\\\\0x7f.1\\'],
  ])('refuses %s', async (_what, url) => expect(await refused(url)).toBe('url_refused'));

  it.each([
    'http://127.0.0.1/',
    'http://10.0.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://[fe80::1]/',
    'http://localhost/',
  ])('refuses %s', async (url) => expect(await refused(url, { allowHosts: [] })).toBe('address_refused'));

  it.each(['127.0.0.1', '::ffff:10.0.0.1', 'fe80::1', '169.254.169.254'])(
    'refuses a name that leads to %s, alone or beside a public address',
    async (address) => {
      for (const addresses of [[address], ['8.8.8.8', address]])
        expect(await refused('http://rebind.test/', { resolve: async () => addresses })).toBe(
          'address_refused',
        );
    },
  );

  it('never asks link-local and metadata addresses, allowed or not', async () => {
    const allowHosts = ['169.254.169.254', 'seller.test'];
    expect(await refused('http://169.254.169.254/', { allowHosts })).toBe('address_refused');
    const resolve = async () => ['169.254.169.254'];
    expect(await refused('http://seller.test/', { allowHosts, resolve })).toBe('address_refused');
  });

  it('opens an allowed host on the allowed port only', async () => {
    const { port } = await serve((_request, response) => response.end('hello'));
    const allowHosts = [`127.0.0.1:${port}`];
    const { status } = await out({ allowHosts }).fetchOut(`http://127.0.0.1:${port}/`);
    expect(status).toBe(200);
    expect(await refused('http://127.0.0.1:1/', { allowHosts })).toBe('address_refused');
  });

  it('looks a name up once, and connects to the address that it checked', async () => {
    const { port, seen } = await serve((_request, response) => response.end('hello'));
    let lookUps = 0;
    const resolve = async () => (++lookUps === 1 ? ['127.0.0.1'] : ['203.0.113.1']);
    const response = await out({ resolve }).fetchOut(`http://seller.test:${port}/a?b=c`);
    expect(Buffer.from(response.body).toString()).toBe('hello');
    expect(lookUps).toBe(1);
    expect(seen[0]?.headers.host).toBe(`seller.test:${port}`);
    expect(seen[0]?.url).toBe('/a?b=c');
  });

  it('does not use a connection to an address that the name led to before', async () => {
    const { port } = await serve((_request, response) => response.end('hello'));
    let address = '127.0.0.1';
    const { fetchOut } = out({ allowHosts: [`seller.test:${port}`], resolve: async () => [address] });
    await fetchOut(`http://seller.test:${port}/`);
    address = '169.254.169.254';
    expect((await faultOf(fetchOut(`http://seller.test:${port}/`))).fault).toBe('address_refused');
  });

  it('tries the next address when no connection comes about', async () => {
    const { port } = await serve((_request, response) => response.end('hello'));
    const resolve = async () => ['127.0.0.2', '127.0.0.1'];
    expect((await out({ resolve }).fetchOut(`http://seller.test:${port}/`)).status).toBe(200);
  });

  it('tells a name that nobody has', async () => {
    const resolve = () => Promise.reject(new Error('ENOTFOUND'));
    expect(await refused('http://nobody.test/', { resolve })).toBe('name_not_found');
    expect(await refused('http://nobody.test/', { resolve: async () => [] })).toBe('name_not_found');
  });
});

describe('redirects', () => {
  const elsewhere = (location: string, status = 302): RequestListener => {
    return (_request, response) => response.writeHead(status, { location }).end();
  };

  it('are given as they are unless asked for', async () => {
    const { port } = await serve(elsewhere('http://169.254.169.254/'));
    const response = await out().fetchOut(`http://127.0.0.1:${port}/`);
    expect([response.status, response.headers['location']]).toEqual([302, 'http://169.254.169.254/']);
  });

  it.each([
    ['a metadata address', 'http://169.254.169.254/', 'address_refused'],
    ['a private name', 'http://inside.test/', 'address_refused'],
    ['a hidden address', 'http://0x7f.1/', 'url_refused'],
    ['a password', 'http://a:b@seller.test/', 'url_refused'],
    ['another scheme', 'file:///etc/passwd', 'url_refused'],
    ['nowhere', 'http://', 'redirect_refused'],
  ])('to %s are refused', async (_what, location, fault) => {
    const { port } = await serve(elsewhere(location));
    expect(await refused(`http://seller.test:${port}/`, { resolve: home }, { maxRedirects: 3 })).toBe(fault);
  });

  it('that never end are refused', async () => {
    const { port, seen } = await serve(elsewhere('/again'));
    const request = { maxRedirects: 3 };
    expect(await refused(`http://127.0.0.1:${port}/`, {}, request)).toBe('redirect_refused');
    expect(seen).toHaveLength(4);
  });

  it('to another origin carry no header that could open something, and no body', async () => {
    const target = await serve((_request, response) => response.end('there'));
    const secrets = { Authorization: 'Bearer x', Cookie: 'a=b', 'X-Api-Key': 'k', 'PAYMENT-SIGNATURE': 's' };
    const source = await serve(elsewhere(`http://other.test:${target.port}/`));
    const { fetchOut } = out({ resolve: home });
    const url = `http://seller.test:${source.port}/`;
    const response = await fetchOut(url, { headers: { ...secrets, Accept: 'text/plain' }, maxRedirects: 1 });
    expect(response.url).toBe(`http://other.test:${target.port}/`);
    const { headers } = target.seen[0] as IncomingMessage;
    expect(headers.accept).toBe('text/plain');
    for (const name of Object.keys(secrets)) expect(headers[name.toLowerCase()]).toBeUndefined();

    const moved = await serve(elsewhere(`http://other.test:${target.port}/`, 307));
    const post = { method: 'POST', body: 'secret', maxRedirects: 1 };
    expect(await refused(`http://seller.test:${moved.port}/`, { resolve: home }, post)).toBe(
      'redirect_refused',
    );
    expect(target.seen).toHaveLength(1);
  });

  it('on one origin keep them; 303 turns a POST into a GET without a body', async () => {
    const { port, seen } = await serve((request, response) => {
      if (request.url === '/') response.writeHead(303, { location: '/done' }).end();
      else response.end('done');
    });
    await out().fetchOut(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      body: '{}',
      headers: { authorization: 'Bearer x', 'content-type': 'application/json' },
      maxRedirects: 1,
    });
    const [, second] = seen;
    expect([second?.method, second?.headers.authorization]).toEqual(['GET', 'Bearer x']);
    expect(second?.headers['content-type']).toBeUndefined();
  });
});

describe('limits', () => {
  const LIMIT = 10_000;
  const coded = (body: Buffer, encoding: string): RequestListener => {
    return (_request, response) => response.writeHead(200, { 'content-encoding': encoding }).end(body);
  };
  const big = Buffer.alloc(50_000_000, 'x');

  it.each([
    ['gzip', gzipSync('hello')],
    ['br', brotliCompressSync('hello')],
    ['deflate', deflateSync('hello')],
    ['identity', Buffer.from('hello')],
    ['deflate, gzip', gzipSync(deflateSync('hello'))],
  ])('reads %s', async (encoding, body) => {
    const { port } = await serve(coded(body, encoding));
    const response = await out().fetchOut(`http://127.0.0.1:${port}/`, { maxBytes: 5 });
    expect(Buffer.from(response.body).toString()).toBe('hello');
  });

  it.each([
    ['gzip', gzipSync(big)],
    ['br', brotliCompressSync(big)],
    ['identity', big],
  ])('counts what %s unpacks to', async (encoding, body) => {
    const { port } = await serve(coded(body, encoding));
    const url = `http://127.0.0.1:${port}/`;
    expect(await refused(url, {}, { maxBytes: LIMIT })).toBe('too_large');
    const cut = await out().fetchOut(url, { maxBytes: LIMIT, longer: 'cut' });
    expect([cut.status, cut.body.length]).toEqual([200, LIMIT]);
  });

  it.each([
    ['an unknown coding', 'zstd', Buffer.from('x')],
    ['too many codings', 'gzip, gzip, gzip', Buffer.from('x')],
    ['a body that is not compressed as it says', 'gzip', Buffer.from('not gzip at all')],
    ['a body that ends early', 'gzip', gzipSync(Buffer.alloc(5000, 'y')).subarray(0, 20)],
  ])('refuses %s', async (_what, encoding, body) => {
    const { port } = await serve(coded(body, encoding));
    expect(await refused(`http://127.0.0.1:${port}/`)).toBe('malformed');
  });

  it.each([
    ['never answers', () => undefined],
    ['never ends its body', (socket: Socket) => socket.write('HTTP/1.1 200 OK\r\n\r\nabc')],
    ['never ends its headers', (socket: Socket) => socket.write('HTTP/1.1 200 OK\r\nx-a: ')],
  ])('gives up on a server that %s', async (_what, act) => {
    const sockets: Socket[] = [];
    const server = createTcpServer((socket) => {
      sockets.push(socket.on('error', () => undefined));
      socket.once('data', () => act(socket));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push({ close: () => (sockets.forEach((socket) => socket.destroy()), server.close()) });
    const { port } = server.address() as AddressInfo;
    const fault = await faultOf(out().fetchOut(`http://127.0.0.1:${port}/`, { timeoutMs: 200 }));
    expect([fault.fault, fault.sent]).toEqual(['timeout', true]);
  });

  it('has one deadline for all redirects and addresses', async () => {
    const clock = manualClock(0);
    const { port, seen } = await serve((request, response) => {
      if (request.url === '/moved') response.writeHead(302, { location: '/silent' }).end();
      else clock.advance(10_000);
    });
    const resolve = async () => ['127.0.0.2', '127.0.0.1'];
    const url = `http://seller.test:${port}/moved`;
    const fault = await faultOf(
      out({ clock, resolve }).fetchOut(url, { maxRedirects: 1, timeoutMs: 10_000 }),
    );
    expect([fault.fault, fault.sent]).toEqual(['timeout', true]);
    expect(seen.map((request) => request.url)).toEqual(['/moved', '/silent']);
  });

  it('gives up on a resolver that never answers, and when the caller does', async () => {
    const resolve = () => new Promise<never>(() => undefined);
    expect(await refused('http://seller.test/', { resolve }, { timeoutMs: 50 })).toBe('timeout');
    const stopping = new AbortController();
    const call = faultOf(out({ resolve }).fetchOut('http://seller.test/', { signal: stopping.signal }));
    stopping.abort();
    expect((await call).fault).toBe('aborted');
    expect(await refused('http://seller.test/', { resolve }, { signal: AbortSignal.abort() })).toBe(
      'aborted',
    );
  });

  it('tells a request that was sent from one that was not', async () => {
    const { port } = await serve((request) => request.socket.destroy());
    const broken = await faultOf(out().fetchOut(`http://127.0.0.1:${port}/`));
    expect([broken.fault, broken.sent]).toEqual(['connection_failed', true]);
    const closed = await faultOf(out().fetchOut('http://127.0.0.1:1/'));
    expect([closed.fault, closed.sent]).toEqual(['connection_failed', false]);
  });

  it.each([
    ['is not HTTP', 'SSH-2.0-OpenSSH\r\n'],
    ['has headers without end', `HTTP/1.1 200 OK\r\n${'x-a: b\r\n'.repeat(5000)}\r\n`],
  ])('refuses a response that %s', async (_what, text) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.write(text));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push(server);
    const { port } = server.address() as AddressInfo;
    const fault = await faultOf(out().fetchOut(`http://127.0.0.1:${port}/`, { timeoutMs: 30_000 }));
    expect(['malformed', 'connection_failed']).toContain(fault.fault);
    expect(fault.sent).toBe(true);
  });

  it('writes itself the headers that carry a message', async () => {
    const { port, seen } = await serve((_request, response) => response.end());
    await out().fetchOut(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      body: 'abc',
      headers: { Host: 'evil.test', 'Transfer-Encoding': 'chunked', 'Content-Length': '1', 'X-Kept': 'yes' },
    });
    expect(seen[0]?.headers).toMatchObject({
      host: `127.0.0.1:${port}`,
      'content-length': '3',
      'x-kept': 'yes',
    });
  });
});
