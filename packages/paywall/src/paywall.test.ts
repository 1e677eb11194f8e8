import express from 'express';
import { AgentPayError } from '@agentpay/primitives';
import { mpp, x402v2 } from '@agentpay/protocol';
import { paywall } from './index.js';
import {
  DIALECTS,
  HASH,
  PAY_TO,
  fakeFacilitator,
  listen,
  pay,
  receiptOf,
  send,
  type Seller,
} from './seller.test.support.js';
import { weather as openWeather } from './weather.test.support.js';

type OptionsOf<T> = T extends (app: never, ...options: infer O) => unknown ? O : never;

let seller: Seller;
afterEach(() => seller?.close());

async function weather(...options: OptionsOf<typeof openWeather>) {
  const opened = await openWeather(express(), ...options);
  ({ seller } = opened);
  return opened;
}

describe.each(DIALECTS)('a payment in %s', (dialect) => {
  it('buys one answer, with the receipt of its dialect', async () => {
    const { facilitator, served } = await weather();
    const reply = await send(seller, '/weather', { headers: pay(await send(seller, '/weather'), dialect) });
    expect(reply.status).toBe(200);
    expect(reply.json()).toEqual({ served: 1 });
    expect(receiptOf(reply, dialect)).toBe(HASH);
    expect(reply.headers['cache-control']).toBe('private');
    const receipts = ['payment-response', 'x-payment-response', 'payment-receipt'].filter(
      (name) => name in reply.headers,
    );
    expect(receipts).toHaveLength(1);
    expect([served.count, facilitator.moved.length]).toEqual([1, 1]);
  });

  it('gets the same response when it is sent again, and is charged once', async () => {
    // In x402 v1 all of a proof gets on the chain.
    const { facilitator, served } = await weather(
      fakeFacilitator(),
      dialect === 'x402v1' ? { repeats: {} } : {},
    );
    const headers = pay(await send(seller, '/weather'), dialect);
    const first = await send(seller, '/weather', { headers });
    const second = await send(seller, '/weather', { headers });
    expect([second.status, second.text]).toEqual([200, first.text]);
    expect(second.headers['x-payment-replayed']).toBe('true');
    expect(receiptOf(second, dialect)).toBe(HASH);
    expect(second.headers['content-type']).toBe(first.headers['content-type']);
    expect([served.count, facilitator.moved.length, facilitator.calls.settle]).toEqual([1, 1, 1]);
  });

  it('runs the handler once under 50 concurrent copies', async () => {
    const { facilitator, served } = await weather(fakeFacilitator(), { repeats: {} });
    const headers = pay(await send(seller, '/weather'), dialect);
    const replies = await Promise.all(
      Array.from({ length: 50 }, () => send(seller, '/weather', { headers })),
    );
    const paid = replies.filter(({ status }) => status === 200);
    expect(paid.length).toBeGreaterThan(0);
    expect(new Set(paid.map(({ text }) => text))).toEqual(new Set(['{"served":1}']));
    for (const reply of replies) {
      if (reply.status === 200) continue;
      expect([reply.status, reply.json().code, reply.headers['retry-after']]).toEqual([
        409,
        'payment_in_progress',
        '1',
      ]);
    }
    expect([served.count, facilitator.moved.length]).toEqual([1, 1]);
  });

  it('buys nothing on another method, path or query', async () => {
    const { served } = await weather();
    const headers = pay(await send(seller, '/weather?a=1'), dialect);
    expect((await send(seller, '/weather?a=1', { headers })).status).toBe(200);
    const elsewhere = [
      await send(seller, '/weather?a=2', { headers }),
      await send(seller, '/weather', { headers }),
      await send(seller, '/other?a=1', { headers }),
      await send(seller, '/weather?a=1', { headers, method: 'DELETE' }),
    ];
    for (const { status } of elsewhere) expect(status).toBe(dialect === 'mpp' ? 402 : 409);
    expect((await send(seller, '/weather?a=1', { headers, method: 'HEAD' })).status).toBe(402);
    expect(served.count).toBe(1);
  });

  it('buys nothing for another caller, who may have read it off the chain', async () => {
    const { served } = await weather();
    const headers = pay(await send(seller, '/weather'), dialect);
    expect((await send(seller, '/weather', { headers })).status).toBe(200);
    const stolen = await send(seller, '/weather', { headers: { ...headers, cookie: 'session=thief' } });
    expect([stolen.status, stolen.json().code]).toEqual([409, 'payment_bound_elsewhere']);
    expect(served.count).toBe(1);
  });

  it('buys nothing dearer', async () => {
    const { served } = await weather();
    const reply = await send(seller, '/dear', { headers: pay(await send(seller, '/weather'), dialect) });
    expect(reply.status).toBe(402);
    expect(served.count).toBe(0);
  });

  it.each([
    ['another recipient', { to: '0x90F79bf6EB2c4f870365E785982E1f101E93b906' }],
    ['another amount', { value: '9999' }],
    ['too little time left', { validBefore: String(Math.floor(Date.now() / 1000) + 3) }],
    ['a start in the future', { validAfter: String(Math.floor(Date.now() / 1000) + 100_000) }],
  ])('with %s is refused before the facilitator is asked', async (_, changes) => {
    const { facilitator, served } = await weather();
    const reply = await send(seller, '/weather', {
      headers: pay(await send(seller, '/weather'), dialect, changes),
    });
    expect(reply.status).toBe(402);
    expect(reply.json().code).toMatch(/^invalid_exact_evm_\w+$/);
    expect(reply.json().error).toBe(reply.json().code);
    expect(x402v2.decodePaymentRequired(reply.headers['payment-required'] as string).error).toBe(
      reply.json().code,
    );
    expect([served.count, facilitator.calls.verify]).toEqual([0, 0]);
  });

  it('that the facilitator refuses gets its reason and a fresh offer, and may be sent again', async () => {
    let refuse = true;
    const honest = fakeFacilitator();
    const refusal = { isValid: false, invalidReason: 'insufficient_funds' };
    const { served } = await weather(
      fakeFacilitator({ verify: async (asked) => (refuse ? refusal : honest.verify(asked)) }),
    );
    const headers = pay(await send(seller, '/weather'), dialect);
    const refused = await send(seller, '/weather', { headers });
    expect([refused.status, refused.json().code, refused.json().error]).toEqual([
      402,
      'insufficient_funds',
      'insufficient_funds',
    ]);
    expect(served.count).toBe(0);
    refuse = false;
    expect((await send(seller, '/weather', { headers })).status).toBe(200);
  });

  it('whose nonce was used elsewhere is a 409, which asks nobody to sign again', async () => {
    const refusal = { isValid: false, invalidReason: 'invalid_exact_evm_nonce_already_used' };
    const { served } = await weather(fakeFacilitator({ verify: async () => refusal }));
    const reply = await send(seller, '/weather', { headers: pay(await send(seller, '/weather'), dialect) });
    expect([reply.status, reply.json().code]).toEqual([409, 'invalid_exact_evm_nonce_already_used']);
    expect(reply.headers['www-authenticate']).toBeUndefined();
    expect(served.count).toBe(0);
  });

  it('meets a facilitator that is away with 503 and Retry-After, uncharged, and works later', async () => {
    let away = true;
    const honest = fakeFacilitator();
    const facilitator = fakeFacilitator({
      async verify(asked) {
        if (away) throw new AgentPayError('facilitator_unavailable', 'away', { retryAfter: 2 });
        return honest.verify(asked);
      },
    });
    const { served } = await weather(facilitator);
    const headers = pay(await send(seller, '/weather'), dialect);
    const reply = await send(seller, '/weather', { headers });
    expect([reply.status, reply.json().code, reply.headers['retry-after']]).toEqual([
      503,
      'facilitator_unavailable',
      '2',
    ]);
    expect(reply.headers['www-authenticate']).toBeUndefined();
    away = false;
    expect((await send(seller, '/weather', { headers })).status).toBe(200);
    expect(served.count).toBe(1);
  });
});

