import type { Db } from '@agentpay/primitives';
import request, { type Test } from 'supertest';
import { openDb, payer, signedRequest } from '../engine/payment.fixture.js';
import {
  as,
  keyTexts,
  METRICS_TOKEN,
  openService,
  type KeyName,
  type ServiceBed,
  type ServiceOptions,
} from './service.fixture.js';

describe('access', () => {
  let db: Db;
  let bed: ServiceBed;
  beforeAll(async () => void (db = await openDb()));
  afterAll(() => db.close());
  afterEach(() => bed.close());

  const open = async (options?: ServiceOptions) => void (bed = await openService(db, options));
  const post = async (path: string, key?: string) => {
    const call = request(bed.app).post(path);
    return (key === undefined ? call : call.set('authorization', key)).send(await signedRequest());
  };

  it('to payments is free for all while no key has their scope, and never to operations', async () => {
    await open({ keys: ['boss'] });
    bed.mine();
    expect((await post('/verify')).body).toEqual({ isValid: true, payer: payer.address });
    expect((await post('/settle')).body).toMatchObject({ success: true });
    expect((await request(bed.app).get('/settlements')).status).toBe(401);
  });

  it('to each operation needs a key that has its scope', async () => {
    await open({ keys: ['shop', 'reader', 'boss'] });
    bed.mine();
    const wanted: [string, KeyName | undefined, number][] = [
      ['/verify', 'shop', 200],
      ['/settle', 'shop', 200],
      ['/verify', 'reader', 200],
      ['/settle', 'reader', 403],
      ['/verify', 'boss', 403],
      ['/settle', 'boss', 403],
      ['/verify', undefined, 401],
      ['/settle', undefined, 401],
    ];
    const got = await Promise.all(
      wanted.map(async ([path, key]) => [path, key, (await post(path, key && as(key))).status] as const),
    );
    expect(got).toEqual(wanted);
  });

  it('is refused for keys that are unknown, garbled, or sent another way', async () => {
    await open({ keys: ['shop', 'boss'] });
    const [text = ''] = keyTexts;
    const long = 'x'.repeat(5_000);
    const garbled = [
      `Bearer ${text}x`,
      `Bearer ${text.slice(0, -1)}`,
      `Basic ${text}`,
      text,
      'Bearer',
      'Bearer  ',
      `Bearer ${long}`,
    ];
    for (const header of garbled) {
      const { status, body, headers } = await post('/verify', header);
      expect([status, body.code, headers['www-authenticate']]).toEqual([401, 'unauthorized', 'Bearer']);
      expect(JSON.stringify(body)).not.toContain(text.slice(5, 20));
    }
    expect(
      (
        await request(bed.app)
          .post(`/verify?key=${text}`)
          .send(await signedRequest())
      ).status,
    ).toBe(401);
  });

  it('to settlements of others is not opened by a key for payments, whatever the path', async () => {
    await open({ keys: ['shop', 'boss'] });
    bed.mine();
    await post('/settle', as('shop'));
    const [record] = (await request(bed.app).get('/settlements').set('authorization', as('boss')).expect(200))
      .body.settlements;
    const calls: (() => Test)[] = [
      () => request(bed.app).get('/settlements'),
      () => request(bed.app).get(`/settlements/${record.id}`),
      () => request(bed.app).post(`/settlements/${record.id}/reconcile`),
      () => request(bed.app).get('/admin/activity'),
      () => request(bed.app).get(`/settlements/${record.id}/`),
      () => request(bed.app).get(`//settlements/${record.id}`),
      () => request(bed.app).get(`/SETTLEMENTS/${record.id}`),
    ];
    for (const call of calls) {
      for (const response of [await call(), await call().set('authorization', as('shop'))]) {
        expect([401, 403, 404]).toContain(response.status);
        expect(response.text).not.toContain(record.nonce);
      }
    }
  });

  it('is counted per key and per address, says so in the headers, and refuses with Retry-After', async () => {
    await open({ keys: ['shop', 'reader'], rate: { perMinute: 60, burst: 3 } });
    const responses = [];
    for (let i = 0; i < 4; i++) responses.push(await post('/verify', as('shop')));
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(responses[0]?.headers['ratelimit-policy']).toBe('"calls";q=3;w=3');
    expect(responses[0]?.headers['ratelimit']).toBe('"calls";r=2;t=1');
    expect(responses[3]?.headers['ratelimit']).toBe('"calls";r=0;t=3');
    expect(responses[3]?.headers['retry-after']).toBe('1');
    expect(responses[3]?.body).toMatchObject({
      code: 'rate_limited',
      requestId: responses[3]?.headers['x-request-id'],
    });
    expect((await post('/verify', as('reader'))).status).toBe(200);
  });

  it('cannot be guessed quickly: refused keys count against the address', async () => {
    await open({ keys: ['shop'], rate: { perMinute: 60, burst: 2 } });
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await post('/verify', `Bearer fk_${i}`)).status);
    expect(statuses).toEqual([401, 401, 429, 429]);
    for (let i = 0; i < 4; i++) expect((await request(bed.app).get('/healthz')).status).toBe(200);
  });

  it('is refused to a right key as well, from an address over its limit: whoever guesses does not learn which was right', async () => {
    await open({ keys: ['shop'], rate: { perMinute: 60, burst: 2 } });
    for (let i = 0; i < 2; i++) expect((await post('/verify', `Bearer fk_${i}`)).status).toBe(401);
    const { status, headers } = await post('/verify', as('shop'));
    expect([status, headers['retry-after']]).toEqual([429, '1']);
    expect((await request(bed.app).get('/supported')).status).toBe(200);
  });

  it('is counted by address, however it is written', async () => {
    const spellings = [
      ['203.0.113.7:50001', '203.0.113.7:50002', '::ffff:203.0.113.7', '[::ffff:203.0.113.7]:1'],
      ['2001:db8::1', '2001:DB8:0::2', '[2001:db8::3]:4', '2001:db8:0:0:ffff::1'],
    ];
    await open({ rate: { perMinute: 60, burst: 3 }, trustProxyHops: 1 });
    for (const [first = '', ...others] of spellings) {
      const from = async (address: string) =>
        (
          await request(bed.app)
            .post('/verify')
            .set('x-forwarded-for', address)
            .send(await signedRequest())
        ).status;
      expect(await from(first)).toBe(200);
      expect([await from(others[0] ?? ''), await from(others[1] ?? '')]).toEqual([200, 200]);
      for (const spelling of [first, ...others]) expect(await from(spelling)).toBe(429);
      const guard = await request(bed.app).get('/supported').set('x-forwarded-for', first);
      expect(guard.status).toBe(429);
    }
  });

  it('leaves no key, signature or token in the log, whatever happens', async () => {
    await open({ keys: ['shop', 'boss'] });
    bed.mine();
    const payment = await signedRequest();
    const send = (path: string, key: string) =>
      request(bed.app).post(path).set('authorization', key).send(payment);
    await send('/verify', as('shop'));
    await send('/settle', as('shop'));
    await send('/settle', as('boss'));
    await send('/settle', `${as('shop')}x`);
    await request(bed.app).get('/metrics').set('authorization', `Bearer ${METRICS_TOKEN}`);
    bed.chain.fault({ on: 'read', kind: 'unreachable' }, Infinity);
    await send('/verify', as('shop'));
    const signature = (payment.paymentPayload.payload['signature'] as string).slice(2, 60);
    expect(bed.logged()).toContain('"key":"shop"');
    expect(bed.logged()).toContain('facilitator_unavailable');
    for (const secret of [...keyTexts.map((text) => text.slice(3)), METRICS_TOKEN, signature])
      expect(bed.logged()).not.toContain(secret);
  });
});
