import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createPublicClient, RpcRequestError } from 'viem';
import { rpcTransport } from './rpcTransport.js';

interface Question {
  readonly id: number;
  readonly method: string;
}

/** For a node that responds; a busy machine takes its time. */
const LONG_MS = 100_000;

type Body = Question | readonly Question[];

/** A node that answers as it is told. */
async function openNode(answer: (body: Body, res: ServerResponse) => void, timeoutMs: number) {
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => answer(JSON.parse(Buffer.concat(chunks).toString()) as Body, res));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createPublicClient({
    transport: rpcTransport(url, { timeoutMs, together: true, again: true }),
    cacheTime: 0,
  });
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { client, close };
}

const json = (res: ServerResponse, value: unknown, status = 200) =>
  res.writeHead(status).end(JSON.stringify(value));
const refusal = (id: number | null) => ({
  jsonrpc: '2.0',
  id,
  error: { code: -32_000, message: 'not today' },
});

describe('the transport', () => {
  let close = async () => undefined as void;
  afterEach(() => close());
  const open = async (answer: Parameters<typeof openNode>[0], timeoutMs = LONG_MS) => {
    const node = await openNode(answer, timeoutMs);
    close = node.close;
    return node.client;
  };

  it('gives each question its response, in whatever order they come back', async () => {
    const length = ({ id, method }: Question) => ({ id, result: `0x${method.length.toString(16)}` });
    const client = await open((body, res) => json(res, (body as Question[]).map(length).reverse()));
    const answers = await Promise.all([client.getChainId(), client.getBlockNumber()]);
    expect(answers).toEqual(['eth_chainId'.length, BigInt('eth_blockNumber'.length)]);
  });

  it.each([
    ['in its place', (body: Body) => ([body].flat() as Question[]).map(({ id }) => refusal(id)), 200],
    ['with a status of its own', (body: Body) => refusal((body as Question).id), 429],
    ['once for a whole batch, naming nobody', () => refusal(null), 200],
  ])('passes on a refusal that comes %s', async (_, answer, status) => {
    const client = await open((body, res) => json(res, answer(body), status));
    const error = await client.getChainId().catch((thrown: unknown) => thrown);
    expect(
      (error as Error & { walk: (is: (cause: unknown) => boolean) => unknown }).walk(
        (cause) => cause instanceof RpcRequestError,
      ),
    ).toMatchObject({ code: -32_000, details: 'not today' });
  });

  it.each<[string, string, (res: ServerResponse) => void, number]>([
    ['a page', 'not JSON', (res) => res.end('<html>'), LONG_MS],
    ['an error without a refusal', 'HTTP 502', (res) => res.writeHead(502).end('bad gateway'), LONG_MS],
    ['too few answers', 'unanswered', (res) => json(res, []), LONG_MS],
    ['nothing', 'No response within 300 ms', () => undefined, 300],
    [
      'the beginning of a response',
      'No response within 300 ms',
      (res) => void res.writeHead(200, { 'content-length': '99' }).write('{"'),
      300,
    ],
  ])('fails when it gets %s', async (_, said, answer, timeoutMs) => {
    const client = await open((_body, res) => answer(res), timeoutMs);
    await expect(client.getChainId()).rejects.toThrow(new RegExp(said));
  });
});
