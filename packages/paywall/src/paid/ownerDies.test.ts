import { request, type ServerResponse } from 'node:http';
import { memoryStore, type Store } from '@agentpay/primitives';
import type { Facilitator } from '@agentpay/protocol';
import { closeSellers, faulty, open, refusing } from './charge.test.support.js';
import {
  HASH,
  fakeFacilitator,
  pay,
  receiptOf,
  send,
  shiftedClock,
  type FakeFacilitator,
} from '../seller.test.support.js';

afterEach(closeSellers);

describe('an owner that dies', () => {
  /** Sends a payment to a seller that dies on it after so many writes to the store, then the same to another one over the same store. */
  async function killed(
    writes: number,
    options: { facilitator?: FakeFacilitator; settle?: 'after' | 'before'; hang?: boolean } = {},
  ) {
    const clock = shiftedClock();
    const store = memoryStore(clock);
    const facilitator = options.facilitator ?? fakeFacilitator();
    const { settle = 'after' } = options;
    let dead: () => void = () => undefined;
    const death = new Promise<void>((resolve) => {
      dead = resolve;
    });
    const never = new Promise<never>(() => undefined);
    let left = writes;
    const dyingStore: Store = {
      ...store,
      put(...args) {
        if (left-- > 0) return store.put(...args);
        dead();
        return never;
      },
    };
    const dyingFacilitator: Facilitator = {
      ...facilitator,
      async settle(asked) {
        const response = await facilitator.settle(asked);
        if (!options.hang) return response;
        dead();
        return never;
      },
    };
    const first = await open(dyingFacilitator, { clock, settle, store: dyingStore });
    const second = await open(facilitator, { clock, settle, store });
    const validBefore = String(Math.floor(Date.now() / 1000) + 3000);
    const headers = pay(await send(first.seller, '/'), 'x402v2', { validBefore });
    const doomed = send(first.seller, '/', { headers }).catch(() => 'cut off');
    await death;
    const early = await send(second.seller, '/', { headers });
    clock.offset += 130_000;
    const reply = await send(second.seller, '/', { headers });
    await first.seller.close();
    expect(await doomed).toBe('cut off');
    return { early, reply, facilitator, served: [first.served.count, second.served.count] };
  }

  it('before the response was stored: the next one waits for the lease, then serves and charges once', async () => {
    const { early, reply, facilitator, served } = await killed(1);
    expect([early.status, early.json().code]).toEqual([409, 'payment_in_progress']);
    expect([reply.status, reply.text, served]).toEqual([200, 'answer 1', [1, 1]]);
    expect(facilitator.moved).toHaveLength(1);
  });

  it('between storing the response and taking the money, or after it: the stored response, charged once, no second run', async () => {
    const { early, reply, facilitator, served } = await killed(2, { hang: true });
    expect([early.status, early.json().code]).toEqual([409, 'payment_in_progress']);
    expect([reply.status, reply.text, served]).toEqual([200, 'answer 1', [1, 0]]);
    expect(receiptOf(reply, 'x402v2')).toBe(HASH);
    expect(facilitator.moved).toHaveLength(1);
  });

  it('before recording that it was paid: the stored response, charged once, no second run', async () => {
    const { reply, facilitator, served } = await killed(2);
    expect([reply.status, reply.text, served]).toEqual([200, 'answer 1', [1, 0]]);
    expect(facilitator.moved).toHaveLength(1);
  });

  it('with the money taken first and not recorded: the handler runs, once, charged once', async () => {
    const { reply, facilitator, served } = await killed(2, { settle: 'before' });
    expect([reply.status, reply.text, served]).toEqual([200, 'answer 1', [0, 1]]);
    expect(facilitator.moved).toHaveLength(1);
  });

  it('though it only slept: it cannot settle what another has taken over', async () => {
    const clock = shiftedClock();
    const store = memoryStore(clock);
    const facilitator = fakeFacilitator();
    const asleep: ServerResponse[] = [];
    const slow = await open(facilitator, {
      clock,
      store,
      handler: (res) => asleep.push(res),
      handlerTimeoutMs: 200_000,
    });
    const quick = await open(facilitator, { clock, store });
    const validBefore = String(Math.floor(Date.now() / 1000) + 3000);
    const headers = pay(await send(slow.seller, '/'), 'x402v2', { validBefore });
    const sleeping = send(slow.seller, '/', { headers });
    while (asleep.length === 0) await send(slow.seller, '/');
    clock.offset += 240_000;
    expect((await send(quick.seller, '/', { headers })).text).toBe('answer 1');
    (asleep[0] as ServerResponse).end('too late');
    const late = await sleeping;
    expect([late.status, late.json().code]).toEqual([409, 'payment_in_progress']);
    expect(facilitator.calls.settle).toBe(1);
  });
});

