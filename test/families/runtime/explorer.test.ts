import { ADMIN_KEY, DEMO_ADMIN_KEY, newAgent, newService, testApi, type TestApi } from '../testApi.js';

/** The public sandbox: a host, its guests, and the operator who watches. */
let api: TestApi;

beforeAll(async () => {
  api = await testApi({ EXPLORER_FUNDING_MAX: '50', EXPLORER_PAYMENT_MAX: '2' });
});

afterAll(() => api.close());

interface Admitted {
  readonly session_id: string;
  readonly role: string;
  readonly access_token: string;
  readonly agent_id: string;
  readonly wallet_id: string;
}
const header = ({ access_token }: Admitted) => ({ 'x-explorer-access': access_token });

async function open(on: TestApi = api): Promise<Admitted> {
  return (await on.http.post('/v1/explorer/sessions').expect(201)).body as Admitted;
}

async function invite(host: Admitted): Promise<string> {
  const { body } = await api.http.post('/v1/explorer/invites').set(header(host)).expect(201);
  return (body as { invite: string }).invite;
}

async function guestOf(host: Admitted): Promise<Admitted> {
  const code = await invite(host);
  return (await api.http.post('/v1/explorer/invites/exchange').send({ invite: code }).expect(200))
    .body as Admitted;
}

function fund(who: Admitted, amount: number) {
  const path = `/v1/wallets/${who.wallet_id}/fund`;
  return api.http.post(path).set(header(who)).send({ amount, source: 'test_faucet' });
}

describe('an explorer session', () => {
  it('gives its host a demo agent, whose keys nobody sees', async () => {
    const host = await open();
    expect(host).toEqual({
      session_id: expect.stringMatching(/^exs_/),
      role: 'host',
      access_token: expect.stringMatching(/^ey[\w-]+\.[\w-]+\.[\w-]+$/),
      expires_at: '2026-05-08T13:15:00Z',
      agent_id: expect.stringMatching(/^agent_/),
      wallet_id: expect.stringMatching(/^wallet_/),
    });
    await fund(host, 5).expect(200);
    const balance = await api.http.get(`/v1/wallets/${host.wallet_id}/balance`).set(header(host)).expect(200);
    expect(balance.body).toMatchObject({ available: 5 });
    await api.http.post(`/v1/agents/${host.agent_id}/keys/rotate`).set(header(host)).expect(401);
    const hook = { url: 'https://example.com/', events: ['payment.completed'] };
    await api.http.post('/v1/webhooks').set(header(host)).send(hook).expect(401);
  });

  it('lets guests look on and change nothing', async () => {
    const host = await open();
    const guest = await guestOf(host);
    expect(guest).toMatchObject({ role: 'guest', session_id: host.session_id, agent_id: host.agent_id });
    const read = await api.http.get('/v1/explorer/session').set(header(guest)).expect(200);
    expect(read.body).toMatchObject({ role: 'guest', may_write: false, payment_max: 2, funding_max: 50 });
    await api.http.get(`/v1/wallets/${guest.wallet_id}/balance`).set(header(guest)).expect(200);
    for (const refused of [
      await fund(guest, 1).expect(403),
      await api.http.post('/v1/explorer/invites').set(header(guest)).expect(403),
      await api.http
        .post('/v1/services')
        .set(header(guest))
        .send({ name: 'Mine', price_per_call: 1 })
        .expect(403),
    ]) {
      expect(refused.body).toMatchObject({ code: 'DEMO_READ_ONLY', error: { reason: 'demo_read_only' } });
    }
    await api.http.post('/v1/explorer/session/renew').set(header(guest)).expect(200);
  });

  it('lets guests write where the operator allows it', async () => {
    const lenient = await testApi({ EXPLORER_GUEST_WRITES: 'true', EXPLORER_HOST_WRITES: 'false' });
    const host = await open(lenient);
    const { body } = await lenient.http.post('/v1/explorer/invites').set(header(host)).expect(201);
    const { invite: code } = body as { invite: string };
    const exchanged = await lenient.http
      .post('/v1/explorer/invites/exchange')
      .send({ invite: code })
      .expect(200);
    const path = `/v1/wallets/${host.wallet_id}/fund`;
    const funding = { amount: 1, source: 'test_faucet' };
    await lenient.http
      .post(path)
      .set(header(exchanged.body as Admitted))
      .send(funding)
      .expect(200);
    const hosts = await lenient.http.post(path).set(header(host)).send(funding).expect(403);
    expect(hosts.body.code).toBe('DEMO_READ_ONLY');
    await lenient.close();
  });

  it('caps what its wallet holds, also when it is funded many times at once', async () => {
    const host = await open();
    const responses = await Promise.all(Array.from({ length: 8 }, () => fund(host, 10)));
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(5);
    const refused = responses.find(({ status }) => status !== 200);
    expect(refused?.body.error).toMatchObject({ code: 'AP-1001', reason: 'funding_refused' });
  });

  it('caps what its agent pays at once', async () => {
    const host = await open();
    await fund(host, 10).expect(200);
    const provider = await newAgent(api);
    const buy = async (price: number) => {
      const service = await newService(api, provider, { price_per_call: price });
      const body = { from_wallet_id: host.wallet_id };
      return api.http.post(`/v1/services/${service}/authorize`).set(header(host)).send(body);
    };
    expect((await buy(2)).status).toBe(201);
    const dear = await buy(2.000001);
    expect([dear.status, dear.body.code]).toEqual([403, 'AP-1002']);
  });

  it('ends: its tokens after fifteen minutes, all of it after its time', async () => {
    const host = await open();
    const session = () => api.http.get('/v1/explorer/session');
    api.clock.advance(14 * 60_000);
    const renewed = await api.http.post('/v1/explorer/session/renew').set(header(host)).expect(200);
    api.clock.advance(60_000);
    await session().set(header(host)).expect(401);
    let token = renewed.body as Admitted;
    await session().set(header(token)).expect(200);
    for (let minutes = 15; minutes + 13 < 240; minutes += 13) {
      api.clock.advance(13 * 60_000);
      token = (await api.http.post('/v1/explorer/session/renew').set(header(token)).expect(200))
        .body as Admitted;
    }
    api.clock.advance(13 * 60_000);
    await session().set(header(token)).expect(401);
  });
});

