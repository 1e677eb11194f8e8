import { request, type ServerResponse } from 'node:http';
import { AgentPayError, memoryStore, systemClock, type Clock, type Store } from '@agentpay/primitives';
import { x402v2, type Facilitator } from '@agentpay/protocol';
import { paywall, type PaywallOptions } from './index.js';
import {
  HASH,
  NETWORK,
  PAY_TO,
  fakeFacilitator,
  listen,
  pay,
  receiptOf,
  send,
  shiftedClock,
  type Dialect,
  type FakeFacilitator,
  type Seller,
} from './seller.test.support.js';

const sellers: Seller[] = [];
afterEach(async () => {
  await Promise.all(sellers.splice(0).map((seller) => seller.close()));
});

type Options = Partial<PaywallOptions> & {
  settle?: 'after' | 'before';
  handler?: (res: ServerResponse, served: number) => unknown;
};

/** Waits between attempts need not be waited for. */
const hasty: Clock = { now: systemClock.now, timer: (ms, fn) => systemClock.timer(ms / 50, fn) };

async function open(facilitator: Facilitator, { settle = 'after', handler, ...options }: Options = {}) {
  const served = { count: 0 };
  const wall = paywall({ payTo: PAY_TO, facilitator, clock: hasty, onError: () => undefined, ...options });
  const charge = wall.charge({ price: '$0.01', settle });
  const seller = await listen((req, res) => {
    charge(req, res, () => {
      served.count++;
      return handler ? handler(res, served.count) : res.end(`answer ${served.count}`);
    });
  });
  sellers.push(seller);
  return { seller, served };
}

const unknown = () => new AgentPayError('settlement_unknown', 'lost');
const away = () => new AgentPayError('facilitator_unavailable', 'away');

/** A facilitator whose first settlements go wrong as told, and then right. */
function faulty(faults: ((honest: FakeFacilitator) => Facilitator['settle'])[]): FakeFacilitator {
  const honest = fakeFacilitator();
  let call = 0;
  const facilitator = fakeFacilitator({
    verify: honest.verify,
    settle: (asked) => (faults[call++]?.(honest) ?? honest.settle)(asked),
  });
  return { ...facilitator, moved: honest.moved };
}

const lost =
  (honest: FakeFacilitator): Facilitator['settle'] =>
  async (asked) => {
    await honest.settle(asked);
    throw unknown();
  };
const pending =
  (honest: FakeFacilitator): Facilitator['settle'] =>
  async (asked) => {
    await honest.settle(asked);
    return { success: false, errorReason: 'settlement_pending', transaction: HASH, network: NETWORK.id };
  };
const unreachable = (): Facilitator['settle'] => async () => {
  throw away();
};
const refusing = (errorReason: string) => (): Facilitator['settle'] => {
  return async () => ({ success: false, errorReason, transaction: '', network: NETWORK.id });
};

