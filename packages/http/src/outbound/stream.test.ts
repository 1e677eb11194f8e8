import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { systemClock, type OutboundError } from '@agentpay/primitives';
import { outbound, type Outbound } from './outbound.js';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

async function serve(listener: RequestListener): Promise<{ port: number }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({ close: () => (server.closeAllConnections(), server.close()) });
  return { port: (server.address() as AddressInfo).port };
}

function out(): Outbound {
  const made = outbound({ clock: systemClock, allowHosts: ['127.0.0.1'] });
  open.push(made);
  return made;
}

function faultOf(call: Promise<unknown>): Promise<OutboundError> {
  return call.then(
    () => {
      throw new Error('It did not fail.');
    },
    (error: unknown) => error as OutboundError,
  );
}

describe('a response that is passed on', () => {
  const LONG = 4_000_000;
  const request = (receiver: Writable) => ({ method: 'GET', headers: {}, timeoutMs: 30_000, receiver });

  /** Takes a first chunk, and more only once it is let. */
  function slowReceiver() {
    let [taken, free, waiting]: [number, boolean, (() => void) | undefined] = [0, false, undefined];
    const receiver = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        taken += chunk.length;
        receiver.emit('asked');
        if (free) done();
        else waiting = done;
      },
    });
    const release = () => {
      free = true;
      waiting?.();
    };
    return { receiver, release, taken: () => taken };
  }

  it('comes whole, with what follows it, and leaves the receiver open', async () => {
    const { port } = await serve((_request, response) => {
      response.writeEarlyHints({ link: '</a>; rel=preload' });
      response.writeHead(203, { trailer: 'x-units', 'x-a': ['1', '2'] });
      response.write('one ');
      response.addTrailers({ 'x-units': '7' });
      response.end('two');
    });
    const chunks: Buffer[] = [];
    const receiver = new Writable({
      write: (chunk: Buffer, _encoding, done) => (chunks.push(chunk), done()),
    });
    const upstream = await out().streamOut(`http://127.0.0.1:${port}/`, request(receiver));
    expect([upstream.status, upstream.headers['x-a']]).toEqual([203, ['1', '2']]);
    await upstream.pass();
    expect(Buffer.concat(chunks).toString()).toBe('one two');
    expect(upstream.trailers).toMatchObject({ 'x-units': '7' });
    expect(receiver.writableEnded).toBe(false);
  });

  it('is read no faster than it is taken', async () => {
    const { port } = await serve((_request, response) => void response.end(Buffer.alloc(LONG, 'x')));
    const slow = slowReceiver();
    const upstream = await out().streamOut(`http://127.0.0.1:${port}/`, request(slow.receiver));
    const isAsked = once(slow.receiver, 'asked');
    const passed = upstream.pass();
    await isAsked;
    expect(slow.receiver.writableLength).toBeLessThan(LONG / 2);
    slow.release();
    await passed;
    await new Promise<void>((resolve) => slow.receiver.end(resolve));
    expect(slow.taken()).toBe(LONG);
  });

  it('is given up when the receiver closes: before it comes, while it comes, and before it was asked for', async () => {
    const closed: Promise<unknown>[] = [];
    let asked: () => void = () => undefined;
    const { port } = await serve((incoming, response) => {
      closed.push(once(response, 'close'));
      if (incoming.url === '/begun') response.write('begun');
      asked();
    });
    const at = (path: string, receiver: Writable) =>
      out().streamOut(`http://127.0.0.1:${port}${path}`, request(receiver));
    const sink = () => new Writable({ write: (_chunk, _encoding, done) => done() });

    const before = sink();
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    const never = faultOf(at('/silent', before));
    await isAsked;
    before.destroy();
    expect((await never).fault).toBe('aborted');

    const during = sink();
    const upstream = await at('/begun', during);
    const passed = faultOf(upstream.pass());
    during.destroy();
    expect((await passed).fault).toBe('aborted');
    await Promise.all(closed);

    const gone = sink();
    gone.destroy();
    expect((await faultOf(at('/unasked', gone))).fault).toBe('aborted');
    expect(closed).toHaveLength(2);
  });

  it('breaks off with the connection', async () => {
    const { port } = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('half', () => response.destroy());
    });
    const receiver = new Writable({ write: (_chunk, _encoding, done) => done() });
    const upstream = await out().streamOut(`http://127.0.0.1:${port}/`, request(receiver));
    await expect(upstream.pass()).rejects.toThrow();
  });
});