describe('a second paywall behind one that charges', () => {
  it('is told of as a fault: the response is 500, nobody pays, no handler runs', async () => {
    const [facilitator, faults, served] = [fakeFacilitator(), [] as { error?: unknown }[], { count: 0 }];
    const open = (price: string) =>
      paywall({ logger: false, payTo: PAY_TO, facilitator, onError: (fault) => faults.push(fault) }).charge(
        price,
      );
    const [outer, inner] = [open('$0.01'), open('$0.02')];
    seller = await listen((req, res) =>
      outer(req, res, () => inner(req, res, () => res.end(`${++served.count}`))),
    );
    const reply = await send(seller, '/', { headers: pay(await send(seller, '/'), 'x402v2') });
    expect([reply.status, reply.json().code, facilitator.calls.settle, served.count]).toEqual([
      500,
      'internal_error',
      0,
      0,
    ]);
    expect(String(faults[0]?.error)).toMatch(/Two paywalls charge for the same request/);
  });

  it('charges where the first one lets a request pass', async () => {
    const options = { payTo: PAY_TO, facilitator: fakeFacilitator(), logger: false as const };
    const outer = paywall({ ...options, authorize: () => 'grant' }).charge('$0.01');
    const inner = paywall(options).charge('$0.02');
    seller = await listen((req, res) => outer(req, res, () => inner(req, res, () => res.end('goods'))));
    expect((await send(seller, '/', { headers: pay(await send(seller, '/'), 'x402v2') })).text).toBe('goods');
  });
});

