import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { isAgentPayError, type ErrorName } from '@agentpay/primitives';
import type { FacilitatorRequest } from './Facilitator.js';
import { httpFacilitator, type HttpFacilitatorOptions } from './httpFacilitator.js';

const PAYER = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const HASH = `0x${'ab'.repeat(32)}`;
const request: FacilitatorRequest = {
  x402Version: 1,
  paymentPayload: {
    x402Version: 1,
    scheme: 'exact',
    network: 'base-sepolia',
    payload: { authorization: { from: PAYER }, signature: '0x00' },
  },
  paymentRequirements: {
    scheme: 'exact',
    network: 'base-sepolia',
    maxAmountRequired: '10000',
    resource: 'http://127.0.0.1/paid',
    description: '',
    payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
    maxTimeoutSeconds: 60,
    asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  },
};
const acceptedV2 = {
  scheme: 'exact',
  network: 'eip155:84532',
  amount: '10000',
  asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  payTo: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
  maxTimeoutSeconds: 60,
};
const settled = { success: true, transaction: HASH, network: 'base-sepolia', payer: PAYER };

const servers: Server[] = [];

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function facilitator(listener: RequestListener, options: Partial<HttpFacilitatorOptions> = {}) {
  return httpFacilitator({ url: await serve(listener), ...options });
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const answer =
  (status: number, body: unknown): RequestListener =>
  (_, response) =>
    json(response, status, body);

async function failure(work: Promise<unknown>): Promise<ErrorName | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (!isAgentPayError(error)) throw error;
    return error.kind;
  }
}

async function bodyOf(message: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString());
}

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

describe('what became of a payment', () => {
  const { authorization } = request.paymentPayload.payload as { authorization: { from: string } };
  const signed = { ...authorization, nonce: `0x${'07'.repeat(32)}` };
  const asked = {
    ...request,
    paymentPayload: { ...request.paymentPayload, payload: { authorization: signed, signature: '0x00' } },
  } as FacilitatorRequest;
  const ask = async (listener: RequestListener) => (await facilitator(listener)).settlement?.(asked);

  it('is asked for by the payment alone, whatever it was bought with', async () => {
    const seen: IncomingMessage[] = [];
    const own = await facilitator((message, response) => {
      seen.push(message);
      json(response, 404, { code: 'settlement_not_known' });
    });
    const { payload } = asked.paymentPayload;
    const extensions = { large: 'x'.repeat(50_000) };
    const v2 = { x402Version: 2, accepted: acceptedV2, payload, extensions };
    await own.settlement?.({ x402Version: 2, paymentPayload: v2, paymentRequirements: acceptedV2 } as never);
    expect(seen[0]).toMatchObject({
      method: 'GET',
      url: expect.stringMatching(/^\/settlements\/by-payment\/[0-9a-f]{64}$/),
    });
    expect(String(seen[0]?.headers['payment-signature']).length).toBeLessThan(2_000);
  });

  it.each<[string, RequestListener, string | undefined]>([
    ['has no such resource', answer(404, { error: 'not found' }), 'settlement_status_not_told'],
    ['does not take the method', answer(405, {}), 'settlement_status_not_told'],
    ['is out of order', answer(500, {}), undefined],
    ['says something else', answer(200, { state: 'odd' }), undefined],
    ['ends the connection', (message) => void message.socket.destroy(), undefined],
  ])('is not known from a facilitator that %s', async (_, listener, reason) => {
    await expect(ask(listener)).rejects.toMatchObject({ kind: 'facilitator_unavailable', reason });
  });

  it('is that it was never settled there', async () => {
    expect(await ask(answer(404, { code: 'settlement_not_known' }))).toBeUndefined();
  });
});

