import { systemClock, systemRandom, type Db } from '@agentpay/primitives';
import { pino } from 'pino';
import request from 'supertest';
import { createApp } from './app.js';
import {
  gasPayer,
  openBed,
  openDb,
  payer,
  pendingIn,
  signedRequest,
  statesIn,
  until,
  type Bed,
} from '../engine/payment.fixture.js';

describe('the HTTP service', () => {
  let db: Db;
  let bed: Bed;
  let app: ReturnType<typeof createApp>;
  let logged: string;
  beforeAll(async () => void (db = await openDb()));
  afterAll(() => db.close());
  beforeEach(async () => {
    bed = await openBed(db);
    logged = '';
    const log = pino({}, { write: (line: string) => void (logged += line) });
    const facilitator = await bed.start({ maxInFlight: 1 });
    app = createApp({ facilitator, clock: systemClock, random: systemRandom, log });
  });
  afterEach(() => bed.close());

  it('advertises the connected chain only, in both versions, with the accounts that pay the gas', async () => {
    const { body } = await request(app).get('/supported').expect(200);
    expect(body).toEqual({
      kinds: [
        { x402Version: 2, scheme: 'exact', network: 'eip155:84532' },
        { x402Version: 1, scheme: 'exact', network: 'base-sepolia' },
      ],
      extensions: [],
      signers: { 'eip155:*': [gasPayer.address] },
    });
  });

  it('verifies and settles, and never writes a signature to the log', async () => {
    bed.mine();
    const payment = await signedRequest();
    expect((await request(app).post('/verify').send(payment).expect(200)).body).toEqual({
      isValid: true,
      payer: payer.address,
    });
    const { body } = await request(app).post('/settle').send(payment).expect(200);
    expect(body).toMatchObject({ success: true, network: 'eip155:84532' });
    expect(logged).toContain(body.transaction);
    expect(logged).not.toContain((payment.paymentPayload.payload['signature'] as string).slice(2, 40));
  });

  it('answers what is wrong with a payment with 200', async () => {
    const spoilt = await signedRequest({ signature: `0x${'11'.repeat(64)}1b` });
    const { body } = await request(app).post('/verify').send(spoilt).expect(200);
    expect(body).toMatchObject({
      isValid: false,
      invalidReason: 'invalid_exact_evm_signature',
      payer: payer.address,
    });
  });

  it('answers what is wrong with a request with 4xx and a code', async () => {
    const json = (path: string, body: string) =>
      request(app).post(path).set('content-type', 'application/json').send(body);
    const responses = [
      await json('/verify', '{'),
      await json('/verify', '[]'),
      await json('/verify', 'null'),
      await json('/settle', '{"x402Version":3}'),
      await json('/settle', JSON.stringify({ ...(await signedRequest()), paymentRequirements: {} })),
      await request(app).post('/verify').set('content-type', 'text/plain').send('hello'),
      await request(app).post('/verify'),
      await json('/settle', JSON.stringify({ padding: 'x'.repeat(70_000) })),
      await request(app).get('/settle'),
      await request(app).get('/nothing'),
    ];
    expect(responses.map(({ status, body }) => [status, body.code])).toEqual([
      [400, 'invalid_json'],
      [400, 'invalid_payload'],
      [400, 'invalid_payload'],
      [400, 'invalid_x402_version'],
      [400, 'invalid_payment_requirements'],
      [415, 'unsupported_media_type'],
      [415, 'unsupported_media_type'],
      [413, 'payload_too_large'],
      [405, 'method_not_allowed'],
      [404, 'not_found'],
    ]);
    for (const { text, headers } of responses) {
      expect(text).not.toMatch(/node_modules|\bat .*\.js/);
      expect(headers['x-request-id']).toMatch(/^req_/);
    }
  });

  it('answers 503 with Retry-After when it is full, and when the chain is away', async () => {
    const first = request(app)
      .post('/settle')
      .send(await signedRequest())
      .then((response) => response);
    await until(async () => (await statesIn(db)).length === 1);
    const refused = await request(app)
      .post('/settle')
      .send(await signedRequest());
    const pending = await pendingIn(bed, first);
    expect([pending.status, pending.body.errorReason]).toEqual([200, 'settlement_pending']);
    expect([refused.status, refused.body.code, refused.headers['retry-after']]).toEqual([
      503,
      'facilitator_overloaded',
      '1',
    ]);
    bed.chain.fault({ on: 'read', kind: 'unreachable' }, Infinity);
    const away = await request(app)
      .post('/verify')
      .send(await signedRequest());
    expect([away.status, away.body.code, away.headers['retry-after']]).toEqual([
      503,
      'facilitator_unavailable',
      '2',
    ]);
  });

  it('tells whether it lives and whether it is ready', async () => {
    for (const path of ['/health', '/healthz', '/readyz']) {
      expect((await request(app).get(path).expect(200)).body).toEqual({ status: 'ok' });
    }
    bed.chain.fault({ on: 'chainId', kind: 'unreachable' }, Infinity);
    expect((await request(app).get('/readyz').expect(503)).body).toMatchObject({ code: 'unavailable' });
  });
});

describe('a chain that is not what it is said to be', () => {
  it('keeps the facilitator from starting, in one sentence', async () => {
    const db = await openDb();
    const bed = await openBed(db);
    const otherId = { ...bed.chain, chainId: async () => 1 };
    await expect(bed.start({ chain: otherId })).rejects.toThrow(
      'The RPC node at RPC_URL is on chain 1, not on base-sepolia (84532).',
    );
    const otherToken = {
      ...bed.chain,
      read: async () => [{ success: true, data: `0x${'12'.repeat(32)}` as const }],
    };
    await expect(bed.start({ chain: otherToken })).rejects.toThrow(/^The contract at 0x036C\w+ is not USDC/);
    await bed.close();
    await db.close();
  });
});
