import { policies } from '@agentpay/core';
import { listed } from './listings.calls.js';
import { newOrg } from './orgs.calls.js';
import { newWorld, type World } from '../world.js';

let world: World;

beforeAll(async () => {
  world = await newWorld();
});
afterAll(() => world.api.close());

it('a payment above the budget of the organization is refused, and the organization reads it in the log of its policy', async () => {
  const { api, agent } = world;
  const developer = world.credential('developer');
  const { org_id } = (await newOrg(world)).params;
  await api.composition.core.db.tx((tx) => policies.setOrgs(tx, { partyId: agent.id, orgs: [org_id] }));
  const policy = { name: 'Budget Cap', rules: { monthly_usdc: '10' } };
  const made = await api.http.post(`/orgs/${org_id}/policies`).set(developer).send(policy).expect(200);
  const pay = (amount: number) =>
    api.http
      .post('/v1/payments')
      .set({ ...agent.auth, 'idempotency-key': `pay-${amount}` })
      .send({ from_wallet_id: agent.wallet, to_external: 'seller', amount });
  await pay(6).expect(201);
  const refused = await pay(5).expect(403);
  expect(refused.body).toMatchObject({ code: 'AP-1002', error: { reason: 'org_monthly_limit' } });
  const { body } = await api.http.get(`/orgs/${org_id}/policies/logs`).set(developer).expect(200);
  expect(body).toMatchObject({
    total: 1,
    logs: [
      {
        policy_id: made.body.policy_id,
        action: 'enforced',
        reason: 'org_monthly_limit',
        spender_id: agent.id,
        limit_usdc: '10.00',
        spent_usdc: '6.00',
      },
    ],
  });
});

it('a call above the budget of its organization stands once in the log', async () => {
  const { api } = world;
  const developer = world.credential('developer');
  const { org_id } = (await newOrg(world)).params;
  const policy = { name: 'Budget Cap', rules: { monthly_usdc: '0.001' } };
  await api.http.post(`/orgs/${org_id}/policies`).set(developer).send(policy).expect(200);
  const { body: made } = await api.http
    .post('/admin/gateways')
    .set(world.credential('admin'))
    .send({ name: 'Acme Gateway', org_id })
    .expect(201);
  const gateway = { 'x-gateway-key': made.gateway_key as string };
  const agent_id = await listed(world);
  const quota = { agent_id, quota_usdc: '50.00' };
  await api.http.post('/gateway/provision').set(gateway).send(quota).expect(200);
  const call = { agent_id, input: { task: 'summarize' } };
  const refused = await api.http.post('/gateway/call').set(gateway).send(call).expect(403);
  expect(refused.body.error).toMatchObject({ reason: 'org_monthly_limit' });
  const { body } = await api.http.get(`/orgs/${org_id}/policies/logs`).set(developer).expect(200);
  expect(body).toMatchObject({ total: 1, logs: [{ spender_id: made.gateway_id }] });
});

it('an invitation is a link to a page that says what it offers, and shows names as text', async () => {
  const { api } = world;
  const developer = world.credential('developer');
  const { body: org } = await api.http
    .post('/orgs')
    .set(developer)
    .send({ name: 'A & <b>B</b>' })
    .expect(200);
  const invited = await api.http
    .post(`/orgs/${org.org_id}/members`)
    .set(developer)
    .send({ email: 'dev@example.com', role: 'billing' })
    .expect(200);
  const { pathname, search } = new URL(invited.body.invite_url as string);
  const page = await api.http
    .get(pathname + search)
    .set('accept', 'text/html')
    .expect(200);
  expect(page.headers['content-type']).toMatch(/^text\/html/);
  expect(page.text).toContain('A &amp; &lt;b&gt;B&lt;/b&gt; invites you');
  const json = await api.http.get(pathname + search).expect(200);
  expect(json.body.html).toBe(page.text);
});
