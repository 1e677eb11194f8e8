import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from './eventually.js';
import { rpcProxy, type RpcCall, type RpcProxy } from './rpcProxy.js';

describe('the proxy before a node', () => {
  let node: Server;
  let seen: string[];
  let proxy: RpcProxy;
  beforeEach(async () => {
    seen = [];
    node = createServer(async (req, res) => {
      const text = (await req.toArray()).join('');
      const calls = JSON.parse(text) as RpcCall[];
      seen.push(...calls.map(({ method }) => method));
      res.end(
        JSON.stringify(calls.map(({ id, method }) => ({ jsonrpc: '2.0', id, result: `did ${method}` }))),
      );
    }).listen(0, '127.0.0.1');
    await once(node, 'listening');
    proxy = await rpcProxy({ target: `http://127.0.0.1:${(node.address() as AddressInfo).port}` });
  });
  afterEach(async () => {
    await proxy.close();
    node.closeAllConnections();
    node.close();
  });

  const ask = async (body: unknown, init: RequestInit = {}) => {
    const res = await fetch(proxy.url, { method: 'POST', body: JSON.stringify(body), ...init });
    return { status: res.status, text: await res.text() };
  };
  const call = (method: string, id = 1) => ({ jsonrpc: '2.0', id, method });
  const resultOf = async (method: string) =>
    JSON.parse((await ask(call(method))).text) as { result?: unknown; error?: unknown };

  it('passes single calls and batches, and counts them', async () => {
    expect(await resultOf('a')).toEqual({ jsonrpc: '2.0', id: 1, result: 'did a' });
    expect(JSON.parse((await ask([call('b', 7), call('a', 8)])).text)).toEqual([
      { jsonrpc: '2.0', id: 7, result: 'did b' },
      { jsonrpc: '2.0', id: 8, result: 'did a' },
    ]);
    expect(proxy.counts).toEqual({ a: 2, b: 1 });
  });

  it('misbehaves as often as told, for that method only', async () => {
    proxy.fault('a', { error: 'no' }, 2);
    for (let i = 0; i < 2; i++) expect((await resultOf('a')).error).toEqual({ code: -32_000, message: 'no' });
    expect((await resultOf('b')).result).toBe('did b');
    expect((await resultOf('a')).result).toBe('did a');
    expect(seen).toEqual(['b', 'a']);
  });

  it('drops a request unseen, a response after the deed, and refuses after the deed', async () => {
    proxy.fault('a', 'drop');
    await expect(ask(call('a'))).rejects.toThrow();
    expect(seen).toEqual([]);
    proxy.fault('a', 'drop answer');
    await expect(ask(call('a'))).rejects.toThrow();
    proxy.fault('a', { errorAfter: 'already known' });
    expect((await resultOf('a')).error).toMatchObject({ message: 'already known' });
    expect(seen).toEqual(['a', 'a']);
  });

  it('hangs, delays, lies and answers with other things than JSON', async () => {
    proxy.fault('a', 'hang');
    const leaving = new AbortController();
    const hangs = expect(ask(call('a'), { signal: leaving.signal })).rejects.toThrow('abort');
    await eventually(() => expect(proxy.counts).toEqual({ a: 1 }));
    leaving.abort();
    await hangs;
    proxy.fault('a', { delayMs: 60 });
    const began = performance.now();
    expect((await resultOf('a')).result).toBe('did a');
    expect(performance.now() - began).toBeGreaterThan(50);
    proxy.fault('a', { lie: (truth) => `${String(truth)} not` });
    expect((await resultOf('a')).result).toBe('did a not');
    proxy.fault('a', { status: 429, body: '<html>slow down</html>' });
    expect(await ask(call('a'))).toEqual({ status: 429, text: '<html>slow down</html>' });
  });

  it('is well again when healed', async () => {
    proxy.fault('a', 'drop', Infinity);
    proxy.heal();
    expect((await resultOf('a')).result).toBe('did a');
  });
});