describe.each<Dialect>(['x402v2', 'mpp'])('settlement of %s', (dialect) => {
  it.each([
    ['whose answer was lost', lost],
    ['that is pending', pending],
    ['that never reached the facilitator', unreachable],
  ])('%s is asked for again and delivers', async (_, fault) => {
    const facilitator = faulty([fault]);
    const { seller, served } = await open(facilitator);
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), dialect) });
    expect([reply.status, reply.text, receiptOf(reply, dialect)]).toEqual([200, 'answer 1', HASH]);
    expect([served.count, facilitator.moved.length, facilitator.calls.settle]).toEqual([1, 1, 2]);
  });

  it('that stays unknown is a 503 without a challenge; the same proof gets the held answer later', async () => {
    const facilitator = faulty([lost, lost, lost, lost]);
    const { seller, served } = await open(facilitator);
    const headers = pay(await send(seller, '/'), dialect);
    const open503 = await send(seller, '/', { headers });
    expect([open503.status, open503.json().code]).toEqual([503, 'settlement_unknown']);
    expect(Number(open503.headers['retry-after'])).toBeGreaterThan(0);
    expect([open503.headers['www-authenticate'], open503.headers['payment-required']]).toEqual([
      undefined,
      undefined,
    ]);
    const later = await send(seller, '/', { headers });
    expect([later.status, later.text, receiptOf(later, dialect)]).toEqual([200, 'answer 1', HASH]);
    expect([served.count, facilitator.moved.length]).toEqual([1, 1]);
  });

  it('that is refused charges nothing, shows nothing and says why', async () => {
    const facilitator = faulty([refusing('invalid_exact_evm_insufficient_balance')]);
    const { seller } = await open(facilitator);
    const headers = pay(await send(seller, '/'), dialect);
    const reply = await send(seller, '/', { headers });
    expect([reply.status, reply.json().code]).toEqual([402, 'invalid_exact_evm_insufficient_balance']);
    expect(reply.text).not.toContain('answer 1');
    expect(reply.headers['payment-receipt']).toBeUndefined();
    if (dialect === 'x402v2')
      expect(x402v2.decodeSettleResponse(reply.headers['payment-response'] as string).success).toBe(false);
    expect((await send(seller, '/', { headers })).status).toBe(200);
  });

  it('whose nonce turns out used is a 409 when nothing was sent before, and a delivery after a lost attempt', async () => {
    const used = refusing('invalid_exact_evm_nonce_already_used');
    const stranger = await open(faulty([used]));
    const refused = await send(stranger.seller, '/', {
      headers: pay(await send(stranger.seller, '/'), dialect),
    });
    expect([refused.status, refused.json().code]).toEqual([409, 'invalid_exact_evm_nonce_already_used']);
    const own = await open(faulty([lost, used]));
    const reply = await send(own.seller, '/', { headers: pay(await send(own.seller, '/'), dialect) });
    expect([reply.status, reply.text]).toEqual([200, 'answer 1']);
  });

  it('is never taken for refused once it may have been sent', async () => {
    const expired = refusing('invalid_exact_evm_payload_authorization_valid_before');
    const { seller } = await open(faulty([lost, expired, expired, expired]));
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), dialect) });
    expect([reply.status, reply.json().code]).toEqual([503, 'settlement_unknown']);
  });
});

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
        const answer = await facilitator.settle(asked);
        if (!options.hang) return answer;
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

  it('before the answer was stored: the next one waits for the lease, then serves and charges once', async () => {
    const { early, reply, facilitator, served } = await killed(1);
    expect([early.status, early.json().code]).toEqual([409, 'payment_in_progress']);
    expect([reply.status, reply.text, served]).toEqual([200, 'answer 1', [1, 1]]);
    expect(facilitator.moved).toHaveLength(1);
  });

  it('between storing the answer and taking the money, or after taking it: the stored answer, charged once, no second run', async () => {
    const { early, reply, facilitator, served } = await killed(2, { hang: true });
    expect([early.status, early.json().code]).toEqual([409, 'payment_in_progress']);
    expect([reply.status, reply.text, served]).toEqual([200, 'answer 1', [1, 0]]);
    expect(receiptOf(reply, 'x402v2')).toBe(HASH);
    expect(facilitator.moved).toHaveLength(1);
  });

  it('before recording that it was paid: the stored answer, charged once, no second run', async () => {
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
    ['after', 'the answer is delivered', 200],
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

describe('a kept answer', () => {
  it('lasts until the proof expires, and never makes the handler run again', async () => {
    const clock = shiftedClock();
    const { seller, served } = await open(fakeFacilitator(), { clock });
    const headers = pay(await send(seller, '/'), 'x402v2');
    await send(seller, '/', { headers });
    clock.offset += 299_000;
    expect((await send(seller, '/', { headers })).text).toBe('answer 1');
    clock.offset += 100_000;
    expect((await send(seller, '/', { headers })).status).toBe(402);
    expect(served.count).toBe(1);
  });

  it('too long to be kept is a 409 without a challenge', async () => {
    const { seller, served } = await open(fakeFacilitator(), { maxStoredBytes: 3 });
    const headers = pay(await send(seller, '/'), 'x402v2');
    expect((await send(seller, '/', { headers })).text).toBe('answer 1');
    const again = await send(seller, '/', { headers });
    expect([again.status, again.json().code, served.count]).toEqual([409, 'payment_already_used', 1]);
  });
});

describe('faults in the seller', () => {
  it('a hook that throws harms nobody', async () => {
    const onError = () => {
      throw new Error('hook');
    };
    const facilitator = fakeFacilitator({ verify: () => Promise.reject(new Error('odd')) });
    const { seller } = await open(facilitator, { onError });
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), 'x402v2') });
    expect([reply.status, reply.json().code]).toEqual([503, 'facilitator_unavailable']);
  });

  it('a facilitator that answers for another payer is not believed', async () => {
    const { seller, served } = await open(
      fakeFacilitator({ verify: async () => ({ isValid: true, payer: PAY_TO }) }),
    );
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), 'x402v2') });
    expect([reply.status, served.count]).toEqual([503, 0]);
  });

  it('prose in place of a reason becomes a code', async () => {
    const { seller } = await open(
      fakeFacilitator({ verify: async () => ({ isValid: false, invalidReason: 'fetch failed <b>' }) }),
    );
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), 'x402v2') });
    expect([reply.status, reply.json().code]).toEqual([402, 'unexpected_verify_error']);
  });
});
