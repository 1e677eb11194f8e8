import { authorize, newAgent, newService, testApi, type TestAgent, type TestApi } from '../testApi.js';

let api: TestApi;
let agent: TestAgent;
let stranger: TestAgent;
let provider: TestAgent;
let tokenId: string;

afterAll(() => api.close());

describe('what belongs to somebody else', () => {
  beforeAll(async () => {
    api = await testApi();
    agent = await newAgent(api, { funds: 10 });
    stranger = await newAgent(api, { funds: 1 });
    provider = await newAgent(api);
    const service = await newService(api, provider);
    tokenId = (await authorize(api, agent, service)).token_id;
  });

  it('a token is cancelled by its consumer only and served by its provider only', async () => {
    const url = `/v1/x402/tokens/${tokenId}`;
    await api.http.delete(url).set(provider.auth).expect(404);
    for (const event of ['call-started', 'call-accepted', 'call-completed', 'call-failed']) {
      await api.http.post(`${url}/${event}`).set(agent.auth).expect(404);
    }
  });

  it('a token is redeemed by the provider of its service only', async () => {
    const { token } = await authorize(api, agent, await newService(api, provider));
    await api.http.post('/v1/x402/verify').set(stranger.auth).send({ token }).expect(404);
    await api.http.post('/v1/x402/verify').set(agent.auth).send({ token }).expect(404);
    await api.http.post('/v1/x402/verify').set(provider.auth).send({ token }).expect(200);
  });

  it('a wallet of somebody else does not pay', async () => {
    const service = await newService(api, provider);
    const url = `/v1/services/${service}/authorize`;
    const response = await api.http
      .post(url)
      .set(stranger.auth)
      .send({ from_wallet_id: agent.wallet })
      .expect(404);
    expect(response.body.error.reason).toBe('wallet_not_found');
  });
});
