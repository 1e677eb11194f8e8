import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { viemChain } from './viemChain.js';

interface Call {
  readonly id: number;
  readonly method: string;
}

/** A node on which connections end under some requests, and new blocks overtake some calls. */
async function openNode() {
  const seen: string[] = [];
  let cuts = 0;
  let overtaken = 0;
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Call | readonly Call[];
      seen.push(
        [body]
          .flat()
          .map(({ method }) => method)
          .join(),
      );
      if (cuts-- > 0) return void req.socket.destroy();
      const late = { code: -32602, message: 'BlockOutOfRangeError: block height is 89 but requested was 88' };
      const answer = ({ id }: Call) => ({
        jsonrpc: '2.0',
        id,
        ...(overtaken-- > 0 ? { error: late } : { result: '0x14a34' }),
      });
      res.setHeader('content-type', 'application/json');
      res.end(
        JSON.stringify(Array.isArray(body) ? (body as readonly Call[]).map(answer) : answer(body as Call)),
      );
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    chain: viemChain({ rpcUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }),
    seen,
    cut: (times: number) => void (cuts = times),
    overtake: (times: number) => void (overtaken = times),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('a node that closes connections under requests', () => {
  let node: Awaited<ReturnType<typeof openNode>>;
  beforeEach(async () => void (node = await openNode()));
  afterEach(() => node.close());

  it('is asked again what it did not answer', async () => {
    expect(await node.chain.chainId()).toBe(84_532);
    node.cut(1);
    expect(await node.chain.chainId()).toBe(84_532);
    expect(node.seen).toEqual(['eth_chainId', 'eth_chainId', 'eth_chainId']);
  });

  it('counts as out of reach when that happens twice', async () => {
    node.cut(2);
    await expect(node.chain.chainId()).rejects.toMatchObject({ name: 'ChainError', kind: 'unreachable' });
    expect(node.seen).toHaveLength(2);
  });

  it('gets a transaction once: it may have taken it', async () => {
    node.cut(1);
    await expect(node.chain.send('0x02')).rejects.toMatchObject({ kind: 'unreachable' });
    expect(node.seen).toEqual(['eth_sendRawTransaction']);
  });

  it('gets no transaction in one request with reads', async () => {
    await Promise.all([node.chain.chainId(), node.chain.send('0x02')]);
    expect(node.seen.sort()).toEqual(['eth_chainId', 'eth_sendRawTransaction']);
  });
});

describe('a node on which a new block overtakes a call', () => {
  let node: Awaited<ReturnType<typeof openNode>>;
  beforeEach(async () => void (node = await openNode()));
  afterEach(() => node.close());

  const call = () =>
    node.chain.simulate({ to: `0x${'1'.repeat(40)}`, data: '0x' }, { from: `0x${'2'.repeat(40)}` });

  it('is asked again, once', async () => {
    node.overtake(1);
    expect(await call()).toEqual({ success: true, data: '0x14a34' });
    node.overtake(2);
    await expect(call()).rejects.toMatchObject({ kind: 'declined' });
    expect(node.seen).toEqual(Array(4).fill('eth_call'));
  });
});
