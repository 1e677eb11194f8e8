import { once } from 'node:events';
import { Agent, get, type IncomingMessage, type RequestListener } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { systemClock } from '@agentpay/primitives';
import { listen, type Listening, type ListenOptions } from './listen.js';

const refuse: ListenOptions['refuse'] = (kind, message) => ({
  status: { headers_too_large: 431, request_timeout: 408, invalid_request: 400 }[kind],
  headers: { 'X-Kind': kind },
  body: JSON.stringify({ message }),
});

let server: Listening;
afterEach(() => server?.close(0));

async function start(handle: RequestListener, options: Partial<ListenOptions> = {}): Promise<Listening> {
  server = await listen(handle, { host: '127.0.0.1', port: 0, clock: systemClock, refuse, ...options });
  return server;
}

/** Everything that comes over a connection of its own on which `text` is sent. */
async function talk(text: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  let heard = '';
  socket.on('data', (chunk) => (heard += String(chunk)));
  socket.write(text);
  await once(socket, 'close');
  return heard;
}

const request = (path: string, agent: Agent): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    get(`${server.url}${path}`, { agent }, (response) =>
      response.resume().on('end', () => resolve(response)),
    ).on('error', reject);
  });

describe('a server that is told to close', () => {
  it('lets 40 clients with open connections send once more, tells them to close, and resets none', async () => {
    await start((_request, response) => response.end('ok'));
    const agents = Array.from({ length: 40 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    const first = await Promise.all(agents.map((agent) => request('/', agent)));
    expect(new Set(first.map(({ headers }) => headers.connection))).toEqual(new Set(['keep-alive']));
    const closed = server.close(30_000);
    const second = await Promise.all(agents.map((agent) => request('/', agent)));
    expect(second.map(({ statusCode }) => statusCode)).toEqual(agents.map(() => 200));
    expect(new Set(second.map(({ headers }) => headers.connection))).toEqual(new Set(['close']));
    await closed;
    await expect(request('/', new Agent())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('says so to a request that was under way, and ends the connection of a response that had begun', async () => {
    const begun: (() => void)[] = [];
    await start((incoming, response) => {
      if (incoming.url === '/stream') response.write('a');
      begun.push(() => response.end('z'));
    });
    const agent = () => new Agent({ keepAlive: true });
    const responses = [request('/slow', agent()), request('/stream', agent())];
    while (begun.length < 2) await new Promise((resolve) => setImmediate(resolve));
    const closed = server.close(60_000);
    for (const finish of begun) finish();
    const [slow, stream] = await Promise.all(responses);
    expect(slow?.headers.connection).toBe('close');
    expect(stream?.headers.connection).toBe('keep-alive');
    await closed;
  });

  it('gives the requests of open connections to another handler where one is named', async () => {
    await start((_request, response) => response.end(), {
      whileClosing: (_request, response) => response.writeHead(503).end(),
    });
    const agent = new Agent({ keepAlive: true });
    expect((await request('/', agent)).statusCode).toBe(200);
    const closed = server.close(30_000);
    const last = await request('/', agent);
    expect([last.statusCode, last.headers.connection]).toEqual([503, 'close']);
    await closed;
  });

  it('cuts off what is left after the grace, which a second call only shortens', async () => {
    let arrived = () => {};
    const underWay = new Promise<void>((resolve) => (arrived = resolve));
    await start(() => arrived());
    const cut = request('/never', new Agent()).catch((error: unknown) => error);
    await underWay;
    const first = server.close(10 * 60_000);
    await Promise.all([server.close(50), server.close(10 * 60_000), first]);
    expect(await cut).toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('what Node refuses', () => {
  it.each([
    ['malformed HTTP', 'NONSENSE\r\n\r\n', 'HTTP/1.1 400', 'invalid_request'],
    [
      'headers too large',
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`,
      'HTTP/1.1 431',
      'headers_too_large',
    ],
    [
      'another Expect',
      'GET / HTTP/1.1\r\nHost: x\r\nExpect: more\r\n\r\n',
      'HTTP/1.1 400',
      'invalid_request',
    ],
  ])('%s is answered in the words of the API', async (_what, text, status, kind) => {
    await start((_request, response) => response.end());
    const heard = await talk(text);
    expect(heard).toContain(status);
    expect(heard).toContain(`X-Kind: ${kind}`);
    expect(heard).toContain('Connection: close');
  });

  it.each([
    ['headers', 'POST / HTTP/1.1\r\nHost: x\r\n'],
    ['body', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{'],
  ])('%s that do not arrive in time, soon after it', async (_what, text) => {
    await start((incoming) => void incoming.resume(), { requestTimeoutMs: 500 });
    const began = performance.now();
    expect(await talk(text)).toContain('HTTP/1.1 408');
    // Node itself looks for late requests each 30 seconds only.
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});

it('a port that cannot be used is one sentence', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  await expect(start(() => undefined, { port })).rejects.toThrow(
    `Port ${port} is taken; give another one in PORT, or 0 for any free one.`,
  );
  taken.close();
});