describe('a facilitator over HTTP', () => {
  it('gets the request as it is, with the configured headers, below the base URL', async () => {
    const seen: unknown[] = [];
    const url = await serve(async (message, response) => {
      seen.push([
        message.method,
        message.url,
        message.headers['x-key'],
        message.method === 'POST' ? await bodyOf(message) : undefined,
      ]);
      if (message.url === '/base/supported')
        json(response, 200, { kinds: [{ x402Version: 1, scheme: 'exact', network: 'base-sepolia' }] });
      else json(response, 200, message.url === '/base/verify' ? { isValid: true, payer: PAYER } : settled);
    });
    const remote = httpFacilitator({ url: `${url}/base//`, headers: { 'x-key': 'k' } });
    expect(await remote.verify(request)).toEqual({ isValid: true, payer: PAYER });
    expect(await remote.settle(request)).toEqual(settled);
    expect(await remote.supported()).toMatchObject({ extensions: [], signers: {} });
    expect(seen).toEqual([
      ['POST', '/base/verify', 'k', request],
      ['POST', '/base/settle', 'k', request],
      ['GET', '/base/supported', 'k', undefined],
    ]);
  });

  it('is followed when it has moved for good, with the same request', async () => {
    const seen: unknown[] = [];
    const target = await serve(async (message, response) => {
      seen.push(message.headers['x-key'], await bodyOf(message));
      json(response, 200, { isValid: true, payer: PAYER });
    });
    const move = (_: IncomingMessage, response: ServerResponse) =>
      void response.writeHead(308, { location: `${target}/verify` }).end();
    const moved = await facilitator(move, { headers: { 'x-key': 'secret' } });
    expect(await moved.verify(request)).toEqual({ isValid: true, payer: PAYER });
    // Its key is not for whoever it has moved to.
    expect(seen).toEqual([undefined, request]);
  });

  it('is not followed round and round', async () => {
    let asked = 0;
    const remote = await facilitator((_, response) => {
      asked += 1;
      response.writeHead(307, { location: '/verify' }).end();
    });
    expect(await failure(remote.verify(request))).toBe('facilitator_unavailable');
    expect(asked).toBe(4);
  });

  it.each([200, 402, 500])(
    'is understood when it refuses in the words of the protocol with status %d',
    async (status) => {
      const refusals: Record<string, unknown> = {
        '/verify': { isValid: false, invalidReason: 'x', payer: null },
        '/settle': { success: false, errorReason: 'y', network: 'n' },
      };
      const remote = await facilitator((message, response) =>
        json(response, status, refusals[message.url as string]),
      );
      expect(await remote.verify(request)).toEqual({ isValid: false, invalidReason: 'x' });
      expect(await remote.settle(request)).toEqual({
        success: false,
        errorReason: 'y',
        network: 'n',
        transaction: '',
      });
    },
  );

  it('is unavailable when nobody listens: the request never left', async () => {
    const url = await serve(answer(200, {}));
    const [server] = servers.splice(0);
    await new Promise((resolve) => server?.close(resolve));
    const remote = httpFacilitator({ url });
    expect(await failure(remote.verify(request))).toBe('facilitator_unavailable');
    expect(await failure(remote.settle(request))).toBe('facilitator_unavailable');
    expect(await failure(remote.supported())).toBe('facilitator_unavailable');
  });

  it('is unavailable when no connection comes about: the request never left', async () => {
    // Listens, and takes nobody in.
    const deaf = `require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
      require('node:fs').writeSync(1, String(this.address().port));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600_000);
    })`;
    const child = spawn(process.execPath, ['-e', deaf], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    const others = Array.from({ length: 4 }, () =>
      connect(Number(port), '127.0.0.1').on('error', () => undefined),
    );
    await Promise.all(others.slice(0, 1).map((other) => once(other, 'connect')));
    const remote = httpFacilitator({ url: `http://127.0.0.1:${port}`, settleTimeoutMs: 60_000 });
    expect(await failure(remote.settle(request))).toBe('facilitator_unavailable');
    for (const other of others) other.destroy();
    child.kill('SIGKILL');
  });

  it.each<[string, RequestListener]>([
    ['hangs', () => undefined],
    [
      'hangs in the middle of the response',
      (_, response) => void response.writeHead(200).write('{"success":'),
    ],
  ])('that %s is given up', async (_, listener) => {
    const remote = await facilitator(listener, { verifyTimeoutMs: 100, settleTimeoutMs: 100 });
    expect(await failure(remote.settle(request))).toBe('settlement_unknown');
    expect(await failure(remote.verify(request))).toBe('facilitator_unavailable');
    expect(await failure(remote.supported())).toBe('facilitator_unavailable');
  });

  it.each<[string, RequestListener, ErrorName]>([
    ['breaks the connection', (message) => void message.socket.destroy(), 'settlement_unknown'],
    ['answers in HTML', (_, response) => void response.writeHead(200).end('<html>'), 'settlement_unknown'],
    ['answers with another shape', answer(200, { ok: true }), 'settlement_unknown'],
    [
      'answers without end',
      (_, response) => void response.writeHead(200).end('x'.repeat(200_000)),
      'settlement_unknown',
    ],
    ['fails', answer(500, { error: 'oops' }), 'settlement_unknown'],
    ['fails behind a proxy', answer(502, {}), 'settlement_unknown'],
    ['is at work on an earlier copy', answer(409, { error: 'busy' }), 'settlement_unknown'],
    ['refuses the request', answer(400, { error: 'malformed' }), 'facilitator_unavailable'],
    ['wants a key', answer(401, { error: 'unauthorized' }), 'facilitator_unavailable'],
    ['is overloaded and says so', answer(503, { code: 'facilitator_overloaded' }), 'facilitator_unavailable'],
  ])('that %s gives no usable response', async (_, listener, settleKind) => {
    const remote = await facilitator(listener);
    expect(await failure(remote.settle(request))).toBe(settleKind);
    expect(await failure(remote.verify(request))).toBe('facilitator_unavailable');
    expect(await failure(remote.supported())).toBe('facilitator_unavailable');
  });

  it.each([
    ['another payer', { ...settled, payer: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC' }],
    ['another network', { ...settled, network: 'base' }],
    ['no transaction', { ...settled, transaction: '' }],
    ['a transaction that is none', { ...settled, transaction: 'done' }],
  ])('is not believed when it settled for %s', async (_, body) => {
    const remote = await facilitator(answer(200, body));
    expect(await failure(remote.settle(request))).toBe('settlement_unknown');
  });

  it('is not believed when it verified another payer', async () => {
    const remote = await facilitator(
      answer(200, { isValid: true, payer: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC' }),
    );
    expect(await failure(remote.verify(request))).toBe('facilitator_unavailable');
  });

  it('is believed when it names the payer in other letter case', async () => {
    const remote = await facilitator(answer(200, { ...settled, payer: PAYER.toLowerCase() }));
    expect(await remote.settle(request)).toMatchObject({ success: true });
  });
});