describe('an access token', () => {
  it('is refused when it is forged, altered or of another kind', async () => {
    const host = await open();
    const guest = await guestOf(host);
    const [head, body, signature] = host.access_token.split('.') as [string, string, string];
    const [, guestBody, guestSignature] = guest.access_token.split('.') as [string, string, string];
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const key = (await newAgent(api)).key;
    for (const token of [
      `${head}.${guestBody}.${signature}`,
      `${head}.${body}.${guestSignature}`,
      `${none}.${body}.`,
      `${head}.${body}`,
      key,
      'x',
    ]) {
      await api.http.get('/v1/explorer/session').set('x-explorer-access', token).expect(401);
    }
    await api.http.get('/v1/agents').set('authorization', `Bearer ${host.access_token}`).expect(401);
  });
});

describe('an invite', () => {
  it('is good for as many guests as it may have, and for nothing once it has expired', async () => {
    const host = await open();
    const code = await invite(host);
    const exchange = () => api.http.post('/v1/explorer/invites/exchange').send({ invite: code });
    const responses = await Promise.all(Array.from({ length: 25 }, exchange));
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(20);
    expect(responses.find(({ status }) => status !== 200)?.body.error.reason).toBe('invite_not_found');
    const late = await invite(host);
    api.clock.advance(60 * 60_000);
    await api.http.post('/v1/explorer/invites/exchange').send({ invite: late }).expect(404);
  });
});

describe('the operator', () => {
  const keys = { 'x-admin-key': ADMIN_KEY };

  it('sees sessions, settings, limits, queue and switch, also with the key of the demo', async () => {
    const host = await open();
    for (const key of [ADMIN_KEY, DEMO_ADMIN_KEY]) {
      const { body } = await api.http.get('/ops/public-alpha/state').set('x-admin-key', key).expect(200);
      expect(body.sessions[0]).toMatchObject({ session_id: host.session_id, agent_id: host.agent_id });
      expect(body).toMatchObject({
        settings: { sandbox: true, guest_writes: false, payment_max: 2, funding_max: 50 },
        rate_limits: { per_minute: 1_000_000 },
        queue_depth: 0,
        kill_switch: false,
      });
    }
    await api.http
      .post('/v1/services/svc_01kb3x9v7f5m2q8r4t6w0y1z3d/verification')
      .set('x-admin-key', DEMO_ADMIN_KEY)
      .expect(401);
  });

  it('stops all spending with the kill switch, and lets it go on', async () => {
    const buyer = await newAgent(api, { funds: 1 });
    const service = await newService(api, await newAgent(api));
    const buy = () =>
      api.http
        .post(`/v1/services/${service}/authorize`)
        .set(buyer.auth)
        .send({ from_wallet_id: buyer.wallet });
    const flip = (enabled: boolean) =>
      api.http
        .post('/ops/public-alpha/kill-switch')
        .set(keys)
        .send({ enabled })
        .expect(200, { kill_switch: enabled });
    await flip(true);
    await flip(true);
    const stopped = await buy();
    expect([stopped.status, stopped.body.error.reason]).toEqual([403, 'kill_switch']);
    const { body } = await api.http.get('/ops/public-alpha/state').set(keys).expect(200);
    expect(body.kill_switch).toBe(true);
    await flip(false);
    expect((await buy()).status).toBe(201);
  });
});

describe('without a sandbox', () => {
  it('there are no sessions', async () => {
    const live = await testApi({ SANDBOX: 'false' });
    const { body } = await live.http.post('/v1/explorer/sessions').expect(403);
    expect(body.error.reason).toBe('no_sandbox');
    await live.close();
  });
});