describe('several proofs', () => {
  it.each([
    ['x402v2', 'x402v1'],
    ['x402v2', 'mpp'],
    ['x402v1', 'mpp'],
  ] as const)('%s and %s at once are a 400', async (one, other) => {
    const { served } = await weather();
    const offer = await send(seller, '/weather');
    const reply = await send(seller, '/weather', { headers: { ...pay(offer, one), ...pay(offer, other) } });
    expect([reply.status, reply.json().code]).toEqual([400, 'payment_ambiguous']);
    expect(served.count).toBe(0);
  });

  it('one header twice is a 400', async () => {
    await weather();
    const offer = await send(seller, '/weather');
    const twice = [pay(offer, 'x402v2'), pay(offer, 'x402v2')].map(
      (headers) => headers['payment-signature'] as string,
    );
    const reply = await send(seller, '/weather', { headers: { 'payment-signature': twice } });
    expect([reply.status, reply.json().code]).toEqual([400, 'payment_ambiguous']);
  });

  it('one authorization in two dialects buys one answer', async () => {
    const { facilitator, served } = await weather();
    const offer = await send(seller, '/weather');
    const nonce = `0x${'0a'.repeat(32)}`;
    expect((await send(seller, '/weather', { headers: pay(offer, 'x402v2', { nonce }) })).status).toBe(200);
    const again = await send(seller, '/weather', {
      headers: pay(offer, 'x402v1', { nonce: nonce.toUpperCase().replace('0X', '0x') }),
    });
    expect([again.status, again.json().code]).toEqual([409, 'payment_bound_elsewhere']);
    expect([served.count, facilitator.moved.length]).toEqual([1, 1]);
  });
});

describe('an MPP credential', () => {
  it('may stand beside a Bearer token, on one line or two', async () => {
    await weather();
    const joined = pay(await send(seller, '/weather'), 'mpp')['authorization'] as string;
    expect(
      (await send(seller, '/weather', { headers: { authorization: `Bearer abc, ${joined}` } })).status,
    ).toBe(200);
    const separate = pay(await send(seller, '/weather'), 'mpp')['authorization'] as string;
    expect(
      (await send(seller, '/weather', { headers: { authorization: ['Bearer abc', separate] } })).status,
    ).toBe(200);
  });

  it('of another seller, or altered, is refused as invalid_challenge', async () => {
    const { served } = await weather();
    const offer = await send(seller, '/weather');
    const credential = mpp.readCredential(pay(offer, 'mpp')['authorization'] as string);
    const id = `A${credential.challenge.id.slice(1, -1)}A`;
    for (const change of [
      { realm: 'elsewhere' },
      { id },
      { expires: '2099-01-01T00:00:00Z' },
      { opaque: 'e30' },
    ]) {
      const header = mpp.serializeCredential({
        ...credential,
        challenge: { ...credential.challenge, ...change },
      });
      const reply = await send(seller, '/weather', { headers: { authorization: header } });
      expect([reply.status, reply.json().code]).toEqual([402, 'invalid_challenge']);
    }
    expect(served.count).toBe(0);
  });

  it('is accepted under a secret that is being rotated out, and not under one that is gone', async () => {
    const [old, current] = ['o'.repeat(32), 'c'.repeat(32)];
    await weather(fakeFacilitator(), { mppSecret: old });
    const headers = pay(await send(seller, '/weather'), 'mpp');
    await seller.close();
    await weather(fakeFacilitator(), { mppSecret: [current, old] });
    expect((await send(seller, '/weather', { headers })).status).toBe(200);
    await seller.close();
    await weather(fakeFacilitator(), { mppSecret: current });
    expect((await send(seller, '/weather', { headers })).status).toBe(402);
  });

  it('moves to Payment-Authorization where the seller says so, and then no response is public', async () => {
    await weather(fakeFacilitator(), { authorizationHeader: 'Payment-Authorization' });
    const offer = await send(seller, '/weather');
    expect(offer.headers['www-authenticate']).toContain('header="Payment-Authorization"');
    const headers = pay(offer, 'mpp');
    const wrong = await send(seller, '/weather', {
      headers: { authorization: headers['payment-authorization'] as string },
    });
    expect([wrong.status, wrong.json().code]).toEqual([402, 'payment_required']);
    const paid = await send(seller, '/weather', { headers: { ...headers, authorization: 'Bearer own' } });
    expect([paid.status, paid.headers['cache-control']]).toEqual([200, 'private']);
  });

  it('in Payment-Authorization is no proof where the seller did not choose that header', async () => {
    await weather();
    const { authorization } = pay(await send(seller, '/weather'), 'mpp');
    const reply = await send(seller, '/weather', {
      headers: { 'payment-authorization': authorization as string },
    });
    expect([reply.status, reply.json().code]).toEqual([402, 'payment_required']);
  });
});
