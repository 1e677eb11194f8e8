import { events, tokens } from '@agentpay/core';
import { paymentTokenKeys, paymentTokenKid, verifyPaymentToken } from '@agentpay/protocol';
import {
  authorize,
  balanceOf,
  closeBalanced,
  newAgent,
  newService,
  type TestAgent,
  type TestApi,
  testApi,
} from '../testApi.js';

let api: TestApi;
let provider: TestAgent;

beforeAll(async () => {
  api = await testApi();
  provider = await newAgent(api, { name: 'Seller' });
});

afterAll(() => closeBalanced(api));

const balance = (agent: TestAgent) => balanceOf(api, agent);

async function call(event: string, tokenId: string) {
  return api.http.post(`/v1/x402/tokens/${tokenId}/${event}`).set(provider.auth);
}

describe('payment tokens', () => {
  let service: string;
  let buyer: TestAgent;
  beforeEach(async () => {
    buyer = await newAgent(api, { funds: 1 });
  });
  beforeAll(async () => {
    service = await newService(api, provider, { sla: { max_completion_seconds: 30 } });
  });

  it('run their whole life: reserved, redeemed, in flight, accepted, settled', async () => {
    expect(await balance(provider)).toEqual({ available: 0, held: 0 });
    const url = `/v1/services/${service}/authorize`;
    const { body } = await api.http
      .post(url)
      .set(buyer.auth)
      .send({ from_wallet_id: buyer.wallet, max_amount: 0.01 })
      .expect(201);
    expect(body).toEqual({
      token: expect.stringMatching(/^x402_tok_/),
      token_id: expect.stringMatching(/^tokid_/),
      expires_at: '2026-05-08T13:05:00Z',
      service_id: service,
      reserved_amount: 0.005,
    });
    const id = body.token_id as string;
    expect(await balance(buyer)).toEqual({ available: 0.995, held: 0.005 });

    const verified = await api.http
      .post('/v1/x402/verify')
      .set(provider.auth)
      .send({ token: body.token })
      .expect(200);
    expect(verified.body).toMatchObject({
      valid: true,
      token_id: id,
      amount: 0.005,
      service: { id: service, trust_score: 50 },
    });
    expect((await call('call-started', id)).body).toEqual({ token_id: id, status: 'in_flight' });
    expect((await call('call-accepted', id)).body).toEqual({ token_id: id, status: 'accepted' });
    const settled = { token_id: id, status: 'settled', payment_id: expect.stringMatching(/^tx_/) };
    const completed = (await call('call-completed', id)).body;
    expect(completed).toEqual(settled);
    expect((await call('call-completed', id)).body).toEqual(completed);

    await api.http.get(`/v1/x402/tokens/${id}`).set(buyer.auth).expect(200, {
      token_id: id,
      status: 'settled',
      service_id: service,
      amount: 0.005,
      currency: 'USD',
      deadline: null,
      payment_id: completed.payment_id,
    });
    expect(await balance(buyer)).toEqual({ available: 0.995, held: 0 });
    expect(await balance(provider)).toEqual({ available: 0.00498, held: 0 });
    const told = await events.history(api.composition.core.db, { subject: completed.payment_id as string });
    expect(told.map((event) => event.type)).toEqual(['payment.completed']);
    const ofToken = await events.history(api.composition.core.db, { subject: id });
    expect(ofToken.map((event) => event.type)).toEqual(['token.reserved', 'token.settled']);
  });

  it('are redeemed once, under either name of the field', async () => {
    const { token } = await authorize(api, buyer, service);
    await api.http.post('/v1/x402/verify').set(provider.auth).send({ payment_token: token }).expect(200);
    const again = await api.http.post('/v1/x402/verify').set(provider.auth).send({ token }).expect(409);
    expect(again.body.error).toMatchObject({ code: 'AP-1001', reason: 'token_already_redeemed' });
    await api.http
      .post('/v1/x402/verify')
      .set(provider.auth)
      .send({ token, payment_token: token })
      .expect(400);
  });

  it('are refused when somebody changed them', async () => {
    const { token } = await authorize(api, buyer, service);
    const [head, body, signature] = token.split('.') as [string, string, string];
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
    const forged = [
      head,
      Buffer.from(JSON.stringify({ ...claims, amount: '1' })).toString('base64url'),
      signature,
    ].join('.');
    for (const text of [forged, 'x402_tok_x', token.slice(0, -1), `${token}A`]) {
      const response = await api.http
        .post('/v1/x402/verify')
        .set(provider.auth)
        .send({ token: text })
        .expect(401);
      expect(response.body.code).toBe('AP-1001');
    }
    await api.http.post('/v1/x402/verify').set(provider.auth).send({ token }).expect(200);
  });

  it('can be checked offline with the published keys', async () => {
    const { token } = await authorize(api, buyer, service);
    const { body } = await api.http.get('/.well-known/jwks.json').expect(200);
    expect(body.keys).toEqual([expect.objectContaining({ kty: 'OKP', kid: paymentTokenKid(token) })]);
    const claims = verifyPaymentToken(token, paymentTokenKeys(body.keys), {
      now: Math.floor(api.clock.now() / 1000),
      audience: service,
    });
    expect(claims).toMatchObject({
      iss: 'http://api.test',
      sub: buyer.wallet,
      amount: '5000',
      currency: 'USD',
    });
  });

  it('are cancelled by their consumer while unused', async () => {
    const { token, token_id: id } = await authorize(api, buyer, service);
    const cancelled = { token_id: id, status: 'cancelled', released_amount: 0.005 };
    await api.http.delete(`/v1/x402/tokens/${id}`).set(buyer.auth).expect(200, cancelled);
    await api.http.delete(`/v1/x402/tokens/${id}`).set(buyer.auth).expect(200, cancelled);
    expect(await balance(buyer)).toEqual({ available: 1, held: 0 });
    await api.http.post('/v1/x402/verify').set(provider.auth).send({ token }).expect(409);
  });

  it('cannot be cancelled once redeemed', async () => {
    const { token, token_id: id } = await authorize(api, buyer, service);
    await api.http.post('/v1/x402/verify').set(provider.auth).send({ token }).expect(200);
    const response = await api.http.delete(`/v1/x402/tokens/${id}`).set(buyer.auth).expect(409);
    expect(response.body.error).toMatchObject({ code: 'AP-1001', reason: 'redeemed' });
  });

  it('are released at once when the provider gives up', async () => {
    const { token, token_id: id } = await authorize(api, buyer, service);
    await api.http.post('/v1/x402/verify').set(provider.auth).send({ token }).expect(200);
    expect((await call('call-failed', id)).body).toEqual({ token_id: id, status: 'failed' });
    expect(await balance(buyer)).toEqual({ available: 1, held: 0 });
  });

  it('take their events in order only', async () => {
    const { token_id: id } = await authorize(api, buyer, service);
    for (const event of ['call-started', 'call-accepted', 'call-completed', 'call-failed']) {
      const response = await call(event, id);
      expect([response.status, response.body.error.reason]).toEqual([409, 'reserved']);
    }
  });

  it('expire, and give the money back', async () => {
    const { token, token_id: id } = await authorize(api, buyer, service);
    api.clock.advance(300_000);
    const late = await api.http.post('/v1/x402/verify').set(provider.auth).send({ token }).expect(410);
    expect(late.body.code).toBe('TOKEN_EXPIRED');
    const read = await api.http.get(`/v1/x402/tokens/${id}`).set(buyer.auth).expect(200);
    expect(read.body.status).toBe('expired');
    expect(await balance(buyer)).toEqual({ available: 1, held: 0 });
  });

  it('are refunded in full by the sweep when the SLA is breached', async () => {
    const { token, token_id: id } = await authorize(api, buyer, service);
    await api.http.post('/v1/x402/verify').set(provider.auth).send({ token }).expect(200);
    await call('call-started', id);
    await call('call-accepted', id);
    api.clock.advance(29_999);
    await tokens.sweepTracked(api.composition.core);
    expect(await balance(buyer)).toEqual({ available: 0.995, held: 0.005 });
    api.clock.advance(1);
    await tokens.sweepTracked(api.composition.core);
    expect(await balance(buyer)).toEqual({ available: 1, held: 0 });
    const read = await api.http.get(`/v1/x402/tokens/${id}`).set(buyer.auth).expect(200);
    expect(read.body.status).toBe('sla_breached');
    const late = await call('call-completed', id);
    expect([late.status, late.body.error.code, late.body.error.reason]).toEqual([
      409,
      'AP-1001',
      'sla_breached',
    ]);
  });

  it('are refused above the limit of the buyer and beyond the wallet', async () => {
    const url = `/v1/services/${service}/authorize`;
    const dear = await api.http
      .post(url)
      .set(buyer.auth)
      .send({ from_wallet_id: buyer.wallet, max_amount: 0.004 })
      .expect(402);
    expect(dear.body.error).toMatchObject({
      code: 'AP-1001',
      reason: 'price_above_limit',
      param: 'max_amount',
    });
    const poor = await newAgent(api);
    const broke = await api.http.post(url).set(poor.auth).send({ from_wallet_id: poor.wallet }).expect(402);
    expect(broke.body.error).toMatchObject({ code: 'AP-1001', reason: 'insufficient_funds' });
  });
});
