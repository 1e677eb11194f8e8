import type { Db } from '@agentpay/primitives';
import request from 'supertest';
import { newPayer, openDb, payer, seller, signedRequest } from '../engine/payment.fixture.js';
import { as, openService, type ServiceBed } from './service.fixture.js';

describe('operations', () => {
  let db: Db;
  let bed: ServiceBed;
  beforeAll(async () => void (db = await openDb()));
  afterAll(() => db.close());
  beforeEach(async () => void (bed = await openService(db, { settleTimeoutMs: 400 })));
  afterEach(() => bed.close());

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
    expect((await settle()).errorReason).toBe('settlement_pending');
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
    for (let i = 0; i < 100 && after.state === 'sent'; i++) after = await reconcile();
    expect(after).toMatchObject({ id, state: 'settled', reason: null });
    expect((await reconcile()).transaction).toBe(after.transaction);
    expect(bed.logged()).toContain('"msg":"reconcile"');
  });

  it('add up volume, outcomes and gas by the hour', async () => {
    bed.mine();
    await settle();
    await settle({ amount: '250000' });
    const { hours } = (await get('/admin/activity?hours=3')).body;
    expect(hours).toHaveLength(3);
    const sum = (member: string) =>
      hours.reduce((total: number, hour: Record<string, unknown>) => total + Number(hour[member]), 0);
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
