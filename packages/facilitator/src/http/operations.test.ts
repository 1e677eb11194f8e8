import type { Db } from '@agentpay/primitives';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { httpFacilitator, paymentHash, paymentKeyIn, settlementStatus, toBase64 } from '@agentpay/protocol';
import request from 'supertest';
import { newPayer, openDb, payer, pendingIn, seller, signedRequest } from '../engine/payment.fixture.js';
import { as, openService, type ServiceBed } from './service.fixture.js';

describe('operations', () => {
  let db: Db;
  let bed: ServiceBed;
  beforeAll(async () => void (db = await openDb()));
  afterAll(() => db.close());
  beforeEach(async () => void (bed = await openService(db)));
  afterEach(() => bed.close());

  const settlePending = (payment: object) => pendingIn(bed, request(bed.app).post('/settle').send(payment));
  const get = async (path: string) => request(bed.app).get(path).set('authorization', as('boss'));
  const settle = async (options?: Parameters<typeof signedRequest>[0]) =>
    (
      await request(bed.app)
        .post('/settle')
        .send(await signedRequest(options))
        .expect(200)
    ).body;

  it('show a settlement with everything but its signature', async () => {
    bed.mine();
    const payment = await signedRequest();
    const { transaction } = (await request(bed.app).post('/settle').send(payment).expect(200)).body;
    const { settlements, nextCursor } = (await get('/settlements')).body;
    expect(nextCursor).toBeNull();
    expect(settlements).toEqual([
      expect.objectContaining({
        id: expect.stringMatching(/^stl_/),
        state: 'settled',
        network: 'eip155:84532',
        payer: payer.address.toLowerCase(),
        payTo: expect.stringMatching(new RegExp(seller, 'i')),
        amount: '10000',
        transaction,
        explorer: `https://sepolia.basescan.org/tx/${transaction}`,
        reason: null,
      }),
    ]);
    const one = await get(`/settlements/${settlements[0].id}`);
    expect(one.body).toEqual(settlements[0]);
    expect(one.text).not.toContain((payment.paymentPayload.payload['signature'] as string).slice(2, 40));
  });

  describe('by payment', () => {
    const proofOf = ({ paymentPayload }: Awaited<ReturnType<typeof signedRequest>>) =>
      toBase64(paymentPayload);
    const ask = (proof: string, hash = paymentHash(paymentKeyIn(proof))) =>
      request(bed.app).get(`/settlements/by-payment/${hash}`).set('payment-signature', proof);

    it('tell whoever shows the payment whether it was settled, and settle nothing', async () => {
      const payment = await signedRequest();
      const proof = proofOf(payment);
      expect(await ask(proof)).toMatchObject({ status: 404, body: { code: 'settlement_not_known' } });
      // Nothing is mined: the call gives up, and the payment may still go either way.
      await settlePending(payment);
      expect(await ask(proof)).toMatchObject({ status: 200, body: { state: 'pending', reason: null } });
      bed.mine();
      const { transaction } = (await request(bed.app).post('/settle').send(payment).expect(200)).body;
      expect((await ask(proof)).body).toMatchObject({
        state: 'settled',
        transaction,
        amount: '10000',
        pay_to: expect.stringMatching(new RegExp(seller, 'i')),
        explorer: expect.stringContaining(transaction),
      });
      const { status, body } = await ask(proof, 'ab'.repeat(32));
      expect([status, body.code, body.error]).toEqual([
        400,
        'invalid_request',
        expect.stringContaining('hash'),
      ]);
      expect(await ask('nonsense', 'ab'.repeat(32))).toMatchObject({ status: 400 });
    });

    it('tell the holder of a key that may settle, by payer and nonce, and nobody else', async () => {
      await bed.close();
      bed = await openService(db, { keys: ['shop', 'reader'] });
      bed.mine();
      const payment = await signedRequest();
      const key = paymentKeyIn(proofOf(payment));
      const call = () =>
        request(bed.app).get(
          `/settlements/by-payment/${paymentHash(key)}?payer=${key.payer}&nonce=${key.nonce}`,
        );
      await request(bed.app).post('/settle').set('authorization', as('shop')).send(payment).expect(200);
      expect(await call().set('authorization', as('shop'))).toMatchObject({ body: { state: 'settled' } });
      expect((await call().set('authorization', as('reader'))).status).toBe(403);
      expect((await call()).status).toBe(401);
      expect(await ask(proofOf(payment))).toMatchObject({ body: { state: 'settled' } });
    });

    it('are asked for by the function of the SDK', async () => {
      bed.mine();
      const payment = await signedRequest();
      const server = createServer(bed.app).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const facilitator = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      try {
        const status = () => settlementStatus({ facilitator, payment: proofOf(payment) });
        expect(await status()).toBeUndefined();
        await request(bed.app).post('/settle').send(payment).expect(200);
        expect(await status()).toMatchObject({ state: 'settled', transaction: expect.stringMatching(/^0x/) });
        const asSeller = httpFacilitator({ url: facilitator });
        expect(await asSeller.settlement?.(payment)).toEqual(await status());
        expect(await asSeller.settlement?.(await signedRequest())).toBeUndefined();
      } finally {
        server.close();
      }
      await expect(settlementStatus({ facilitator, payment: proofOf(payment) })).rejects.toMatchObject({
        kind: 'facilitator_unavailable',
      });
    });
  });

  it('list page by page, newest first, by state and by payer', async () => {
    bed.mine();
    const other = newPayer();
    bed.chain.mint(other.address, 1_000_000n);
    const hashes: string[] = [];
    for (const account of [payer, other, payer, other, payer])
      hashes.unshift((await settle({ account })).transaction);
    const pages: string[][] = [];
    for (let cursor = ''; pages.length < 9;) {
      const { body } = await get(`/settlements?limit=2${cursor}`);
      pages.push(body.settlements.map(({ transaction }: { transaction: string }) => transaction));
      if (body.nextCursor === null) break;
      cursor = `&cursor=${body.nextCursor}`;
    }
    expect(pages).toEqual([hashes.slice(0, 2), hashes.slice(2, 4), hashes.slice(4)]);
    expect((await get(`/settlements?payer=${other.address}`)).body.settlements).toHaveLength(2);
    expect((await get('/settlements?state=settled')).body.settlements).toHaveLength(5);
    expect((await get('/settlements?state=failed')).body.settlements).toEqual([]);
  });

  const wrong = [
    'state=paid',
    'payer=0x1',
    'limit=0',
    'limit=101',
    'limit=x',
    'cursor=1',
    "cursor=stl_' or true--",
  ];
  it.each(wrong)('refuse ?%s', async (query) => {
    const { status, body } = await get(`/settlements?${encodeURI(query)}`);
    expect([status, body.code]).toEqual([400, 'invalid_request']);
  });

  it('know no settlement by another id', async () => {
    for (const id of ['stl_00000000000000000000000000', 'x', '%00', "stl_'"]) {
      expect((await get(`/settlements/${id}`)).status).toBe(404);
      const reconciled = await request(bed.app)
        .post(`/settlements/${id}/reconcile`)
        .set('authorization', as('boss'));
      expect(reconciled.status).toBe(404);
    }
  });

  it('reconcile a settlement with the chain at once, and leave one alone that is not decided', async () => {
    const pending = await settlePending(await signedRequest());
    expect(pending.body.errorReason).toBe('settlement_pending');
    const [{ id, state }] = (await get('/settlements')).body.settlements;
    expect(state).toBe('sent');
    const reconcile = async () =>
      (
        await request(bed.app)
          .post(`/settlements/${id}/reconcile`)
          .set('authorization', as('boss'))
          .expect(200)
      ).body;
    expect((await reconcile()).state).toBe('sent');
    bed.mine();
    let after = await reconcile();
    while (after.state === 'sent') after = await reconcile();
    expect(after).toMatchObject({ id, state: 'settled', reason: null });
    expect((await reconcile()).transaction).toBe(after.transaction);
    expect(bed.logged()).toContain('"msg":"reconcile"');
  });

  it('add up volume, outcomes and gas by the hour', async () => {
    bed.mine();
    await settle();
    await settle({ amount: '250000' });
    const shown = async () => {
      const { hours } = (await get('/admin/activity?hours=3')).body;
      expect(hours).toHaveLength(3);
      return (member: string): number =>
        hours.reduce((total: number, hour: Record<string, unknown>) => total + Number(hour[member]), 0);
    };
    // What a transaction cost is written down beside the payments, not before.
    let sum = await shown();
    while (sum('payments') < 2) sum = await shown();
    expect([sum('settled'), sum('failed'), sum('open'), sum('volume'), sum('payments')]).toEqual([
      2, 0, 0, 260_000, 2,
    ]);
    expect(sum('gasUsed')).toBeGreaterThan(2 * 21_000);
    for (const query of ['hours=0', 'hours=169', 'hours=x'])
      expect((await get(`/admin/activity?${query}`)).status).toBe(400);
  });

  it('have a page that holds no data, runs no code but its own, and is small', async () => {
    const paths = ['/admin', '/admin/admin.js', '/admin/admin.css'];
    const parts = await Promise.all(paths.map((path) => request(bed.app).get(path).expect(200)));
    for (const { headers } of parts) {
      expect(headers['content-security-policy']).toContain(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'",
      );
      expect(headers['content-security-policy']).not.toContain('unsafe');
      expect(headers['x-content-type-options']).toBe('nosniff');
    }
    expect(parts.map(({ headers }) => headers['content-type'])).toEqual([
      'text/html; charset=utf-8',
      'text/javascript; charset=utf-8',
      'text/css; charset=utf-8',
    ]);
    const [html = ''] = parts.map(({ text }) => text);
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|\bon\w+=|\bstyle=|https?:\/\//);
    expect(parts.reduce((bytes, { text }) => bytes + text.length, 0)).toBeLessThan(30_000);
  });
});