describe('a store that fails', () => {
  const broken = () => Promise.reject(new Error('store is gone'));

  it('serves and charges nothing: 503', async () => {
    const facilitator = fakeFacilitator();
    const { seller, served } = await open(facilitator, {
      store: { get: broken, put: broken, delete: broken },
    });
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), 'x402v2') });
    expect([reply.status, reply.json().code]).toEqual([503, 'unavailable']);
    expect(reply.headers['retry-after']).toBeDefined();
    expect([served.count, facilitator.calls.settle]).toEqual([0, 0]);
  });

  it.each([
    ['after', 'the response is delivered', 200],
    ['before', 'the handler waits for a record', 503],
  ] as const)('only after the money moved, settle %s: %s', async (settle, _, status) => {
    const facilitator = fakeFacilitator();
    const store = memoryStore(shiftedClock());
    let writes = 0;
    const put: Store['put'] = (...args) => (++writes > 2 ? broken() : store.put(...args));
    const { seller, served } = await open(facilitator, { settle, store: { ...store, put } });
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), 'x402v2') });
    expect([reply.status, served.count, facilitator.moved.length]).toEqual([
      status,
      status === 200 ? 1 : 0,
      1,
    ]);
  });

  it('that holds rubbish fails closed as well', async () => {
    const facilitator = fakeFacilitator();
    const store: Store = {
      get: async () => ({ value: '{"state":"odd"}', version: 1 }),
      put: broken,
      delete: broken,
    };
    const { seller, served } = await open(facilitator, { store });
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), 'x402v2') });
    expect([reply.status, served.count]).toEqual([503, 0]);
  });
});

describe("settle: 'before'", () => {
  it('streams with the receipt in the head, while the handler is still at work', async () => {
    const facilitator = fakeFacilitator();
    let finish = () => undefined as unknown;
    const { seller } = await open(facilitator, {
      settle: 'before',
      handler: (res) => {
        res.writeHead(200, { 'cache-control': 'public' });
        res.write('first ');
        finish = () => res.end('last');
      },
    });
    const headers = pay(await send(seller, '/'), 'x402v2');
    const text = await new Promise<string>((resolve, reject) => {
      request({ host: '127.0.0.1', port: seller.port, path: '/', headers, agent: false }, (incoming) => {
        expect(incoming.headers['payment-response']).toBeDefined();
        expect(incoming.headers['cache-control']).toBe('private');
        let received = '';
        incoming.on('data', (chunk: Buffer) => {
          received += chunk.toString();
          if (received === 'first ') finish();
        });
        incoming.on('end', () => resolve(received));
      })
        .on('error', reject)
        .end();
    });
    expect(text).toBe('first last');
    expect(facilitator.moved).toHaveLength(1);
  });

  it('passes back-pressure on to the handler', async () => {
    let sawFull = false;
    const { seller } = await open(fakeFacilitator(), {
      settle: 'before',
      handler: (res) => {
        sawFull = !res.write(Buffer.alloc(1024 * 1024));
        res.end();
      },
    });
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), 'x402v2') });
    expect([reply.status, reply.text.length, sawFull]).toEqual([200, 1024 * 1024, true]);
  });

  it('does not run the handler when the money is refused', async () => {
    const { seller, served } = await open(faulty([refusing('insufficient_funds')]), { settle: 'before' });
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), 'x402v2') });
    expect([reply.status, served.count]).toEqual([402, 0]);
  });

  it('answers a repeated proof with 409: what was streamed is not kept', async () => {
    const { seller, served } = await open(fakeFacilitator(), { settle: 'before' });
    const headers = pay(await send(seller, '/'), 'x402v2');
    expect((await send(seller, '/', { headers })).status).toBe(200);
    const again = await send(seller, '/', { headers });
    expect([again.status, again.json().code, served.count]).toEqual([409, 'payment_already_used', 1]);
  });

  it('puts no MPP receipt on a failure', async () => {
    const { seller } = await open(fakeFacilitator(), {
      settle: 'before',
      handler: (res) => res.writeHead(500).end('broken'),
    });
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), 'mpp') });
    expect([reply.status, reply.headers['payment-receipt']]).toEqual([500, undefined]);
  });

  it('survives a handler that rejects', async () => {
    const { seller } = await open(fakeFacilitator(), {
      settle: 'before',
      handler: () => Promise.reject(new Error('broken')),
    });
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), 'x402v2') });
    expect([reply.status, reply.json().code]).toEqual([500, 'internal_error']);
  });
});
